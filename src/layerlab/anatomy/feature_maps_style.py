"""How the page of feature maps looks. Colours are mixed from that of the text, so that they suit any ground."""

from __future__ import annotations

from layerlab.anatomy.signed_picture import NEGATIVE, POSITIVE

__all__ = ["MAPS_STYLE", "PAGE_STYLE"]

_ORANGE, _BLUE = ("#%02x%02x%02x" % colour for colour in (POSITIVE, NEGATIVE))  # noqa: UP031 - the shortest

PAGE_STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: #fff; color: #1c2024; }
main { max-width: 1180px; margin: 0 auto; padding: 20px 24px 48px; }
@media (prefers-color-scheme: dark) { body { background: #15181c; color: #e6e8eb; } }
@media print { body { background: #fff; color: #000; } main { max-width: none; padding: 0; }
  tr, figure { break-inside: avoid; } }
"""

MAPS_STYLE = f"""
.layerlab-maps {{ font: 14px/1.5 system-ui, sans-serif; --line: color-mix(in srgb, currentColor 20%, transparent);
  --soft: color-mix(in srgb, currentColor 68%, transparent); }}
.layerlab-maps h1 {{ font-size: 24px; font-weight: 650; margin: 8px 0 4px; }}
.layerlab-maps h2 {{ font-size: 18px; font-weight: 650; margin: 32px 0 4px; }}
.layerlab-maps p {{ margin: 0 0 12px; max-width: 78ch; }}
.layerlab-maps .beginning {{ display: grid; grid-template-columns: 260px minmax(0, 1fr); gap: 28px; margin-top: 16px; }}
.layerlab-maps figure {{ margin: 0; }}
.layerlab-maps figcaption, .layerlab-maps small, .layerlab-maps .notes {{ color: var(--soft); font-size: 12px; }}
.layerlab-maps .notes {{ padding-left: 1.2em; margin: 12px 0; }}
.layerlab-maps small {{ display: block; font-weight: 400; white-space: nowrap; }}
.layerlab-maps .picture {{ display: block; width: 112px; height: auto; outline: 1px solid var(--line); }}
.layerlab-maps img.picture {{ max-height: 168px; object-fit: contain; }}
.layerlab-maps .large {{ width: 260px; }}
.layerlab-maps .sheet {{ width: 100%; height: auto; display: block; outline: 1px solid var(--line); outline-offset: 3px;
  margin-bottom: 6px; }}
.layerlab-maps .crisp {{ image-rendering: pixelated; }}
.layerlab-maps .hatched {{ background: repeating-linear-gradient(45deg, var(--line) 0 1px, transparent 1px 6px); }}
.layerlab-maps .dim {{ opacity: .22; filter: grayscale(1); }}
.layerlab-maps rect.under, .layerlab-maps rect.frame {{ fill: none; vector-effect: non-scaling-stroke; }}
.layerlab-maps rect.under {{ stroke: #fff; stroke-width: 4px; }}
.layerlab-maps rect.frame {{ stroke: {_ORANGE}; stroke-width: 2px; }}
.layerlab-maps .wide {{ overflow-x: auto; }}
.layerlab-maps table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; }}
.layerlab-maps th, .layerlab-maps td {{ padding: 6px 14px 6px 0; vertical-align: top; text-align: left;
  background: none; color: inherit; border: 0; border-bottom: 1px solid var(--line); font-size: 13px; }}
.layerlab-maps th {{ font-weight: 600; }}
.layerlab-maps .slices {{ display: grid; grid-template-columns: repeat(3, 48px); gap: 4px 8px; }}
.layerlab-maps .slice {{ width: 44px; height: auto; display: block; outline: 1px solid var(--line); }}
.layerlab-maps .scale {{ display: inline-flex; gap: 6px; align-items: center; white-space: nowrap; }}
.layerlab-maps .scale i, .layerlab-maps .scale b {{ width: 60px; height: 9px; }}
.layerlab-maps .scale i {{ background: linear-gradient(to right, {_BLUE}, transparent); }}
.layerlab-maps .scale b {{ background: linear-gradient(to right, transparent, {_ORANGE}); }}
.layerlab-maps .bars {{ width: 100%; max-width: 640px; height: auto; font-size: 11px; }}
.layerlab-maps .bars text {{ fill: currentColor; }}
.layerlab-maps .bars .positive {{ fill: {_ORANGE}; }}
.layerlab-maps .bars .negative {{ fill: {_BLUE}; }}
@media (max-width: 760px) {{ .layerlab-maps .beginning {{ grid-template-columns: minmax(0, 1fr); }} }}
@media print {{ .layerlab-maps {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }} }}
"""
