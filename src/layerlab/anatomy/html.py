"""The table on a page: a fragment that needs nothing else, for light and dark."""

from __future__ import annotations

from html import escape

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.rows import Row, footer, rows_of, title
from layerlab.anatomy.text import memory, per_axis, without_batch

__all__ = ["STYLE", "html_table"]

# Every colour is mixed from that of the text around, so that the table suits any page, light or dark.
STYLE = """
.layerlab-anatomy { overflow-x: auto; font: 13px/1.5 system-ui, sans-serif;
  --line: color-mix(in srgb, currentColor 20%, transparent);
  --soft: color-mix(in srgb, currentColor 65%, transparent);
  --kind: color-mix(in srgb, currentColor 45%, #2f81f7); }
.layerlab-anatomy table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.layerlab-anatomy caption { text-align: left; font-weight: 600; padding: 4px 0; }
.layerlab-anatomy th, .layerlab-anatomy td { padding: 2px 8px; text-align: right; white-space: nowrap;
  border-bottom: 1px solid var(--line); background: none; color: inherit; }
.layerlab-anatomy .name, .layerlab-anatomy .kind { text-align: left; }
.layerlab-anatomy td.kind { color: var(--kind); }
.layerlab-anatomy .unused td, .layerlab-anatomy .unused th { color: var(--soft); }
.layerlab-anatomy tbody th { font-weight: 400; }
.layerlab-anatomy tfoot td, .layerlab-anatomy tfoot th { font-weight: 600; }
.layerlab-anatomy ul { color: var(--soft); margin: 6px 0; padding-left: 1.2em; }
"""
_COLUMNS = ("output", "parameters", "MACs", "memory", "receptive field", "stride")


def html_table(anatomy: Anatomy, depth: int | None = None) -> str:
    """Return a ``<div>`` with its style, the table and its notes; everything from the model is escaped."""
    rows = rows_of(anatomy, depth)
    numbered = any(row.layer.number for row in rows)
    head = ['<th scope="col">#</th>'] if numbered else []
    head += [f'<th scope="col" class="{name}">{text}</th>' for name, text in (("name", "layer"), ("kind", "kind"))]
    head += [f'<th scope="col">{name}</th>' for name in _COLUMNS]
    totals = anatomy.totals
    blank = "<td></td>" * 2
    foot = ("<td></td>" if numbered else "") + '<th scope="row" class="name">total</th>' + blank
    foot += f"<td>{totals.parameters:,}</td><td>{totals.macs:,}</td>"
    foot += f"<td>{memory(totals.activation_bytes)}</td>{blank}"
    return "\n".join(
        [
            '<div class="layerlab-anatomy">',
            f"<style>{STYLE}</style>",
            f"<table><caption>{escape(title(anatomy))}</caption>",
            f"<thead><tr>{''.join(head)}</tr></thead>",
            f"<tbody>{''.join(_row(row, numbered) for row in rows)}</tbody>",
            f"<tfoot><tr>{foot}</tr></tfoot></table>",
            f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in footer(anatomy, rows))}</ul>",
            "</div>",
        ]
    )


def _row(row: Row, numbered: bool) -> str:
    layer = row.layer
    indent = 1.2 * max(layer.depth - 1, 0) + 0.6
    name = escape(row.name) or "whole model"
    attributes = f'class="name" style="padding-left: {indent:.1f}em" title="{escape(layer.path)}"'
    cells = [f"<td>{escape(row.number)}</td>"] if numbered else []
    cells += [f'<th scope="row" {attributes}>{name}</th>', f'<td class="kind">{escape(row.label)}</td>']
    figures = [
        without_batch(layer.outputs),
        "shared" if layer.shared_with is not None else _count(row.parameters),
        _count(row.macs),
        memory(row.activation_bytes) if row.activation_bytes else "-",
        per_axis(row.last.receptive_field),
        per_axis(row.last.stride),
    ]
    cells += [f"<td>{figure}</td>" for figure in figures]
    unused = "" if layer.used else ' class="unused"'
    return f"<tr{unused}>{''.join(cells)}</tr>"


def _count(number: int) -> str:
    return f"{number:,}" if number else "-"
