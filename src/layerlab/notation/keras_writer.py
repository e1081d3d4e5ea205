"""A network back to Keras source."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from layerlab.errors import LayerlabError
from layerlab.notation.catalogue import KINDS, REQUIRED
from layerlab.notation.description import KerasObject, Layer, LibraryName, Shape, Value, automatic_name
from layerlab.notation.model import KerasModel, Step
from layerlab.notation.variables import variables_of

__all__ = ["write_keras"]

_OLD = frozenset({"input_shape", "batch_input_shape", "input_length", "fused", "implementation", "time_major"})
"""Arguments that Keras 3 no longer has."""
_HOMES = {"_initializer": "initializers", "_regularizer": "regularizers", "_constraint": "constraints"}


def write_keras(model: KerasModel) -> str:
    """Return the network as Keras source that Keras runs and that :func:`read_keras` reads as the same network.

    Args:
        model: what :func:`~layerlab.notation.read_keras` returned.

    Raises:
        LayerlabError: ``model`` was not read from Keras source.

    Example:
        >>> print(write_keras(read_keras("keras.Sequential([keras.Input((8,)), layers.Dense(2)])")))
        import keras
        from keras import layers
        <BLANKLINE>
        model = keras.Sequential(
            [
                keras.Input(shape=(8,)),
                layers.Dense(2),
            ]
        )
        <BLANKLINE>
    """
    if not isinstance(model, KerasModel):
        raise LayerlabError(f"write_keras takes a network read from Keras source, not {type(model).__name__}")
    writer = _Writer(
        Counter(id(child) for part in model.modules() if isinstance(part, KerasModel) for child in part.children())
    )
    writer.network(model, "model")
    return "\n".join(["import keras", "from keras import layers", "", *writer.lines, ""])


@dataclass
class _Writer:
    """Collects lines; networks inside networks come first."""

    homes: Counter[int]
    """In how many networks each module is a child."""
    lines: list[str] = field(default_factory=list)
    variables: set[str] = field(default_factory=lambda: {"keras", "layers", "model", "x", "inputs"})
    shared: dict[int, str] = field(default_factory=dict)
    """The variables of what is used more than once."""

    def network(self, model: KerasModel, variable: str) -> None:
        """Write one network into ``variable``."""
        for name, child in model.named_children():
            if isinstance(child, KerasModel) and id(child) not in self.shared:
                inner = self.free(name)
                self.network(child, inner)
                self.shared[id(child)] = inner
                self.lines.append("")
        if model.plan.kind == "Sequential":
            self.sequential(model, variable)
        else:
            self.functional(model, variable)

    def layer(self, step: Step, model: KerasModel, counts: Counter[str], calls: int = 1) -> str:
        """Return what is called: the layer where it is used once, else a variable that stands for it."""
        module = model.get_submodule(step.child)
        if id(module) in self.shared:
            return self.shared[id(module)]
        text = _layer(step, model, counts)
        if calls == 1 and self.homes[id(module)] == 1:
            return text
        variable = self.shared[id(module)] = self.free(f"shared_{step.child}")
        self.lines.append(f"{variable} = {text}")
        return variable

    def sequential(self, model: KerasModel, variable: str) -> None:
        """Write a list of layers."""
        counts: Counter[str] = Counter()
        items = [_input(model, 0)]
        items += [self.layer(step, model, counts) for step in model.plan.steps]
        name = f", name={_value(model.plan.name)}" if model.plan.name else ""
        self.lines += [f"{variable} = keras.Sequential(", "    ["]
        self.lines += [f"        {item}," for item in items]
        self.lines += [f"    ]{',' if name else ''}", *([f"    name={_value(model.plan.name)},"] if name else []), ")"]

    def functional(self, model: KerasModel, variable: str) -> None:
        """Write one line for each call of a layer."""
        plan = model.plan
        counts: Counter[str] = Counter()
        prefix = "" if variable == "model" else f"{variable}_"
        names = variables_of(model, self.variables, prefix)
        self.variables.update(names.values())
        self.lines += [f"{names[number]} = {_input(model, number)}" for number in range(len(plan.input_layers))]
        calls = Counter(step.child for step in plan.steps)
        for step in plan.steps:
            layer = self.layer(step, model, counts, calls[step.child])
            sources = [names[source] for source in step.sources]
            given = sources[0] if len(sources) == 1 else f"[{', '.join(sources)}]"
            self.lines.append(f"{names[step.result]} = {layer}({given})")
        inputs = [names[number] for number in range(len(plan.input_layers))]
        outputs = [names[number] for number in plan.outputs]
        ends = [inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"]
        ends.append(f"[{', '.join(outputs)}]" if plan.several_outputs else outputs[0])
        name = f", name={_value(plan.name)}" if plan.name else ""
        self.lines.append(f"{variable} = keras.Model({', '.join(ends)}{name})")

    def free(self, name: str) -> str:
        """Return a variable that is not taken."""
        while name in self.variables:
            name += "_"
        self.variables.add(name)
        return name


def _input(model: KerasModel, number: int) -> str:
    shape = model.plan.input_shapes[number]
    name = model.plan.input_layers[number].name
    return f"keras.Input(shape={_value(shape)}{'' if name is None else f', name={_value(name)}'})"


def _layer(step: Step, model: KerasModel, counts: Counter[str]) -> str:
    """Return the call that makes a layer, with its name where Keras would give it another."""
    layer = step.layer
    arguments = dict(layer.arguments)
    kind = _kind_in_keras(layer, step, model)
    if "name" not in arguments:
        base = automatic_name(layer.kind)
        automatic = f"{base}_{counts[base]}" if counts[base] else base
        counts[base] += 1
        if automatic != step.child:
            arguments["name"] = step.child
            counts[base] -= 1
    return _made(kind, Layer(layer.kind, arguments))


def _kind_in_keras(layer: Layer, step: Step, model: KerasModel) -> str:
    """Return Keras's own name for the lecture's ``GlobalAveragePooling``."""
    if layer.kind not in ("GlobalAveragePooling", "GlobalMaxPooling"):
        return layer.kind
    shapes: dict[int, Shape] = dict(enumerate(model.plan.input_shapes))
    shapes.update({earlier.result: earlier.shape for earlier in model.plan.steps})
    return f"{layer.kind}{len(shapes[step.sources[0]]) - 1}D"


def _made(kind: str, layer: Layer) -> str:
    """Return ``layers.Kind(...)``: what must be given first without its name, the rest with it."""
    parameters = KINDS[layer.kind].parameters
    arguments = dict(layer.arguments)
    if layer.kind == "LeakyReLU" and "alpha" in arguments:
        arguments.setdefault("negative_slope", arguments.pop("alpha"))
    if layer.kind.startswith("AveragePooling"):  # Keras 3 has no default there
        arguments.setdefault("pool_size", parameters["pool_size"])
    dropped = _OLD if layer.kind == "Embedding" else _OLD | {"input_dim"}
    given = [name for name in parameters if name in arguments and name not in dropped]
    texts = []
    for name in given:
        text = _value(arguments[name], name)
        first = name == next(iter(parameters)) and parameters[name] is REQUIRED
        texts.append(text if first else f"{name}={text}")
    return f"layers.{kind}({', '.join(texts)})"


def _value(value: Value, argument: str = "") -> str:
    """Return a value as source."""
    match value:
        case Layer():
            return _made(value.kind, value)
        case KerasObject():
            return _object(value, argument)
        case LibraryName() | str():
            text = repr(value if isinstance(value, str) else value.last)
            return text if '"' in text else f'"{text[1:-1]}"'
        case tuple():
            return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(_value, value))}]"
    return repr(value)


def _object(value: KerasObject, argument: str) -> str:
    """Return an initializer, a regularizer or a constraint as source."""
    home = next((home for end, home in _HOMES.items() if argument.endswith(end)), "initializers")
    parts = [_value(item) for item in value.positional]
    parts += [f"{name}={_value(item)}" for name, item in value.named]
    return f"keras.{home}.{value.path.rpartition('.')[2]}({', '.join(parts)})"
