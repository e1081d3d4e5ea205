"""Weights that somebody else has trained: what is known of them, and how they get into a network."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.zoo.origin import origin_of
from layerlab.zoo.registry import ModelInfo, model_info
from layerlab.zoo.transplant import transplant
from layerlab.zoo.weights_fetch import fetch_file
from layerlab.zoo.weights_published import PUBLISHED, InputRecipe, WeightsInfo, imagenet_classes, published

__all__ = [
    "InputRecipe",
    "WeightsInfo",
    "classes_for",
    "forget_weights",
    "load_file",
    "load_pretrained",
    "outputs_in",
    "pretrained_info",
    "require_channels",
    "weights_info",
    "weights_of",
]

_log = logging.getLogger("layerlab")

_IMAGENET = 1000
_INSIDE = ("state_dict", "model_state_dict", "model")  # where training scripts put the weights in their checkpoints
_PARALLEL = "module."
_HARMLESS = frozenset({"num_classes", "in_channels", "dropout", "auxiliary", "memory_efficient"})
"""Knobs that change nothing in what trained weights compute."""
_ATTRIBUTE = "_layerlab_weights"
_RUN_WEIGHTS, _RUN_CONFIG = "model.safetensors", "config.json"


def pretrained_info(name: str, weights: str = "imagenet") -> WeightsInfo:
    """Return what is known of the published weights of an architecture, without fetching them.

    Args:
        name: one of :func:`layerlab.list_models`.
        weights: ``imagenet``, or ``imagenet-v2`` for torchvision's later recipe, where there is one. The later ones
            name more images correctly; their features carry over less well to other images when they are frozen,
            and their probabilities are smaller.

    Raises:
        LayerlabError: no such architecture, or no such weights for it.

    Example:
        >>> pretrained_info("resnet50").recipe.resize
        256
    """
    model_info(name)
    if weights not in PUBLISHED:
        raise LayerlabError(f'no published weights are called "{weights}"{did_you_mean(weights, PUBLISHED)}')
    return published(name, weights)


def weights_info(name: str, weights: str | os.PathLike[str]) -> WeightsInfo:
    """Return what is known of weights for an architecture: published ones, a file, or those of a run.

    Raises:
        LayerlabError: there are none of this name and no such file, or no published ones for this architecture.
    """
    if not isinstance(weights, (str, os.PathLike)) or not os.fspath(weights):
        raise LayerlabError(f"the weights are {weights!r}; expected {', '.join(PUBLISHED)}, a file or a run folder")
    label = os.fspath(weights)
    if label in PUBLISHED:
        return pretrained_info(name, label)
    path = Path(label).expanduser()
    run = path if path.is_dir() else path.parent
    if (run / _RUN_CONFIG).is_file() and (path.is_dir() or path.name == _RUN_WEIGHTS):
        return _of_run(label, run)
    if path.is_dir():
        raise LayerlabError(f'"{label}" is a folder without a "{_RUN_CONFIG}"; expected a run folder or a weights file')
    if not path.is_file():
        near = did_you_mean(label, PUBLISHED)
        raise LayerlabError(
            f'there are no weights "{label}"{near if near.startswith("; did") else ""} (expected'
            f" {', '.join(PUBLISHED)}, a .pth or .safetensors file, or a run folder)"
        )
    return WeightsInfo(label, "a file", "unknown", None, None, None)


def load_pretrained(
    name: str, module: nn.Module, weights: str | os.PathLike[str], *, classes: tuple[str, ...] | None = None
) -> WeightsInfo:
    """Load weights into a network of the zoo, all of them or none.

    The head, and the auxiliary ones, stay as they are where their number of outputs is another, or where ``classes``
    are not those of the weights.

    Args:
        name: of the architecture.
        module: what :func:`layerlab.create` built.
        weights: see :func:`layerlab.create`; also a run folder.
        classes: what the outputs of ``module`` are to stand for, where that is known.

    Raises:
        LayerlabError: they cannot be had, or belong to another architecture.
    """
    about = weights_info(name, weights)
    info = model_info(name)
    if any(tensor.is_meta for tensor in module.parameters()):
        raise LayerlabError(f'"{name}" is built on device "meta", which holds no values: load its weights on "cpu"')
    if about.file is not None:
        require_channels(name, _knobs(module), about)
        _warn_of_knobs(name, module)
        path = fetch_file(about.file)
    else:
        path = _path_of(about.label)
    state = _without_auxiliary(read_tensors(path), module, info)
    heads = (info.head, *info.auxiliary_heads)
    new = classes is not None and about.classes is not None and tuple(classes) != about.classes
    loaded = load_state(state, module, heads, about.label, fresh=new)
    if not loaded and origin_of(module) is not None and "num_classes" not in _knobs(module):
        _log.warning(
            'the head of "%s" stays fresh, as the weights "%s" have another number of outputs: build it with their'
            " num_classes to have it loaded",
            name,
            about.label,
        )
    setattr(module, _ATTRIBUTE, about)
    return about


def weights_of(module: nn.Module) -> WeightsInfo | None:
    """Return which weights a network was built with, as long as it has not been trained further."""
    found = getattr(module, _ATTRIBUTE, None)
    return found if isinstance(found, WeightsInfo) else None


def forget_weights(module: nn.Module) -> None:
    """Note that a network's weights are no longer those that it was built with."""
    if hasattr(module, _ATTRIBUTE):
        delattr(module, _ATTRIBUTE)


