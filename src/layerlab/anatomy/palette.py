"""The colours of diagrams: one hue a family, pale behind dark text or the reverse.

The hues follow Okabe and Ito's palette. Text on every fill has a contrast of at least 4.5, in both themes; no meaning
rests on colour alone, since every node says its class and every kind of arrow has a width or a dash of its own.
"""

from __future__ import annotations

__all__ = ["COLORS", "EDGES", "INK", "PAPER", "STYLE"]

PAPER = {"light": "#ffffff", "dark": "#14171c"}
INK = {"light": "#16191f", "dark": "#eceff4"}
_SOFT = {"light": "#4a505c", "dark": "#b6bdc9"}

# Family: fill and border in light, fill and border in dark.
COLORS: dict[str, tuple[str, str, str, str]] = {
    "convolution": ("#dcebf8", "#0072b2", "#16324a", "#4aa3dc"),
    "normalization": ("#e9e6f5", "#7a6bb5", "#2b2745", "#a497da"),
    "activation": ("#fdf0d0", "#c98a00", "#42340f", "#e6ac2e"),
    "pooling": ("#d8f0e6", "#008f67", "#123b2e", "#3cc096"),
    "dense": ("#fce2d3", "#c9560a", "#47240f", "#ef8a4b"),
    "attention": ("#f9e1ee", "#b8558c", "#45203a", "#e08fbe"),
    "recurrent": ("#d9f1f8", "#2a8fb5", "#113946", "#62c2e2"),
    "embedding": ("#f3f0cf", "#8d8410", "#38360f", "#cfc54a"),
    "merge": ("#e4e7ec", "#4a505c", "#333a45", "#b6bdc9"),
    "shape": ("#f3f4f6", "#8a919e", "#23272e", "#7d8694"),
    "other": ("#f3f4f6", "#8a919e", "#23272e", "#7d8694"),
    "block": ("#f7f8fa", "#2f3640", "#20252d", "#d5dae2"),
}
# Kind: colour in light, colour in dark, width, dashes.
EDGES: dict[str, tuple[str, str, float, str]] = {
    "plain": ("#5a6270", "#9aa3b2", 1.4, ""),
    "skip": ("#c2410c", "#fb923c", 2.4, ""),
    "concatenation": ("#00785a", "#34d399", 1.8, "7 4"),
}


def _colours(theme: int) -> str:
    """Return the rules that differ between the themes: 0 is light, 1 is dark."""
    name = ("light", "dark")[theme]
    frames = (("#fafbfc", "#f1f3f6"), ("#191d24", "#20252e"))[theme]
    rules = [
        f".layerlab-diagram .paper {{ fill: {PAPER[name]}; }}",
        f".layerlab-diagram text {{ fill: {INK[name]}; }}",
        f".layerlab-diagram .more, .layerlab-diagram .port, .layerlab-diagram .legend {{ fill: {_SOFT[name]}; }}",
        f".layerlab-diagram .badge {{ fill: {INK[name]}; }}",
        f".layerlab-diagram .badge-text {{ fill: {PAPER[name]}; }}",
        *(
            f".layerlab-diagram .frame.{shade} {{ fill: {fill}; stroke: {_SOFT[name]}; }}"
            for shade, fill in zip(("odd", "even"), frames, strict=True)
        ),
        *(
            f".layerlab-diagram .{family} {{ fill: {fills[2 * theme]}; stroke: {fills[2 * theme + 1]}; }}"
            for family, fills in COLORS.items()
        ),
        *(
            f".layerlab-diagram .edge.{kind} {{ stroke: {edge[theme]}; }} "
            f".layerlab-diagram .head.{kind} {{ fill: {edge[theme]}; }}"
            for kind, edge in EDGES.items()
        ),
        f".layerlab-diagram rect.port {{ fill: {PAPER[name]}; }}",
    ]
    return "\n".join(rules)


_SHAPES = "\n".join(
    f".layerlab-diagram .edge.{kind} {{ stroke-width: {width}; {f'stroke-dasharray: {dashes}; ' if dashes else ''}}}"
    for kind, (_, _, width, dashes) in EDGES.items()
)

STYLE = f"""
.layerlab-diagram {{ max-width: 100%; height: auto; font-family: system-ui, "DejaVu Sans", sans-serif; }}
.layerlab-diagram text {{ text-anchor: middle; font-size: 11px; }}
.layerlab-diagram .first {{ font-size: 13px; font-weight: 600; }}
.layerlab-diagram .frame-title, .layerlab-diagram .legend {{ text-anchor: start; font-size: 12px; }}
.layerlab-diagram .frame-title {{ font-weight: 600; }}
.layerlab-diagram .badge-text {{ font-size: 12px; font-weight: 600; }}
.layerlab-diagram rect {{ stroke-width: 1.3; }}
.layerlab-diagram rect.block {{ stroke-width: 1.8; }}
.layerlab-diagram .paper, .layerlab-diagram .badge {{ stroke: none; }}
.layerlab-diagram .edge {{ fill: none; }}
{_SHAPES}
{_colours(0)}
@media (prefers-color-scheme: dark) {{
{_colours(1)}
}}
"""
