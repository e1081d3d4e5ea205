"""What a layer makes of an image: its maps, the weights behind them, and what they respond to."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from layerlab.anatomy.anatomy import Anatomy
from layerlab.anatomy.attention_maps import AttentionMaps, attention_maps
from layerlab.anatomy.collect import watch
from layerlab.anatomy.dissection import dissect
from layerlab.anatomy.feature_maps_input import PictureInput, picture_input
from layerlab.anatomy.filters import Filters, filters_of
from layerlab.anatomy.map_layout import Box, MapLayout, map_layout
from layerlab.anatomy.record import Layer
from layerlab.anatomy.responses import Excited, Place, dependence, excite, inside
from layerlab.anatomy.span import Reach
from layerlab.anatomy.stage import Stage
from layerlab.anatomy.text import sizes
from layerlab.anatomy.twin import meta_tensor, meta_twin, preserved
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from PIL import Image

    from layerlab.data import Preprocessing

__all__ = ["ChannelResponse", "FeatureMaps", "feature_maps"]

_MOST_CHANNELS = 256


@dataclass(frozen=True)
class ChannelResponse:
    """What one channel makes of the image.

    Attributes:
        channel: its index in the layer.
        peak: row and column of its highest value in the map.
        value: the value there.
        box: the part of the input that this position sees: top, left, bottom, right in pixels, the last two
            exclusive; beyond the image lies padding.
        dependence: (height, width), how much each pixel of the input adds to the value: gradient times input, summed
            over the colours; ``None`` where there was no time or no gradient.
        excited: an image (channels, height, width), as the network takes it, made to excite the middle of the map; of
            the part that it sees.
        excited_value: the value in the middle of the map for it.
        excited_pixels: the same as a person sees it, uint8 (height, width, 3).
    """

    channel: int
    peak: tuple[int, int]
    value: float
    box: Box
    dependence: Tensor | None
    excited: Tensor | None
    excited_value: float | None
    excited_pixels: Tensor | None


@dataclass(frozen=True)
class FeatureMaps:
    """The maps of a layer for one image; :meth:`to_html` shows them.

    Attributes:
        model: class name of the network.
        layer: the record of the layer.
        image: what went in.
        layout: how the layer's output lies on the image.
        maps: every channel, (channels, rows, columns); 1x1 where the layer has no positions.
        channels: the channels that are shown, that of the highest value first.
        filters: the weights that make the maps, where one layer does.
        attention: weights of attention, where the layer takes a softmax over positions.
        names: of the channels, where they are classes.
        notes: what a reader must know.
    """

    model: str
    layer: Layer
    image: PictureInput
    layout: MapLayout
    maps: Tensor
    channels: tuple[ChannelResponse, ...]
    filters: Filters | None
    attention: AttentionMaps | None
    names: tuple[str, ...]
    notes: tuple[str, ...]

    def to_html(self) -> str:
        """Return a page that needs nothing else; for light, dark and paper."""
        from layerlab.anatomy.feature_maps_page import feature_maps_page

        return feature_maps_page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write :meth:`to_html` to a file, and return its path.

        Raises:
            LayerlabError: the file cannot be written.
        """
        path = Path(path)
        try:
            path.write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise LayerlabError(f'"{path}" cannot be written: {error.strerror or error}') from error
        return path

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, without pictures, as what JSON can hold."""
        return {
            "model": self.model,
            "layer": self.layer.path,
            "kind": self.layer.kind,
            "maps": list(self.maps.shape),
            "input": list(self.image.tensor.shape),
            "prepared": self.image.words,
            "channels": [
                {
                    "channel": one.channel,
                    "name": self.names[one.channel] if self.names else None,
                    "value": one.value,
                    "peak": list(one.peak),
                    "box": list(one.box),
                    "excited_value": one.excited_value,
                }
                for one in self.channels
            ],
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        from layerlab.anatomy.feature_maps_page import feature_maps_fragment

        return feature_maps_fragment(self)


def feature_maps(
    module: nn.Module,
    image: str | os.PathLike[str] | Image.Image | Tensor,
    path: str,
    *,
    preprocess: Preprocessing | Callable[[Any], Tensor] | None = None,
    size: Sequence[int] | None = None,
    channels: int = 16,
    steps: int = 48,
    seconds: float = 20.0,
    seed: int = 0,
    note: str = "",
) -> FeatureMaps:
    """Run a network on an image and return what one of its layers makes of it.

    The network runs in evaluation mode and is left exactly as it was, as by :func:`~layerlab.anatomy.dissect`.

    Args:
        module: any network that takes one image.
        image: a file, a Pillow image, uint8 pixels (channels, height, width), or a floating-point tensor of this
            shape, which is taken as it is.
        path: of the layer, or its outline number; empty for what the network itself gives.
        preprocess: how the image becomes an input; by default the network's own way where something says it.
        size: (channels, height, width) of the input where nothing says it.
        channels: how many channels are looked at, those of the highest value.
        steps: of gradient ascent for the images that excite them; 0 for none.
        seconds: that gradients may take; what is not done by then is said in the notes.
        seed: of the noise that gradient ascent begins with.
        note: a sentence of the caller's for the notes, such as that the weights are random.

    Raises:
        LayerlabError: no such layer, an image that cannot be read or that the network cannot take, a layer that is
            not called, or options out of range.

    Example:
        >>> feature_maps(model, "cat.png", "features.3").save("cat.html")  # doctest: +SKIP
    """
    if not 1 <= channels <= _MOST_CHANNELS:
        raise LayerlabError(f"channels is {channels}; expected 1 to {_MOST_CHANNELS}")
    if steps < 0 or seconds < 0:
        raise LayerlabError(f"steps is {steps} and seconds is {seconds}; expected none of them below 0")
    module = getattr(module, "_orig_mod", module)  # what torch.compile wraps
    prepared = picture_input(module, image, preprocess, size)
    argument = _argument(module, prepared.tensor)
    anatomy = dissect(module, argument)
    layer = anatomy[path]
    if not layer.called:
        raise LayerlabError(f'layer "{layer.path}" of {anatomy.root.kind} is not called for an image: it has no maps')
    stage = Stage(module, layer.path)
    with stage.opened():
        with torch.no_grad():
            output, softmax = stage.with_softmax(prepared.tensor.unsqueeze(0))
        layout = map_layout(output.shape, _reach(module, argument, layer.path), prepared.tensor.shape[1:])
        if layout is None:
            raise LayerlabError(
                f'layer "{layer.path}" gives {sizes(output.shape)}, which cannot be laid on an image; choose another'
            )
        maps = layout.maps(output, 1)[0].detach().float().cpu()
        if not maps.isfinite().all():
            raise LayerlabError(f'layer "{layer.path}" gives NaN or infinity for this image: its weights are damaged')
        places = _strongest(maps, channels)
        shown, found = _responses(stage, layout, prepared, maps, places, steps, seconds, seed)
    notes = (*filter(None, (note, layout.words)), *found, *_notes(layer, anatomy))
    attention = attention_maps(softmax, layout)
    filters = filters_of(module, layer.path, anatomy.operations) if layout.kind != "series" else None
    return FeatureMaps(
        anatomy.root.kind, layer, prepared, layout, maps, shown, filters, attention, _names(module, maps), notes
    )


def _argument(module: nn.Module, image: Tensor) -> Any:
    """Return what dissect takes: the image, or the list of one that torchvision's detectors want."""
    if type(getattr(module, "transform", None)).__name__ == "GeneralizedRCNNTransform":
        return ([image],)
    first = next((parameter for parameter in module.parameters() if parameter.is_floating_point()), None)
    return image.unsqueeze(0) if first is None else image.unsqueeze(0).to(first.dtype)


