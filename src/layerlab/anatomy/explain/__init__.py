"""The worked arithmetic of one layer: one small function for each kind of layer.

What a function writes is checked against the record as it is written (see
:mod:`layerlab.anatomy.explain.arithmetic`). Words come from a table for each language
(:mod:`layerlab.anatomy.explain.words`); formulas and numbers are the same in all.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from layerlab.anatomy.explain.arithmetic import declared, equation, product
from layerlab.anatomy.explain.blocks import Run, own_work, sums
from layerlab.anatomy.explain.explanation import Explanation
from layerlab.anatomy.explain.ideas import idea
from layerlab.anatomy.explain.kinds import WHOLE, kind_of
from layerlab.anatomy.explain.line import Line, Phrase, say
from layerlab.anatomy.explain.words import LANGUAGES, note_phrase, words_of, written
from layerlab.anatomy.record import Layer, Operation
from layerlab.anatomy.text import without_batch

if TYPE_CHECKING:
    from layerlab.anatomy.anatomy import Anatomy

__all__ = ["LANGUAGES", "Explanation", "Teller", "explain"]

# With more parts below than these, a part that has parts is told in one line.
_PARTS = 40


def explain(teller: Teller, layer: Layer, language: str = "en") -> Explanation:
    """Return the worked arithmetic of a layer, of its parts in order, and of their sums.

    Args:
        teller: of the anatomy that the layer is of.
        layer: one of its records.
        language: ``"en"`` or ``"pl"``.

    Raises:
        LayerlabError: there are no explanations in the language.
    """
    words_of(language)
    return Explanation(_title(layer), tuple(written(line, language) for line in teller.lines(layer)))


def _title(layer: Layer) -> str:
    number = f"{layer.number}  " if layer.number else ""
    name = f"{layer.path}: " if layer.path else ""
    return f"{number}{name}{layer.kind}"


class Teller:
    """Explains layers of one anatomy. What it said of a part it need not work out again for the whole.

    Args:
        anatomy: whose. It is not kept, so that the anatomy may keep its teller.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self._told: dict[tuple[str, bool], list[Line]] = {}
        self._own: dict[str, list[Operation]] = defaultdict(list)
        for operation in anatomy.operations:
            self._own[operation.path].append(operation)
        self._run = Run(anatomy.operations, {layer.path: layer.kind for layer in anatomy.layers})
        self._children: dict[str, list[Layer]] = defaultdict(list)
        for child in anatomy.layers:
            self._children[child.path.rpartition(".")[0]].append(child)

    def lines(self, layer: Layer) -> list[Line]:
        """Return the lines about a layer and its parts."""
        return self._lines(layer, len(self._below(layer)) > _PARTS)

    def _below(self, layer: Layer) -> list[Layer]:
        return [part for child in self._children[layer.path] for part in (child, *self._below(child))]

    def _lines(self, layer: Layer, briefly: bool) -> list[Line]:
        key = (layer.path, briefly)
        if key not in self._told:
            self._told[key] = self._tell(layer, briefly)
        return self._told[key]

    def _tell(self, layer: Layer, briefly: bool) -> list[Line]:
        lines = [Line((note_phrase(note),)) for note in layer.notes]
        if not layer.called and layer.is_leaf:
            return [*lines, _declared_parameters(layer)]
        if layer.called:
            lines.insert(0, _ends(layer))
        kind, explained = _explained(layer)
        children = self._children[layer.path]
        if not children or kind in WHOLE:
            return lines + _completed(layer, explained)
        work = own_work(layer, self._own[layer.path], self._run)
        lines += [*idea(layer, self._below(layer), work), *explained]
        for child in children:
            if briefly and not child.is_leaf:
                lines.append(_in_one_line(child))
            else:
                lines += self._part(child, briefly)
        return [*lines, *work, *sums(layer, children), *_field(layer, explained)]

    def _part(self, layer: Layer, briefly: bool) -> list[Line]:
        """Return the lines about a part of another layer, without what stands beside the point there."""
        if layer.kind == "Identity" and layer.called:
            return [Line((f"{_title(layer)}: y = x",))]
        inside = [line for line in self._lines(layer, briefly) if not line.aside]
        return [Line((_title(layer),)), *(line.deeper() for line in inside)]


def _ends(layer: Layer) -> Line:
    """Return what goes in and what comes out, without the batch."""
    inputs = ", ".join(without_batch([shape]) for shape in layer.inputs) or Phrase("nothing")
    return Line((inputs, f" -> {without_batch(layer.outputs)}"), "ends")


def _explained(layer: Layer) -> tuple[str, list[Line]]:
    """Return the kind by which a layer is known, and what its function says; nothing for unknown kinds."""
    kind, explainer = kind_of(layer)
    if explainer is None or not layer.called:
        return kind, []
    try:
        return kind, explainer(replace(layer, kind=kind))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return layer.kind, []  # another library's class of the same name, with other settings


def _completed(layer: Layer, lines: list[Line]) -> list[Line]:
    """Return the lines with what every layer has: parameters, multiply-accumulates and receptive field."""
    given = {line.gives for line in lines}
    more = []
    if "parameters" not in given:
        more.append(replace(_declared_parameters(layer), aside=not declared(layer)))
    if "macs" not in given:
        more.append(replace(equation("macs", "", layer.macs, layer.macs), aside=not layer.macs))
    return [*lines, *more, *_field(layer, lines)]


def _field(layer: Layer, lines: list[Line]) -> list[Line]:
    """Return the receptive field where no line has said it."""
    if not layer.called or layer.receptive_field is None or any(line.gives == "receptive-field" for line in lines):
        return []
    same = layer.receptive_field == layer.incoming_field
    tail = Phrase("field.same") if same else None
    fields = sorted(set(layer.receptive_field))
    return [replace(equation("receptive-field", "", field, field, tail), aside=same) for field in fields]


def _declared_parameters(layer: Layer) -> Line:
    held = layer.own_parameters
    formula = " + ".join(product(*parameter.shape) or "1" for parameter in held) or "0"
    names = Phrase("parameters.named", {"names": ", ".join(parameter.name for parameter in held)}) if held else None
    return equation("parameters", formula, sum(math.prod(own.shape) for own in held), declared(layer), names)


def _in_one_line(layer: Layer) -> Line:
    key = "summary" if layer.called else "summary.not-called"
    ends = f"{', '.join(without_batch([shape]) for shape in layer.inputs) or '-'} -> {without_batch(layer.outputs)}"
    return say(key, title=_title(layer), ends=ends, parameters=layer.parameters, macs=layer.macs)
