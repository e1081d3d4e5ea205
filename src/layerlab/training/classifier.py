"""A network with trained weights, from a run's folder or from a name of the zoo, ready to be used on images."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.zoo import create, list_models, model_info, read_spec
from layerlab.zoo.weights import classes_for, load_pretrained, outputs_in, weights_info
from layerlab.zoo.weights_published import has_published, published

if TYPE_CHECKING:
    from layerlab.training.run import Run

__all__ = ["Classifier", "chosen_classifier", "load_classifier", "loaded"]

_IMAGENET = 1000


@dataclass(frozen=True)
class Classifier:
    """A network with trained weights, and all that is needed to use it on an image."""

    model: torch.nn.Module
    """In evaluation mode."""
    classes: list[str]
    """The names, in the order of the outputs."""
    preprocessing: Preprocessing
    """How an image becomes an input."""


def load_classifier(
    name: str, weights: str | os.PathLike[str] = "imagenet", *, classes: Sequence[str] | None = None, **knobs: Any
) -> Classifier:
    """Return a network of the zoo with weights that somebody has trained, ready for :func:`~layerlab.training.predict`.

    Args:
        name: one of :func:`layerlab.list_models`.
        weights: ``imagenet`` (the published ones), a file, or a run folder.
        classes: the names of the outputs, where the weights do not say them.
        knobs: what the network of the weights was built with, beside the classes.

    Raises:
        LayerlabError: the weights cannot be had or do not fit, or the names are not as many as the outputs.

    Example:
        >>> predict(load_classifier("resnet50"), "photo.jpg")[0].name  # doctest: +SKIP
        'tabby'
    """
    about = weights_info(name, weights)
    outputs = outputs_in(name, weights) or len(classes or ())
    if not outputs:
        load_pretrained(name, create(name, **knobs), weights)  # those of another architecture are refused as such
        raise LayerlabError(f'the weights "{about.label}" do not say how many classes they tell apart: give the names')
    if knobs.pop("num_classes", outputs) != outputs:
        raise LayerlabError(f'the weights "{about.label}" tell {outputs} classes apart: leave num_classes out')
    names = tuple(classes) if classes is not None else classes_for(about, outputs)
    if names is None:
        raise LayerlabError(
            f'the weights "{about.label}" do not name their {outputs} classes: give the names (--classes FILE, a name a'
            " line)"
        )
    if len(names) != outputs:
        raise LayerlabError(
            f'{len(names)} class names came and "{name}" has {outputs} outputs with the weights "{about.label}"'
        )
    recipe = about.recipe or (published(name).recipe if has_published(name) and outputs == _IMAGENET else None)
    if recipe is None:
        raise LayerlabError(
            f'the weights "{about.label}" do not say how images are prepared for them: use a run folder, which does'
        )
    default = model_info(name).input_shape[0]
    if "in_channels" not in knobs and recipe.channels != default:
        knobs["in_channels"] = recipe.channels
    model = create(name, weights=weights, num_classes=outputs, **knobs).eval()
    return Classifier(model, list(names), Preprocessing(**asdict(recipe), classes=names))


def chosen_classifier(
    model: str, weights: str | os.PathLike[str] | None, classes: Path | None = None
) -> Run | Classifier:
    """Return what the command line names: a run's folder, or a name of the zoo with weights.

    Args:
        model: the folder or the name, which may have knobs (``resnet20:width=0.5``).
        weights: see :func:`load_classifier`; None for a run.
        classes: a file with the names of the outputs, a line each.

    Raises:
        LayerlabError: it is neither, or is both at once.
    """
    named = read_spec(model) if model in list_models() or not Path(model).is_dir() else None
    if weights is None and classes is None:
        if named is not None and not Path(model).is_dir():
            raise LayerlabError(
                f'"{model}" is a network of the zoo, whose fresh weights know nothing: add --weights imagenet, or a'
                " file of weights"
            )
        return loaded(model)
    if weights is None:
        raise LayerlabError(f'"{model}" is given names of classes without --weights: a run knows its own')
    if Path(model).is_dir() and named is None:
        raise LayerlabError(f'"{model}" is a run, which has its own weights: leave out --weights "{weights}"')
    name, knobs = named if named is not None else (model, {})
    return load_classifier(name, weights, classes=None if classes is None else _names_in(classes), **knobs)


def _names_in(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise LayerlabError(f'the names of the classes in "{path}" cannot be read: {reason}') from error
    return [line.strip() for line in lines if line.strip()]


def loaded(source: str | os.PathLike[str]) -> Run | Classifier:
    """Load a run's folder, or a network of the zoo with its published weights."""
    if not Path(source).is_dir() and os.fspath(source) in list_models():
        return load_classifier(os.fspath(source))
    from layerlab.training.run import load_run

    return load_run(source)