def load_file(module: nn.Module, path: str | os.PathLike[str], heads: tuple[str, ...] = ()) -> None:
    """Load a file of weights into any network. Args: ``heads``, see :func:`layerlab.transplant`."""
    if not _path_of(os.fspath(path)).is_file():
        raise LayerlabError(f'no weights file "{path}"')
    load_state(read_tensors(_path_of(os.fspath(path))), module, heads, os.fspath(path))


def load_state(
    state: Mapping[str, Tensor], module: nn.Module, heads: tuple[str, ...], label: str, *, fresh: bool = False
) -> bool:
    """Load named tensors, all or none; return whether the heads were loaded too.

    Args:
        state: the tensors.
        module: what they are for.
        heads: see :func:`layerlab.transplant`.
        label: what a person calls them.
        fresh: whether the heads stay as they are in any case.
    """
    for name, tensor in state.items():
        if not tensor.isfinite().all():
            raise LayerlabError(f'the weights "{label}" are damaged: "{name}" holds NaN or infinity; none were loaded')
    own = module.state_dict()
    kept = {
        name: tensor.clone() for name, tensor in own.items() if fresh and any(_lies_in(name, head) for head in heads)
    }
    try:
        pairs = transplant(state, module, heads=heads)
    except LayerlabError as error:
        origin = origin_of(module)
        called = f'"{origin.name}"' if origin is not None else type(module).__name__
        knobs = ", ".join(f"{knob}={value!r}" for knob, value in _knobs(module).items() if knob != "num_classes")
        built = f" as it was built ({knobs})" if knobs else ""
        raise LayerlabError(f'the weights "{label}" do not fit {called}{built}: {error}') from error
    with torch.no_grad():
        for name, tensor in kept.items():
            own[name].copy_(tensor)
    return not kept and all(any(_lies_in(name, head) for name in pairs) for head in heads)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the named tensors of a ``.safetensors`` file, or of one of PyTorch; nothing is unpickled but tensors.

    Raises:
        LayerlabError: the file is cut, or holds something else.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file as load_safetensors

            return load_safetensors(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch and safetensors raise half a dozen kinds for a file that is cut or foreign
        raise LayerlabError(
            f'"{path}" is cut, or holds more than weights, which is never unpickled ({path.stat().st_size:,} bytes);'
            " expected a .safetensors file, or a state_dict() saved by torch.save"
        ) from error
    for key in _INSIDE:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    found = {str(name): value for name, value in content.items()} if isinstance(content, Mapping) else {}
    tensors = {name: value for name, value in found.items() if isinstance(value, Tensor)}
    if not tensors:
        raise LayerlabError(f'"{path}" holds no named tensors; expected a state_dict() saved by torch.save')
    if all(name.startswith(_PARALLEL) for name in tensors):
        tensors = {name.removeprefix(_PARALLEL): value for name, value in tensors.items()}
    return tensors


def outputs_in(name: str, weights: str | os.PathLike[str]) -> int | None:
    """Return for how many classes weights were trained, or None where they do not say."""
    about = weights_info(name, weights)
    if about.classes is not None:
        return len(about.classes)
    state = read_tensors(_path_of(about.label))
    head = state.get(f"{model_info(name).head}.weight")
    return None if head is None else len(head)


def _path_of(label: str) -> Path:
    path = Path(label).expanduser()
    return path / _RUN_WEIGHTS if path.is_dir() else path


def _of_run(label: str, run: Path) -> WeightsInfo:
    """Return what a run folder says of its weights."""
    if not (run / _RUN_WEIGHTS).is_file():
        raise LayerlabError(f'"{run}" has no "{_RUN_WEIGHTS}": its run has not come to its end; resume it first')
    try:
        config = json.loads((run / _RUN_CONFIG).read_bytes())
        recipe = config["preprocessing"]
        known = InputRecipe(
            size=(int(recipe["size"][0]), int(recipe["size"][1])),
            channels=int(recipe["channels"]),
            mean=tuple(map(float, recipe["mean"])),
            std=tuple(map(float, recipe["std"])),
            resize=recipe.get("resize"),
            interpolation=str(recipe.get("interpolation", "bilinear")),
            light_on_dark=bool(recipe.get("light_on_dark", False)),
        )
        classes = tuple(str(one) for one in config["classes"])
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise LayerlabError(f'"{run / _RUN_CONFIG}" was not written by Layerlab, or is cut') from error
    return WeightsInfo(label, f"the run {run.name}", "yours", None, classes, known)


def _knobs(module: nn.Module) -> dict[str, Any]:
    origin = origin_of(module)
    return {} if origin is None else origin.arguments


def require_channels(name: str, knobs: Mapping[str, Any], about: WeightsInfo) -> None:
    """Refuse weights for a network that is built for images of other channels than theirs."""
    given = knobs.get("in_channels")
    if about.recipe is not None and given not in (None, about.recipe.channels):
        raise LayerlabError(
            f'the weights "{about.label}" of "{name}" take images of {about.recipe.channels} channels and it was built'
            f" with in_channels={given}: leave that out, and load grey images as colour ones (channels=3)"
        )


def _warn_of_knobs(name: str, module: nn.Module) -> None:
    """Say so where the network computes something else with the weights than they were trained for."""
    other = {knob: value for knob, value in _knobs(module).items() if knob not in _HARMLESS}
    if other:
        given = ", ".join(f"{knob}={value!r}" for knob, value in other.items())
        _log.warning('the published weights of "%s" were trained without %s', name, given)


def _without_auxiliary(state: dict[str, Tensor], module: nn.Module, info: ModelInfo) -> dict[str, Tensor]:
    """Leave out the auxiliary heads of the weights where the network was built without."""
    branches = {head.partition(".")[0] for head in info.auxiliary_heads}
    own = {name.partition(".")[0] for name in module.state_dict()}
    return {name: value for name, value in state.items() if name.partition(".")[0] not in branches - own}


def _lies_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def classes_for(about: WeightsInfo, outputs: int) -> tuple[str, ...] | None:
    """Return the names of the outputs: those that the weights say, or ImageNet's for a file with a thousand."""
    if about.classes is None and outputs == _IMAGENET:
        return imagenet_classes()
    return about.classes
