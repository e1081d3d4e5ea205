"""The page of a layer's maps: self-contained, for light, dark and paper."""

from __future__ import annotations

import hashlib
from html import escape
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from layerlab.anatomy.feature_maps_style import MAPS_STYLE, PAGE_STYLE
from layerlab.anatomy.map_layout import Box
from layerlab.anatomy.responses import inside
from layerlab.anatomy.signed_picture import colour_picture, data_uri, signed_picture
from layerlab.anatomy.text import per_axis, sizes, without_batch

if TYPE_CHECKING:
    from layerlab.anatomy.feature_maps import ChannelResponse, FeatureMaps

__all__ = ["feature_maps_fragment", "feature_maps_page"]

_SHEET_MAPS = 1024
_SHEET_WIDTH = 1000
_MOST_SIDE = 112
_WIDEST_MAP = 144
_SLICES = 6
_BARS = 40
_FULL = 0.995


def feature_maps_page(found: FeatureMaps) -> str:
    """Return the whole page."""
    title = escape(_title(found))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<style>{PAGE_STYLE}</style>\n</head>\n<body>\n{feature_maps_fragment(found)}\n</body>\n</html>\n"
    )


def feature_maps_fragment(found: FeatureMaps) -> str:
    """Return what a notebook shows."""
    photo = _Photo(found.image.pixels)
    parts = [
        f"<h1>{escape(_title(found))}</h1>",
        f"<p>{escape(_what(found))}</p>",
        _beginning(found, photo),
        _attention(found, photo),
        _responses(found, photo),
    ]
    body = "\n".join(part for part in parts if part)
    return f'<main class="layerlab-maps">\n<style>{MAPS_STYLE}</style>\n{photo.defined}\n{body}\n</main>'


def _title(found: FeatureMaps) -> str:
    layer = found.layer
    return f"{layer.path} of {found.model}" if layer.path else found.model


def _what(found: FeatureMaps) -> str:
    layer = found.layer
    count, rows, columns = found.maps.shape
    given = f"{layer.kind}: {without_batch(layer.inputs)} in, {without_batch(layer.outputs)} out."
    what = f"{count} values" if (rows, columns) == (1, 1) else f"{count} maps of {rows}x{columns}"
    least, most = _number(found.maps.min()), _number(found.maps.max())
    seen = ""
    if layer.receptive_field and found.layout.kind == "maps":
        seen = f" One position sees {per_axis(layer.receptive_field)} pixels of the input"
        seen += f", the next lies {per_axis(layer.stride)} further." if layer.stride else "."
    return f"{given} {what}, from {least} to {most}.{seen}"


class _Photo:
    """The image, held once and shown many times, whole or in part."""

    def __init__(self, pixels: Tensor) -> None:
        self.height, self.width = pixels.shape[:2]
        uri = data_uri(colour_picture(pixels))
        self._id = "photo-" + hashlib.sha256(uri.encode()).hexdigest()[:8]
        self._crisp = " crisp" if max(self.height, self.width) < _MOST_SIDE else ""
        self.defined = (
            f'<svg width="0" height="0" aria-hidden="true" style="position:absolute"><defs><image id="{self._id}"'
            f' width="{self.width}" height="{self.height}" href="{uri}" class="{self._crisp.strip()}"/></defs></svg>'
        )

    def covers(self, box: Box) -> bool:
        """Whether a box holds the whole image."""
        return box[0] <= 0 and box[1] <= 0 and box[2] >= self.height and box[3] >= self.width

    def whole(self, label: str, box: Box | None = None, over: str = "", kind: str = "picture") -> str:
        """Return the image with a frame around a part, or with something laid over it."""
        frame = ""
        if box is not None:
            top, left, bottom, right = box
            at = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
            frame = f'<rect class="under" {at}/><rect class="frame" {at}/>'
        dim = ' class="dim"' if over else ""
        return (
            f'<svg class="{kind}{self._crisp}" role="img" aria-label="{escape(label)}"'
            f' viewBox="0 0 {self.width} {self.height}">'
            f'<use href="#{self._id}"{dim}/>{over}{frame}</svg>'
        )

    def part(self, label: str, box: Box, over: str = "") -> str:
        """Return what lies in a box; where it reaches beyond the image the ground is hatched."""
        top, left, bottom, right = box
        crisp = " crisp" if right - left < _MOST_SIDE else ""
        dim = ' class="dim"' if over else ""
        hatched = " hatched" if inside(box, self.height, self.width) != box else ""
        return (
            f'<svg class="picture{hatched}{crisp}" role="img" aria-label="{escape(label)}"'
            f' viewBox="{left} {top} {right - left} {bottom - top}"><use href="#{self._id}"{dim}/>{over}</svg>'
        )

    def under(self, values: Tensor, most: float, label: str, box: Box | None = None) -> str:
        """Return values over the image, faint; the values are those of the whole image, or of the box on it."""
        uri = data_uri(signed_picture(values, most))
        top, left, bottom, right = inside(box or (0, 0, self.height, self.width), self.height, self.width)
        over = (
            f'<image x="{left}" y="{top}" width="{right - left}" height="{bottom - top}" preserveAspectRatio="none"'
            f' class="crisp" href="{uri}"/>'
        )
        return self.whole(label, over=over) if box is None else self.part(label, box, over)


