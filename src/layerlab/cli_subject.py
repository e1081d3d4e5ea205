"""The network that is named on the command line, built as lightly as the task allows, and its anatomy."""

from __future__ import annotations

from contextlib import redirect_stdout
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layerlab.cli_zoo import input_size
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from torch import nn

    from layerlab.anatomy import Anatomy
    from layerlab.data import Preprocessing

__all__ = ["Subject"]

_FRESH = "the weights are fresh: this is what the network does before it has learnt anything"
_WEIGHTLESS = ("timm:", "torchvision.")


class Subject:
    """A network of the zoo, of a text, of a package, or of a run.

    Args:
        spec: what names it.
        given: the size of its input as it was typed, if it was.
        weights: of a network of the zoo: published, a file, or a run folder.
        real: whether it must have its weights; else a known kind of network is built without memory for them.

    Raises:
        LayerlabError: nothing is named so, or the weights do not fit.
    """

    def __init__(self, spec: str, given: str | None, weights: str | None = None, *, real: bool = False) -> None:
        self.spec, self._given = spec, given
        self.preprocessing: Preprocessing | None = None
        self.note = ""
        self._size: tuple[int, ...] | None = None
        self._is_weightless = False
        self.module = self._built(weights, real)

    @cached_property
    def size(self) -> tuple[int, ...]:
        """The size of one input: as it was given, as the run was trained, or as the network says."""
        if self._given is None and self.preprocessing is not None:
            return self.preprocessing.shape
        return input_size(self.module, self.spec, self._given)

    @property
    def given_size(self) -> tuple[int, ...] | None:
        """The size of one input that was typed, or None."""
        return None if self._given is None else self.size

    @cached_property
    def anatomy(self) -> Anatomy:
        """What the network is made of."""
        from layerlab.anatomy import dissect

        if not self._is_weightless:
            return dissect(self.module, self.size)
        size = self.size
        try:
            return dissect(self.module, size)
        except LayerlabError:  # its control flow may need real numbers; if not, the sentence comes again
            self.module, self._is_weightless = self._fresh(), False
            return dissect(self.module, size)

    def _built(self, weights: str | None, real: bool) -> nn.Module:
        from layerlab.zoo import zoo_name
        from layerlab.zoo.weights_published import has_published

        name = zoo_name(self.spec)
        if weights is not None:
            return self._trained(weights)
        if name is None and Path(self.spec).is_dir():
            from layerlab.training import load_run

            run = load_run(self.spec)
            self.preprocessing = run.preprocessing
            return run.model
        may_be_weightless = name is not None or self.spec.startswith(_WEIGHTLESS)
        if may_be_weightless or Path(self.spec).is_file():
            trained = name is not None and has_published(name, "imagenet")
            self.note = _FRESH + ("; --weights imagenet takes trained ones" if trained else "")
        if may_be_weightless and not real and (module := self._weightless()) is not None:
            self._is_weightless = True
            return module
        return self._fresh()

    def _fresh(self) -> nn.Module:
        from layerlab.zoo import resolve

        return resolve(self.spec)

    def _weightless(self) -> nn.Module | None:
        """Return the network on ``meta``, or None where its constructor reads numbers, or fails altogether."""
        import torch

        try:
            with torch.device("meta"), redirect_stdout(StringIO()):
                return self._fresh()
        except Exception:  # whatever it is, it comes again where the network is built for real, or does not
            return None

    def _trained(self, weights: str) -> nn.Module:
        from layerlab.zoo import create, model_info, read_spec
        from layerlab.zoo.weights import outputs_in, weights_info

        named = read_spec(self.spec)
        if named is None:
            raise LayerlabError(
                f'--weights "{weights}" are for a network of the zoo and "{self.spec}" is none; a run folder and a'
                " callable of your own bring theirs"
            )
        name, knobs = named
        options: dict[str, Any] = {"num_classes": outputs_in(name, weights)}
        recipe = weights_info(name, weights).recipe
        if recipe is not None and recipe.channels != model_info(name).input_shape[0]:
            options["in_channels"] = recipe.channels
        given = {key: value for key, value in options.items() if value is not None}
        return create(name, weights=weights, **(given | knobs))
