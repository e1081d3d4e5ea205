"""Recurrent layers: LSTM, GRU and the plain one, in torch's form and order of gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from layerlab.anatomy.explain.arithmetic import equation, parameters_line, product
from layerlab.anatomy.explain.line import Line, formula, say
from layerlab.anatomy.record import Layer

__all__ = ["loop", "recurrent"]

# The letters of the gates in the order in which their weights are stacked.
_GATES: Mapping[str, str] = {"LSTM": "ifgo", "GRU": "rzn", "RNN": "h"}
_NAMES: Mapping[str, tuple[str, ...]] = {
    "LSTM": ("gate.input", "gate.forget", "gate.candidate", "gate.output"),
    "GRU": ("gate.reset", "gate.update", "gate.candidate"),
    "RNN": ("",),
}


@dataclass(frozen=True)
class _Cell:
    """Sizes and form of one recurrent layer."""

    kind: str
    into: int
    units: int
    given: int  # numbers that h has: fewer than units where they are projected
    biases: int
    nonlinearity: str = "tanh"
    squash: str = "sigmoid"

    @property
    def gates(self) -> int:
        return len(_GATES[self.kind])

    @property
    def parameters(self) -> int:
        return self.gates * self.units * (self.into + self.given + self.biases) + self._projection

    @property
    def macs(self) -> int:
        return self.gates * self.units * (self.into + self.given) + self._projection

    @property
    def _projection(self) -> int:
        return self.units * self.given if self.given != self.units else 0

    def text(self, with_biases: bool) -> str:
        """Return the formula of parameters, or without biases that of multiply-accumulates."""
        matrices = f"{product(self.into, self.units)} + {product(self.given, self.units)}"
        if with_biases and self.biases:
            matrices += f" + {self.units:,}" if self.biases == 1 else f" + 2*{self.units:,}"
        text = f"{self.gates}*({matrices})" if self.gates > 1 else matrices
        return text + (f" + {product(self.units, self.given)}" if self._projection else "")


def recurrent(layer: Layer) -> list[Line]:
    """Explain ``LSTM``, ``GRU`` and ``RNN``, and their cells."""
    settings, kind = layer.settings, layer.kind.removesuffix("Cell")
    hidden, features = settings["hidden_size"], settings["input_size"]
    given = settings.get("proj_size") or hidden
    directions = 2 if settings.get("bidirectional") else 1
    ins = [features] + [given * directions] * (settings.get("num_layers", 1) - 1)
    # Torch adds two biases; where the second is a constant (networks read from Keras) there is one.
    biases = sum(own.name.startswith("bias") for own in layer.own_parameters) // (directions * len(ins))
    nonlinearity = settings.get("nonlinearity", "tanh")
    cells = [_Cell(kind, size, hidden, given, biases, nonlinearity) for size in ins]
    suffix = "" if layer.kind.endswith("Cell") else "_l0"
    lines = _equations(cells[0], reset_after=True) + _sizes(cells[0], suffix)
    if len(cells) > 1:
        of = product(directions, given)
        lines.append(say("recurrent.stacked", count=len(cells), size=ins[1], text=f"{of} = {ins[1]:,}"))
    if directions > 1:
        lines.append(say("recurrent.directions"))
    weights = " + ".join(_times(directions, cell.text(True)) for cell in cells)
    lines.append(parameters_line(layer, weights, directions * sum(cell.parameters for cell in cells)))
    return lines + _cost(layer, cells, directions)


def loop(layer: Layer) -> list[Line]:
    """Explain the layers with other activations that Keras text may ask for; their sizes are their weights'."""
    kind = layer.kind.removeprefix("Loop")
    shapes = {own.name: own.shape for own in layer.own_parameters}
    gates = len(_GATES[kind])
    rows, into = shapes["weight_ih"]
    units = rows // gates
    biases = sum(name.startswith("bias") for name in shapes)
    cell = _Cell(kind, into, units, units, biases, "phi", "sigma")
    lines = _equations(cell, bool(layer.settings.get("reset_after", True))) + _sizes(cell, "")
    lines.append(say("recurrent.phi" if kind == "RNN" else "recurrent.phi-sigma"))
    lines.append(parameters_line(layer, cell.text(True), cell.parameters))
    return lines + _cost(layer, [cell], 1)


