"""A sheet to draw on: boxes, lines and text, written as an SVG that is read in light and in dark."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

__all__ = ["Canvas", "text_width"]

# Every picture brings its own background, so that it is read on any page; the reader's scheme turns both round.
_LIGHT = {
    "paper": "#ffffff", "ink": "#1c2733", "soft": "#5a6877", "line": "#7b8794", "edge": "#d5dbe1",
    "input": "#eceff2", "conv": "#cfe0f5", "depth": "#c9ece6", "pool": "#f8ddb4", "norm": "#e6e0f4", "act": "#d8efcf",
    "dense": "#f5cfd3", "join": "#fff3b8", "mark": "#1f5fa8", "share": "#8a63b8",
}  # fmt: skip
_DARK = {
    "paper": "#171b20", "ink": "#e8ecf0", "soft": "#a3afbb", "line": "#8d99a6", "edge": "#343c45",
    "input": "#39424c", "conv": "#234a75", "depth": "#1d564c", "pool": "#6b4a12", "norm": "#463a6b", "act": "#2f5522",
    "dense": "#6e2a33", "join": "#5f5410", "mark": "#7fb4ee", "share": "#b795e0",
}  # fmt: skip

_SANS = "Inter,'Segoe UI',Roboto,'DejaVu Sans',Helvetica,Arial,sans-serif"
_NARROW = frozenset("iljftr.,:;'|!()[] 1")
_WIDE = frozenset("mwMW%@→×")


def text_width(text: str, size: float = 12, *, bold: bool = False) -> float:
    """Return about how wide ``text`` is, in pixels: enough to keep neighbours apart."""
    ems = sum(0.38 if c in _NARROW else 0.92 if c in _WIDE else 0.7 if c.isupper() else 0.64 for c in text)
    return ems * size * (1.13 if bold else 1)


class Canvas:
    """Collects shapes; its size is that of what was drawn, with a margin.

    Kinds of boxes are colours by meaning: ``input``, ``conv``, ``depth`` (depthwise convolution), ``pool``, ``norm``,
    ``act``, ``dense``, ``join``.
    """

    def __init__(self) -> None:
        self._items: list[str] = []
        self._low = [float("inf"), float("inf")]
        self._high = [float("-inf"), float("-inf")]

    def text(
        self, x: float, y: float, text: str, *, size: float = 12, style: str = "ink", anchor: str = "middle",
        bold: bool = False,
    ) -> None:  # fmt: skip
        """Write ``text`` with its baseline at ``y``."""
        width = text_width(text, size, bold=bold)
        left = x - {"start": 0, "middle": width / 2, "end": width}[anchor]
        self._grow((left, y - size), (left + width, y + size * 0.3))
        weight = ' font-weight="600"' if bold else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        where = f'x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"'
        self._items.append(f'<text class="t-{style}" {where}{place}{weight}>{escape(text)}</text>')

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, *, radius: float = 4, edge: bool = True
    ) -> None:
        """Draw a filled box, with a fine edge or without."""
        self._grow((x, y), (x + width, y + height))
        rounded = f' rx="{_n(radius)}"' if radius else ""
        where = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._items.append(f'<rect class="k-{kind}{" e" * edge}" {where}{rounded}/>')

    def circle(self, x: float, y: float, radius: float, kind: str) -> None:
        """Draw a filled circle with a fine edge."""
        self._grow((x - radius, y - radius), (x + radius, y + radius))
        self._items.append(f'<circle class="k-{kind} e" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>')

    def dot(self, x: float, y: float, kind: str, *, radius: float = 4.6) -> None:
        """Draw a point of a chart: as a circle, in a stronger colour, which no text has to be read on."""
        self._grow((x - radius, y - radius), (x + radius, y + radius))
        self._items.append(f'<circle class="dot k-{kind} e" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}"/>')

    def polygon(self, points: list[tuple[float, float]], kind: str, *, shade: bool = False) -> None:
        """Draw a filled polygon with a fine edge; ``shade`` makes it a little darker, as a side away from the light."""
        for point in points:
            self._grow(point, point)
        listed = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._items.append(f'<polygon class="k-{kind} e" points="{listed}"/>')
        if shade:
            self._items.append(f'<polygon class="shade" points="{listed}"/>')

    def line(
        self, points: list[tuple[float, float]], *, arrow: bool = False, style: str = "line", dashed: bool = False
    ) -> None:
        """Draw a line through ``points``, with a head at its end if it is an arrow."""
        for point in points:
            self._grow(point, point)
        path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        head = ' marker-end="url(#head)"' if arrow else ""
        dash = ' stroke-dasharray="4 3"' if dashed else ""
        self._items.append(f'<path class="l-{style}" d="{path}"{head}{dash}/>')

    def save(self, file: Path, title: str, description: str, margin: float = 16) -> None:
        """Write the picture with what a screen reader says of it."""
        file.write_text(self.svg(title, description, margin), encoding="utf-8")

    def svg(self, title: str, description: str, margin: float = 16) -> str:
        """Return the picture as text."""
        x, y = (low - margin for low in self._low)
        width, height = (high + margin - low for high, low in zip(self._high, (x, y), strict=True))
        frame = f'<rect class="k-paper" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="8"/>'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{_n(x)} {_n(y)} {_n(width)} {_n(height)}"'
                f' width="{_n(width)}" height="{_n(height)}" role="img" aria-labelledby="title description">',
                f'<title id="title">{escape(title)}</title>',
                f'<desc id="description">{escape(description)}</desc>',
                f"<style>{_style()}</style>",
                '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
                ' orient="auto"><path class="k-line" d="M0 0.8L7.5 4L0 7.2Z"/></marker></defs>',
                frame,
                *self._items,
                "</svg>\n",
            ]
        )

    def _grow(self, low: tuple[float, float], high: tuple[float, float]) -> None:
        self._low = [min(a, b) for a, b in zip(self._low, low, strict=True)]
        self._high = [max(a, b) for a, b in zip(self._high, high, strict=True)]


def _style() -> str:
    def rules(colours: dict[str, str]) -> str:
        return "".join(
            f".k-{name}{{fill:{value}}}"
            + (f".t-{name}{{fill:{value}}}" if name in ("ink", "soft", "mark", "share") else "")
            + (f".l-{name}{{stroke:{value}}}" if name in ("line", "edge", "mark", "share") else "")
            for name, value in colours.items()
        )

    fixed = (
        f"text{{font-family:{_SANS}}}path{{fill:none;stroke-width:1.4}}marker path{{stroke:none}}"
        ".bar{stroke-width:16}.dot{filter:saturate(2.6) brightness(.8)}"
        ".e{stroke-width:.8;stroke:#4d5a67}.shade{fill:#000;fill-opacity:.13}"
    )
    # A marker's head is a path too: its fill has to come after the rule for paths.
    light = fixed + rules(_LIGHT)
    dark = rules(_DARK) + ".e{stroke:#a3afbb}.dot{filter:saturate(1.2) brightness(2)}"
    return f"{light}@media (prefers-color-scheme:dark){{{dark}}}"


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
