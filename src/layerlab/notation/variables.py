"""Names of the variables in written source."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable

from layerlab.notation.model import KerasModel

__all__ = ["variables_of"]


def variables_of(model: KerasModel, taken: Iterable[str], prefix: str = "") -> dict[int, str]:
    """Return a variable for each tensor: ``x`` for what only the next line needs, its layer's name for the rest.

    Args:
        model: the network.
        taken: names that must not be used.
        prefix: before every name but ``x``.
    """
    plan = model.plan
    used = set(taken)
    names: dict[int, str] = {}

    def free(name: str) -> str:
        while name in used:
            name += "_"
        used.add(name)
        return name

    for number, layer in enumerate(plan.input_layers):
        only = "inputs" if len(plan.input_layers) == 1 else f"input_{number + 1}"
        name = (
            layer.name
            if layer.name is not None
            and layer.name.isidentifier()
            and layer.name.isascii()
            and not keyword.iskeyword(layer.name)
            else only
        )
        names[number] = (
            free(f"{prefix}{name}") if f"{prefix}{name}" != "inputs" or "inputs" in names.values() else "inputs"
        )

    uses = Counter(source for step in plan.steps for source in step.sources)
    uses.update(plan.outputs)
    following = [*plan.steps[1:], None][: len(plan.steps)]
    for step, after in zip(plan.steps, following, strict=True):
        passed_on = after is not None and uses[step.result] == 1 and step.result in after.sources
        names[step.result] = "x" if passed_on else free(f"{prefix}{step.child}")
    return names