def _times(count: int, text: str) -> str:
    if count == 1:
        return text
    return f"{count}*{text}" if text.endswith(")") else f"{count}*({text})"  # 4*(...), a product already


def _equations(cell: _Cell, reset_after: bool) -> list[Line]:
    """Return the equations of one step."""

    def matrices(gate: str) -> tuple[str, str]:
        first = f"W_i{gate} x" + (f" + b_i{gate}" if cell.biases else "")
        return first, f"W_h{gate} h" + (f" + b_h{gate}" if cell.biases == 2 else "")

    def gated(gate: str, function: str) -> str:
        return f"{gate} = {function}({' + '.join(matrices(gate))})"

    phi, sigma, names = cell.nonlinearity, cell.squash, _NAMES[cell.kind]
    if cell.kind == "RNN":
        return [formula(f"h <- {phi}({' + '.join(matrices('h'))})")]
    if cell.kind == "GRU":
        one, two = matrices("n")
        new = f"n = {phi}({one} + r*({two}))" if reset_after else f"n = {phi}({one} + W_hn (r*h))"
        return [
            formula(gated("r", sigma), names[0]),
            formula(gated("z", sigma), names[1]),
            formula(new, names[2]),
            formula("h <- (1 - z)*n + z*h"),
        ]
    functions = (sigma, sigma, phi, sigma)
    return [
        *(formula(gated(gate, f), name) for gate, f, name in zip("ifgo", functions, names, strict=True)),
        formula("c <- f*c + i*g", "gate.cell"),
        formula(f"h <- o*{phi}(c)" if cell.given == cell.units else f"h <- W_hr (o*{phi}(c))"),
    ]


def _sizes(cell: _Cell, suffix: str) -> list[Line]:
    """Return the sizes of the matrices and vectors of the first layer, and where torch keeps them."""
    letters, rows = _GATES[cell.kind], cell.gates * cell.units
    into = ", ".join(f"W_i{gate}" for gate in letters)
    back = ", ".join(f"W_h{gate}" for gate in letters)

    def kept(names: str, sides: str, name: str, whole: str) -> Line:
        key = "recurrent.kept" if cell.gates > 1 else "recurrent.kept-one"
        return say(key, names=names, sides=sides, name=f"{name}{suffix}", whole=whole)

    lines = [
        say("recurrent.vectors", into=cell.into, units=cell.given),
        kept(into, f"{cell.units}x{cell.into}", "weight_ih", f"{rows}x{cell.into}"),
        kept(back, f"{cell.units}x{cell.given}", "weight_hh", f"{rows}x{cell.given}"),
    ]
    if cell.given != cell.units:
        lines.append(formula(f"W_hr: {cell.given}x{cell.units}"))
    if cell.biases:
        lines.append(say(f"recurrent.biases-{cell.biases}", units=cell.units))
    return lines


def _cost(layer: Layer, cells: list[_Cell], directions: int) -> list[Line]:
    shape = layer.inputs[0]
    sequence = 3
    time_axis = 1 if layer.settings.get("batch_first") or layer.kind.startswith("Loop") else 0
    if len(shape) == sequence:
        steps, batch = shape[time_axis], shape[1 - time_axis]
    elif layer.kind.endswith("Cell"):
        steps, batch = 1, shape[0] if len(shape) > 1 else 1
    else:
        steps, batch = shape[0], 1
    one = directions * sum(cell.macs for cell in cells)
    text = " + ".join(_times(directions, cell.text(False)) for cell in cells)
    times = "".join(f"{count:,}*" for count in (layer.calls, batch) if count != 1)
    lines = [equation("macs", f"{times}{steps:,}*({text})", layer.calls * batch * steps * one, layer.macs)]
    if steps > 1:
        lines.append(say("recurrent.steps", count=steps))
    return lines