def _picture(values: Tensor, most: float, label: str, kind: str = "picture") -> str:
    rows, columns = values.shape
    uri = data_uri(signed_picture(values, most))
    return f'<img class="{kind} crisp" width="{columns}" height="{rows}" alt="{escape(label)}" src="{uri}">'


def _beginning(found: FeatureMaps, photo: _Photo) -> str:
    """Return the image, what must be known of it, and all maps at once."""
    notes = "".join(f"<li>{escape(_sentence(note))}</li>" for note in (found.image.words, *found.notes))
    image = (
        f'<figure class="photo">{photo.whole("The image as the network gets it", kind="picture large")}'
        f"<figcaption>The image as the network gets it, {sizes(found.image.tensor.shape)}</figcaption></figure>"
    )
    everything = _bars(found) if found.maps.shape[1:] == (1, 1) else _sheet(found.maps)
    return f'<div class="beginning"><div>{image}<ul class="notes">{notes}</ul></div>{everything}</div>'


def _sheet(maps: Tensor) -> str:
    """Return all maps side by side, in one scale, as one picture."""
    shown = maps[:_SHEET_MAPS]
    count, rows, columns = shown.shape
    factor = 1
    across = _across(count, rows, columns)
    while across * (columns // factor + 1) > _SHEET_WIDTH and min(rows, columns) // (factor + 1) > 1:
        factor += 1
    if factor > 1:
        shown = torch.nn.functional.avg_pool2d(shown, factor)
        rows, columns = shown.shape[1:]
    most = _full(shown)
    lines = -(-count // across)
    sheet = torch.zeros(lines * (rows + 1) - 1, across * (columns + 1) - 1)
    for number, one in enumerate(shown):
        top, left = number // across * (rows + 1), number % across * (columns + 1)
        sheet[top : top + rows, left : left + columns] = one
    first = f"the first {count} of {len(maps)} maps" if count < len(maps) else f"all {count} maps"
    label = f"{first}, {across} in a row, in the order of the channels"
    widest = f' style="max-width: {across * _WIDEST_MAP}px"'
    picture = _picture(sheet, most, label, "sheet")
    caption = f"<figcaption>{escape(_sentence(label))}, in one scale. {_scale(most)}</figcaption>"
    return f"<figure{widest}>{picture}{caption}</figure>"


def _across(count: int, rows: int, columns: int) -> int:
    """Return how many stand in a row, so that the sheet is about a third wider than high."""
    wanted = max(round((count * 1.35 * (rows + 1) / (columns + 1)) ** 0.5), 1)
    even = [number for number in range(max(wanted * 3 // 4, 1), wanted * 4 // 3 + 1) if count % number == 0]
    return min(even, key=lambda number: abs(number - wanted)) if even else min(wanted, count)


def _scale(most: float) -> str:
    """Return the bar that says which colour is which value."""
    text = _number(most)
    return (
        f'<span class="scale" role="img" aria-label="Scale: blue is {escape(_number(-most))}, clear is 0, orange is'
        f' {text}"><span>{_number(-most)}</span><i></i><span>0</span><b></b><span>{text}</span></span>'
    )


def _bars(found: FeatureMaps) -> str:
    """Return the largest values of a layer without positions."""
    values = found.maps.flatten()
    order = values.abs().argsort(descending=True, stable=True)[:_BARS].tolist()
    order.sort(key=lambda index: -float(values[index]))
    most = max(float(values.abs().max()), 1e-12)
    middle, reach, line = 190, 150, 16
    rows = []
    for number, index in enumerate(order):
        value = float(values[index])
        y, length = number * line, abs(value) / most * reach
        kind = "positive" if value >= 0 else "negative"
        left = middle + reach if value >= 0 else middle + reach - length
        name = f"{index} {found.names[index]}" if found.names else str(index)
        rows.append(
            f'<text x="{middle - 8}" y="{y + 12}" text-anchor="end">{escape(name[:28])}</text>'
            f'<rect class="{kind}" x="{left:.1f}" y="{y + 3}" width="{max(length, 0.5):.1f}" height="{line - 5}"/>'
            f'<text x="{middle + 2 * reach + 8}" y="{y + 12}">{_number(value)}</text>'
        )
    what = (
        f"the {len(order)} values of the largest size, of {len(values)}" if len(order) < len(values) else "all values"
    )
    return (
        f'<figure><svg class="bars" role="img" aria-label="{escape(_sentence(what))}"'
        f' viewBox="0 0 {middle + 2 * reach + 70} {line * len(order) + 4}">{"".join(rows)}</svg>'
        f"<figcaption>{escape(_sentence(what))}, by channel</figcaption></figure>"
    )


def _attention(found: FeatureMaps, photo: _Photo) -> str:
    if found.attention is None:
        return ""
    attention = found.attention
    rows, columns = attention.layout.rows, attention.layout.columns
    kinds = [("On average over all queries", attention.on_average())]
    if (token := attention.from_class_token()) is not None:
        kinds.insert(0, ("From the class token", token))
    kinds.append(("From the middle of the image", attention.from_position(rows // 2, columns // 2)))
    even = 1 / attention.weights.shape[-1]
    lines = []
    for words, heads in kinds:
        cells = ""
        for number, head in enumerate(heads):
            more = head - even
            most = float(more.abs().max())
            picture = photo.under(more, most, f"{words}, head {number}")
            cells += f"<td>{picture}<small>full colour &plusmn;{_number(most)}</small></td>"
        lines.append(f"<tr><th scope='row'>{words}</th>{cells}</tr>")
    header = "".join(f"<th scope='col'>head {number}</th>" for number in range(len(attention.weights)))
    return (
        f"<h2>What attention looks at</h2>\n<p>Weights after the softmax, {sizes(attention.weights.shape)} (heads,"
        f" queries, keys). A head that looks everywhere alike gives {_number(even)} to each key: orange is more than"
        " that, blue is less.</p>\n"
        f'<div class="wide"><table><thead><tr><td></td>{header}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def _responses(found: FeatureMaps, photo: _Photo) -> str:
    """Return one line for each channel that was looked at."""
    places = found.maps.shape[1:] != (1, 1)
    excited = any(one.excited is not None for one in found.channels)
    depends = any(one.dependence is not None for one in found.channels)
    columns = {"Channel": True, "Map": places, "Highest where": places, "What it sees there": places,
               "Depends on": depends, "Excited by": excited, "Weights": found.filters is not None}  # fmt: skip
    header = "".join(f"<th scope='col'>{name}</th>" for name, shown in columns.items() if shown)
    lines = "".join(_line(found, photo, one, columns) for one in found.channels)
    return f"""<h2>What the channels respond to</h2>
<p>The {len(found.channels)} channels of the highest value{_explained(found, columns)}</p>
<div class="wide"><table class="responses"><thead><tr>{header}</tr></thead><tbody>{lines}</tbody></table></div>"""


def _explained(found: FeatureMaps, columns: dict[str, bool]) -> str:
    said = ["."]
    if columns["Depends on"]:
        said.append("<b>Depends on</b>: gradient times input; orange pixels raise the value, blue ones lower it.")
    if columns["Excited by"]:
        where = ", seen from the middle of the map" if columns["Map"] else ""
        said.append(f"<b>Excited by</b>: an image made by gradient ascent{where}.")
    if found.filters is not None:
        held = f' (of "{escape(found.filters.path)}")' if found.filters.path != found.layer.path else ""
        kind = "of the inputs with the largest weights, one picture an input"
        if found.filters.sees_image:
            kind = "in the colours they look for" if _coloured(found) else "one a pixel"
        said.append(f"<b>Weights</b>{held}: {kind}.")
    return " ".join(said)


def _line(found: FeatureMaps, photo: _Photo, one: ChannelResponse, columns: dict[str, bool]) -> str:
    name = f"<br>{escape(found.names[one.channel])}" if found.names else ""
    who = f"channel {one.channel}"
    cells = [f"<th scope='row'>{one.channel}{name}<small>{_number(one.value)}</small></th>"]
    row, column = one.peak
    if columns["Map"]:
        values = found.maps[one.channel]
        most = float(values.abs().max())
        cells.append(
            f"<td>{_picture(values, most, f'Map of {who}, highest {_number(one.value)}')}"
            f"<small>full colour &plusmn;{_number(most)}</small></td>"
        )
        cells.append(
            f"<td>{photo.whole(f'{who} is highest at row {row}, column {column}', box=one.box)}"
            f"<small>row {row}, column {column}</small></td>"
        )
        cells.append(f"<td>{_seen(photo, one, who)}</td>")
    if columns["Depends on"]:
        cells.append(f"<td>{_depends(photo, one, who)}</td>")
    if columns["Excited by"]:
        cells.append(f"<td>{_excited(one, who)}</td>")
    if columns["Weights"]:
        cells.append(f"<td>{_weights(found, one.channel)}</td>")
    return f"<tr>{''.join(cells)}</tr>"


def _seen(photo: _Photo, one: ChannelResponse, who: str) -> str:
    top, left, bottom, right = one.box
    if photo.covers(one.box):
        return "<small>the whole image</small>"
    beyond = top < 0 or left < 0 or bottom > photo.height or right > photo.width
    size = sizes((bottom - top, right - left)) if bottom - top != right - left else str(bottom - top)
    note = f"{size} pixels" + (", partly padding" if beyond else "")
    return f"{photo.part(f'What {who} sees where it is highest', one.box)}<small>{note}</small>"


def _depends(photo: _Photo, one: ChannelResponse, who: str) -> str:
    if one.dependence is None:
        return "<small>not computed</small>"
    box = None if photo.covers(one.box) else one.box
    top, left, bottom, right = inside(one.box, photo.height, photo.width)
    values = one.dependence[top:bottom, left:right]
    factor = -(-max(values.shape) // _MOST_SIDE)
    if factor > 1:
        values = torch.nn.functional.avg_pool2d(values[None], factor, ceil_mode=True)[0]
    if not float(values.abs().max()):
        return "<small>on no pixel</small>"
    return photo.under(values, _full(values[values != 0]), f"Pixels that {who} depends on", box)


def _excited(one: ChannelResponse, who: str) -> str:
    if one.excited_pixels is None or one.excited_value is None:
        return "<small>nothing found</small>"
    pixels = one.excited_pixels
    factor = -(-max(pixels.shape[:2]) // _MOST_SIDE)
    if factor > 1:
        small = torch.nn.functional.avg_pool2d(pixels.movedim(-1, 0).float()[None], factor, ceil_mode=True)[0]
        pixels = small.round().to(torch.uint8).movedim(0, -1)
    height, width = pixels.shape[:2]
    label = f"An image that excites {who}"
    crisp = " crisp" if max(height, width) < _MOST_SIDE // 2 else ""
    return (
        f'<img class="picture{crisp}" width="{width}" height="{height}" alt="{label}"'
        f' src="{data_uri(colour_picture(pixels))}"><small>{_number(one.excited_value)}</small>'
    )


def _coloured(found: FeatureMaps) -> bool:
    return found.filters is not None and found.filters.sees_image and found.filters.weight.shape[1] == 3


def _weights(found: FeatureMaps, channel: int) -> str:
    filters = found.filters
    if filters is None or channel >= len(filters.weight):
        return ""
    weight = filters.weight[channel]
    most = float(weight.abs().max())
    if _coloured(found):
        share = (weight / most if most else weight) * 0.5 + 0.5
        pixels = (share * 255).round().to(torch.uint8).movedim(0, -1)
        rows, columns = pixels.shape[:2]
        return (
            f'<img class="picture crisp" width="{columns}" height="{rows}" alt="Weights of channel {channel}"'
            f' src="{data_uri(colour_picture(pixels))}"><small>grey is 0, full &plusmn;{_number(most)}</small>'
        )
    if filters.sees_image:
        return _picture(weight[0], most, f"Weights of channel {channel}") + f"<small>&plusmn;{_number(most)}</small>"
    slices = [_slice(filters.weight[channel, index], most, filters.input_of(channel, index)) for index in
              filters.strongest(channel, _SLICES)]  # fmt: skip
    return f'<div class="slices">{"".join(slices)}</div><small>full colour &plusmn;{_number(most)}</small>'


def _slice(weight: Tensor, most: float, index: int) -> str:
    text = f"{index}: {_number(weight)}" if weight.numel() == 1 else str(index)
    return f"<span>{_picture(weight, most, f'Weights for input {index}', 'slice')}<small>{text}</small></span>"


def _full(values: Tensor) -> float:
    """Return the size of value that is shown in full colour: a few outliers may be beyond it."""
    flat = values.abs().flatten()
    if not flat.numel():
        return 1.0
    most = float(flat.kthvalue(max(int(_FULL * flat.numel()), 1)).values)
    return most or float(flat.max()) or 1.0


def _number(value: Tensor | float) -> str:
    return f"{float(value):.3g}".replace("-", "\N{MINUS SIGN}")


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