def _reach(module: nn.Module, argument: Any, path: str) -> Reach | None:
    """Return what the layer's output sees of the image; ``None`` where it cannot be followed."""
    args = argument if isinstance(argument, tuple) else (argument,)
    try:
        twin = meta_twin(module)
        with preserved(module), torch.device("meta"):
            return watch(twin, [meta_tensor(one) for one in args], {}, guarded=module).visits[path].reach
    except Exception:  # its control flow depends on values: run for real
        with preserved(module):
            return watch(module, list(args), {}, guarded=module).visits[path].reach


def _strongest(maps: Tensor, count: int) -> list[Place]:
    """Return the channels of the highest values, with the places of these values."""
    values, indices = maps.flatten(1).max(dim=1)
    order = values.argsort(descending=True, stable=True)[:count]
    columns = maps.shape[2]
    return [(int(one), int(indices[one]) // columns, int(indices[one]) % columns) for one in order]


def _responses(
    stage: Stage,
    layout: MapLayout,
    image: PictureInput,
    maps: Tensor,
    places: Sequence[Place],
    steps: int,
    seconds: float,
    seed: int,
) -> tuple[tuple[ChannelResponse, ...], list[str]]:
    """Return the responses of the channels at their highest places, and what could not be found in time."""
    begun = time.monotonic()
    height, width = image.tensor.shape[1:]
    depends = dependence(stage, layout, image.tensor, places, begun + seconds / 2)
    middle = [(channel, maps.shape[1] // 2, maps.shape[2] // 2) for channel, _, _ in places]
    excited: Sequence[Excited | None] = [None] * len(places)
    if steps:
        excited = excite(stage, layout, image, middle, steps=steps, seed=seed, deadline=begun + seconds)
    notes = []
    if missing := sum(one is None for one in depends):
        notes.append(f"for {missing} of {len(places)} channels no gradient was taken: no time, or none passes")
    if steps:
        notes.append(_ascent_note(excited, steps, seconds))
    shown = []
    for place, pixels, made in zip(places, depends, excited, strict=True):
        channel, row, column = place
        shown.append(
            ChannelResponse(
                channel=channel,
                peak=(row, column),
                value=float(maps[place]),
                box=layout.box(row, column, height, width),
                dependence=pixels,
                excited=made.picture if made is not None else None,
                excited_value=made.value if made is not None else None,
                excited_pixels=_placed(image, made, layout, middle[0]) if made is not None else None,
            )
        )
    return tuple(shown), notes


def _placed(image: PictureInput, made: Excited, layout: MapLayout, place: Place) -> Tensor:
    """Return a made input as pixels."""
    top, left, bottom, right = inside(layout.box(*place[1:], *image.tensor.shape[1:]), *image.tensor.shape[1:])
    if (bottom - top, right - left) != tuple(made.picture.shape[1:]):
        raise RuntimeError("an excited picture does not cover what its place sees")
    return image.seen(made.picture)


def _ascent_note(excited: Sequence[Excited | None], steps: int, seconds: float) -> str:
    done = [one.steps for one in excited if one is not None]
    silent = len(excited) - len(done)
    if not done:
        return f"no image was found that excites a channel: no gradient passes, or not within {seconds:g} s"
    note = f"images that excite: gradient ascent from grey noise, at most {steps} steps and {seconds:g} s"
    if max(done) < steps:
        note += f" (it came to {max(done)})"
    return note + (f"; {silent} of {len(excited)} channels did not rise" if silent else "")


def _notes(layer: Layer, anatomy: Anatomy) -> list[str]:
    notes = []
    if layer.calls > 1:
        notes.append(f"the layer is called {layer.calls} times; the first call is shown")
    if len(layer.outputs) > 1:
        notes.append(f"the layer gives {len(layer.outputs)} tensors; the first is shown")
    notes += [note for note in anatomy.notes if note.startswith("ran on real")]
    return notes


def _names(module: nn.Module, maps: Tensor) -> tuple[str, ...]:
    """Return the names of the classes, where the channels are as many and have no positions."""
    from layerlab.zoo.weights import weights_of

    about = weights_of(module)
    names = about.classes if about is not None else None
    return tuple(names) if names is not None and maps.shape[1:] == (1, 1) and len(names) == len(maps) else ()
