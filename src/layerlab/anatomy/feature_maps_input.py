"""From an image to what a network takes, and back to what a person sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from layerlab.anatomy.text import sizes
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from PIL import Image

    from layerlab.data import Preprocessing

__all__ = ["PictureInput", "picture_input"]

_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WHITE = 255


@dataclass(frozen=True)
class PictureInput:
    """One image as a network gets it.

    Attributes:
        tensor: what goes in, (channels, height, width), without the batch.
        pixels: the same as a person sees it, uint8 (height, width, 3).
        low, high: what black and white are for the network, (channels, 1, 1) each.
        words: how the image was prepared, in words.
    """

    tensor: Tensor
    pixels: Tensor
    low: Tensor
    high: Tensor
    words: str

    def seen(self, tensor: Tensor) -> Tensor:
        """Return an input of the network, (channels, height, width), as pixels: uint8 (height, width, 3)."""
        share = ((tensor - self.low) / (self.high - self.low)).clamp(0, 1)
        pixels = (share * _WHITE).round().to(torch.uint8)
        colours = pixels if pixels.shape[0] == 3 else pixels[:1].expand(3, -1, -1)
        return colours.movedim(0, -1).contiguous()


def picture_input(
    module: nn.Module,
    image: str | os.PathLike[str] | Image.Image | Tensor,
    preprocess: Preprocessing | Callable[[Any], Tensor] | None = None,
    size: Sequence[int] | None = None,
) -> PictureInput:
    """Prepare an image as the network expects it.

    Args:
        module: the network; its trained weights, timm's settings or the zoo may say how.
        image: a file, a Pillow image, uint8 pixels (channels, height, width), or a floating-point tensor of this
            shape, which is taken as it is.
        preprocess: the recipe, or any function from a Pillow image to a tensor; by default the network's own.
        size: (channels, height, width) of the input where nothing says it.

    Raises:
        LayerlabError: the image cannot be read, or nothing says how large the input is.
    """
    if isinstance(image, Tensor) and image.is_floating_point():
        return _as_it_is(image, "the tensor was taken as it is")
    picture = _picture(image)
    if preprocess is not None and not hasattr(preprocess, "to_pixels"):
        made = preprocess(picture)
        if not isinstance(made, Tensor):
            raise LayerlabError(f"preprocess gave {type(made).__name__}; expected a tensor (channels, height, width)")
        return _as_it_is(made, "prepared by the function that was given")
    recipe, words = (preprocess, "prepared as it was asked for") if preprocess else _recipe(module, size)
    return _by_recipe(picture, recipe, words)


def _by_recipe(picture: Image.Image, recipe: Any, words: str) -> PictureInput:
    pixels = recipe.to_pixels(picture)
    tensor = recipe.normalize(pixels.unsqueeze(0)).squeeze(0)
    ends = torch.tensor([0.0, _WHITE]).view(2, 1, 1, 1).expand(2, recipe.channels, 1, 1)
    low, high = recipe.normalize(ends)
    scaling = "values 0..1" if set(recipe.mean) == {0.0} and set(recipe.std) == {1.0} else (
        f"each channel minus {_numbers(recipe.mean)}, divided by {_numbers(recipe.std)}"
    )  # fmt: skip
    words = f"{words}: scaled and cut to {sizes(recipe.size)}, {scaling}"
    made = PictureInput(tensor, torch.empty(0), low, high, words)
    return PictureInput(tensor, made.seen(tensor), low, high, words)


def _as_it_is(tensor: Tensor, words: str) -> PictureInput:
    """Return a tensor as an input; black and white are its own extremes."""
    tensor = tensor.detach().float().cpu()
    if tensor.dim() == 4 and tensor.shape[0] == 1:
        tensor = tensor[0]
    if tensor.dim() != 3 or not tensor.numel():
        raise LayerlabError(
            f"the image is a tensor of shape {tuple(tensor.shape)}; expected one image (channels, height, width)"
        )
    if not tensor.isfinite().all():
        raise LayerlabError("the image holds NaN or infinity; expected finite numbers")
    low, high = tensor.amin(), tensor.amax()
    if low == high:
        low, high = low - 1, high + 1
    black, white = (end.view(1, 1, 1).expand(tensor.shape[0], 1, 1).clone() for end in (low, high))
    made = PictureInput(tensor, torch.empty(0), black, white, words)
    return PictureInput(tensor, made.seen(tensor), made.low, made.high, words)


def _picture(image: Any) -> Image.Image:
    from PIL import Image

    from layerlab.data import read_image
    from layerlab.data.images import eight_bits

    if isinstance(image, str | os.PathLike):
        return read_image(Path(image))
    if isinstance(image, Image.Image):
        try:
            return eight_bits(image)
        except Exception as error:  # Pillow reads lazily, and raises many kinds of errors for a damaged file
            raise LayerlabError(f"the image cannot be read: {' '.join(str(error).split())}") from error
    if isinstance(image, Tensor) and image.dtype == torch.uint8 and image.dim() == 3 and image.shape[0] in (1, 3):
        array = image.detach().cpu().movedim(0, -1).numpy()
        return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)
    kind = (
        f"a tensor of {image.dtype}, shape {tuple(image.shape)}" if isinstance(image, Tensor) else type(image).__name__
    )
    raise LayerlabError(f"the image is {kind}; expected a file, a Pillow image or a tensor (channels, height, width)")


def _recipe(module: nn.Module, size: Sequence[int] | None) -> tuple[Any, str]:
    """Return how the network wants its images, and who says so."""
    from layerlab.data import Preprocessing
    from layerlab.zoo import input_shape_of
    from layerlab.zoo.elsewhere import customary_input_of
    from layerlab.zoo.weights import weights_of

    about = weights_of(module)
    if about is not None and about.recipe is not None and size is None:
        return Preprocessing(**asdict(about.recipe), classes=()), f'prepared as the weights "{about.label}" want it'
    told = getattr(module, "pretrained_cfg", None)
    if isinstance(told, dict) and {"input_size", "mean", "std"} <= set(told):
        channels, height, width = size or told["input_size"]
        if channels == len(told["mean"]):
            mean, std = tuple(told["mean"]), tuple(told["std"])
            return Preprocessing((height, width), channels, mean, std, ()), "prepared as the network's settings say"
    shape = tuple(size) if size is not None else input_shape_of(module) or customary_input_of(module)
    if shape is None or None in shape:
        raise LayerlabError(
            f"{type(module).__name__} does not say the size of its input; give it, e.g. --input 3x224x224 or"
            " size=(3, 224, 224)"
        )
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise LayerlabError(
            f"{type(module).__name__} takes {sizes([side or 0 for side in shape])}, which is no grey or coloured image;"
            " give a tensor of what it takes"
        )
    channels, height, width = (int(side or 0) for side in shape)
    imagenet = channels == 3 and not _scales_itself(module) and type(module).__name__ != "KerasModel"
    mean, std = _IMAGENET if imagenet else ((0.0,) * channels, (1.0,) * channels)
    why = "nothing says how the network wants its images, so " + (
        "by ImageNet's mean and deviation" if imagenet else "from 0 to 1"
    )
    words = "the network scales its images itself" if _scales_itself(module) else why
    return Preprocessing((height, width), channels, mean, std, ()), words


def _scales_itself(module: nn.Module) -> bool:
    """Whether it is one of torchvision's detectors, which take a list of images from 0 to 1."""
    return (
        hasattr(module, "roi_heads") or type(getattr(module, "transform", None)).__name__ == "GeneralizedRCNNTransform"
    )


def _numbers(values: Sequence[float]) -> str:
    shown = [f"{value:.3g}" for value in values]
    return shown[0] if len(set(shown)) == 1 else ", ".join(shown)
