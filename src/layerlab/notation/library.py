"""What Keras's names mean when the text calls them."""

from __future__ import annotations

import ast

from layerlab.notation.catalogue import KERAS_ACTIVATIONS, KINDS, UNREAD, Kind
from layerlab.notation.description import (
    KerasObject,
    Layer,
    LibraryName,
    Network,
    Tensor,
    Unknown,
    Value,
    first_unknown,
)
from layerlab.notation.evaluate import Evaluator
from layerlab.notation.graph import INPUT
from layerlab.notation.problems import Problems, near
from layerlab.notation.vocabulary import (
    INITIALIZERS,
    INPUT_ARGUMENTS,
    INPUT_LAYER_ARGUMENTS,
    MERGES,
    MODULES,
    NAMED_OBJECTS,
    NETWORKS,
    OBJECT_NAMES,
    OBJECTS,
    OTHERS,
    SIGNS,
)

__all__ = ["Library"]


class Library:
    """Gives calls their meaning, and keeps the networks that the text makes.

    Args:
        filename: what errors call the text.
        names: what the text has assigned so far, for the nearest name in errors.
    """

    def __init__(self, filename: str, names: dict[str, Value]) -> None:
        self.names = names
        self.problems = Problems(filename, names)
        self.evaluator = Evaluator(names, self)
        self.networks: list[Network] = []
        self.count = 0

    def makes(self, name: str) -> bool:
        """Return whether calling something of this name makes layers or networks."""
        return name in KINDS or name in UNREAD or name in NETWORKS

    # --- calls ---------------------------------------------------------------------------------------------------

    def call(self, function: Value, positional: list[Value], named: dict[str, Value], node: ast.Call) -> Value:
        """Return what calling ``function`` gives."""
        line = node.lineno
        if isinstance(function, Network):
            return self._apply(function.layer(), positional, named, line)
        if isinstance(function, Layer):
            return self._apply(function, positional, named, line)
        if isinstance(function, LibraryName):
            return self._library(function, positional, named, node)
        if isinstance(function, Unknown):
            return function
        return Unknown(node, line)

    def _library(
        self, function: LibraryName, positional: list[Value], named: dict[str, Value], node: ast.Call
    ) -> Value:
        """Return what calling a name of a library gives."""
        if not self._is_keras(function):
            return Unknown(node, node.lineno, function.last)
        if self.makes(function.last):
            return self._part(function.last, positional, named, node.lineno)
        return self._function(function, positional, named, node)

    def _is_keras(self, function: LibraryName) -> bool:
        """Return whether a name is Keras's. An alias that the text never imports (``L.Dense``) is taken for Keras."""
        modules = function.modules
        if modules[-1:] == ["nn"] and function.last not in KERAS_ACTIVATIONS:
            return False  # tf.nn.relu is read; nn.Linear is another library's
        alias = len(modules) == 1 and modules[0] not in OTHERS and function.last in KINDS
        return alias or all(module in MODULES for module in modules)

    def _part(self, name: str, positional: list[Value], named: dict[str, Value], line: int) -> Value:
        """Return an input, a network or a layer."""
        match name:
            case "Input":
                return Tensor(self._input(name, INPUT_ARGUMENTS, positional, named, line), (), line)
            case "InputLayer":
                return self._input(name, INPUT_LAYER_ARGUMENTS, positional, named, line)
            case "Sequential":
                return self._sequential(positional, named, line)
            case "Model" | "Functional":
                return self._model(positional, named, line)
        if name in UNREAD:
            raise self.problems.unknown_layer(name, line)
        return self._layer(name, positional, named, line)

    def _function(
        self, function: LibraryName, positional: list[Value], named: dict[str, Value], node: ast.Call
    ) -> Value:
        """Return what one of Keras's functions gives: a merge, an activation, or an object such as an initializer."""
        line, last, modules = node.lineno, function.last, function.modules
        first = positional[0] if positional else None
        if last in MERGES and isinstance(first, (list, tuple)) and all(isinstance(item, Tensor) for item in first):
            return self._apply(self._layer(MERGES[last], positional[1:], named, line), [first], {}, line)
        if last in KERAS_ACTIVATIONS and isinstance(first, Tensor):
            return self._apply(self._layer("Activation", [last], {}, line), [first], {}, line)
        if OBJECTS & set(modules) or last in OBJECT_NAMES or last in INITIALIZERS:
            return KerasObject(function.path, tuple(positional), tuple(named.items()))
        if "layers" in modules and last not in MERGES:
            raise self.problems.unknown_layer(last, line)
        return Unknown(node, line, last)

    def method(self, owner: Value, name: str, node: ast.Call) -> Value | None:
        """Return what calling a method gives: ``add`` grows a Sequential, the others of a network are passed over."""
        if isinstance(owner, Network):
            return self._network_method(owner, name, node)
        if isinstance(owner, (Tensor, Layer)):
            return Unknown(node, node.lineno)
        if (
            isinstance(owner, (list, dict))
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
        ):
            name_of_list = node.func.value.id
            self.names[name_of_list] = Unknown(f"{name_of_list}, changed by .{name}()", node.lineno)
        return Unknown(node, node.lineno) if isinstance(owner, (list, dict, tuple, str)) else None

    def _network_method(self, owner: Network, name: str, node: ast.Call) -> Value:
        line = node.lineno
        if name in ("pop", "insert"):
            raise self.problems.error(line, f".{name}() is not read; write the layers in the order that they end in")
        if name == "add":
            items = [self.evaluator.value(argument) for argument in node.args]
            items += [self.evaluator.value(keyword.value) for keyword in node.keywords]
            if owner.kind != "Sequential" or len(items) != 1:
                raise self.problems.error(line, ".add() takes one layer, and belongs to a Sequential")
            self._append(owner, items[0], line)
        elif name == "build" and owner.kind == "Sequential":
            shapes = [self.evaluator.value(argument) for argument in node.args]
            shapes += [self.evaluator.value(keyword.value) for keyword in node.keywords]
            if shapes and not (owner.layers and owner.layers[0].kind == INPUT):
                owner.layers.insert(
                    0,
                    Layer(INPUT, {"batch_shape": self.problems.needed("build", "input_shape", shapes[0], line)}, line),
                )
        return Unknown(node, line)

    def combine(self, sign: str, left: Value, right: Value, line: int) -> Value:
        """Return ``x + y`` and its like: a merge of two tensors, or a rescaling of one."""
        if isinstance(left, Tensor) and isinstance(right, Tensor):
            if sign in SIGNS:
                return self._apply(self._layer(SIGNS[sign], [], {}, line), [[left, right]], {}, line)
        else:
            tensor, number, reverse = (left, right, False) if isinstance(left, Tensor) else (right, left, True)
            arguments = _rescaling(sign, number, reverse)
            if arguments is not None and isinstance(tensor, Tensor):
                return self._apply(self._layer("Rescaling", [], arguments, line), [tensor], {}, line)
        raise self.problems.error(
            line, "this arithmetic on tensors is not read; use layers such as Add, Multiply and Rescaling"
        )

    # --- what calls make -----------------------------------------------------------------------------------------

    def _layer(self, name: str, positional: list[Value], named: dict[str, Value], line: int) -> Layer:
        """Return a layer with its arguments by name, each known and computable."""
        kind = KINDS[name]
        parameters = list(kind.parameters)
        own = [parameter for parameter in parameters if parameter not in ("name", "dtype", "trainable")]
        if len(positional) > len(own):
            raise self.problems.error(
                line, f"{name} is given {len(positional)} arguments by position; it has {len(own)}"
            )
        arguments: dict[str, Value] = dict(zip(own, positional, strict=False))
        for argument, value in named.items():
            if argument not in kind.parameters:
                raise self.problems.error(line, f'{name} has no argument "{argument}"{near(argument, parameters)}')
            if argument in arguments:
                raise self.problems.error(line, f'{name} is given "{argument}" twice, by position and by name')
            arguments[argument] = value
        checked = {argument: self._argument(kind, argument, value, line) for argument, value in arguments.items()}
        self.count += 1
        given: dict[str, Value] = {
            argument: value for argument, value in checked.items() if not isinstance(value, Unknown)
        }
        return Layer(kind.name, given, line, order=self.count)

    def _argument(self, kind: Kind, argument: str, value: Value, line: int) -> Value:
        """Return an argument; one that a layer does not need to compute may be unknown, and is then left out."""
        if kind.is_inert(argument):
            return Unknown("", line) if first_unknown(value) is not None else value
        if isinstance(value, LibraryName) and argument.endswith(NAMED_OBJECTS) and value.path not in ("", argument):
            return value
        if isinstance(value, KerasObject):
            self.problems.needed(kind.name, argument, [*value.positional, *(item for _, item in value.named)], line)
            return value
        if argument in ("layer", "backward_layer") and isinstance(value, Network):
            raise self.problems.error(line, f"{kind.name} around a whole network is not read; wrap each of its layers")
        return self.problems.needed(kind.name, argument, value, line)

    def _input(
        self, word: str, known: tuple[str, ...], positional: list[Value], named: dict[str, Value], line: int
    ) -> Layer:
        """Return the layer that stands for an input."""
        if len(positional) > len(known):
            raise self.problems.error(line, f"{word} is given {len(positional)} arguments by position")
        arguments = {**dict(zip(known, positional, strict=False)), **named}
        for argument in arguments:
            if argument not in known:
                raise self.problems.error(line, f'{word} has no argument "{argument}"{near(argument, known)}')
        if "input_shape" in arguments:
            arguments["shape"] = arguments.pop("input_shape")
        kept: dict[str, Value] = {}
        for argument in ("shape", "batch_shape", "batch_input_shape"):
            if argument in arguments:
                kept[argument] = self.problems.needed(word, argument, arguments[argument], line)
        if isinstance(arguments.get("name"), str):
            kept["name"] = arguments["name"]
        return Layer(INPUT, kept, line)

    def _sequential(self, positional: list[Value], named: dict[str, Value], line: int) -> Network:
        """Return a Sequential with the layers that it is given."""
        for argument in named:
            if argument not in ("layers", "name", "trainable"):
                raise self.problems.error(
                    line, f'Sequential has no argument "{argument}"{near(argument, ("layers", "name"))}'
                )
        if named.get("trainable", True) is not True:
            raise self.problems.error(line, "Sequential with trainable= is not read; give it to the layers")
        layers = positional[0] if positional else named.get("layers")
        name = named.get("name")
        self.count += 1
        network = Network("Sequential", line, name if isinstance(name, str) else None, order=self.count)
        if not isinstance(layers, (list, tuple)) and layers is not None:
            self.problems.needed("Sequential", "layers", layers, line)
            raise self.problems.error(line, "Sequential takes a list of layers")
        for item in layers or ():
            self._append(network, item, line)
        self.networks.append(network)
        return network

    def _append(self, network: Network, item: Value, line: int) -> None:
        """Add what the text adds to a Sequential."""
        if isinstance(item, Network):
            if item is network:
                raise self.problems.error(line, "a network is added to itself")
            item = item.layer()
        if isinstance(item, Tensor) and item.layer.kind == INPUT:
            item = item.layer
        if isinstance(item, Layer):
            if item.kind == INPUT and network.layers:
                raise self.problems.error(item.line, "an Input is the first of a Sequential's layers")
            network.layers.append(item)
            return
        if isinstance(item, Unknown) and item.called is not None:
            raise self.problems.unknown_layer(item.called, item.line)
        if isinstance(item, LibraryName) and item.last in KINDS:
            raise self.problems.error(line, f"{item.last} is not called; write {item.last}(...)")
        self.problems.needed("Sequential", "a layer", item, line)
        what = "a tensor" if isinstance(item, Tensor) else type(item).__name__
        raise self.problems.error(line, f"Sequential gets {what} where a layer is expected")

    def _model(self, positional: list[Value], named: dict[str, Value], line: int) -> Network:
        """Return a Model from inputs to outputs."""
        for argument in named:
            if argument not in ("inputs", "outputs", "input", "output", "name", "trainable"):
                raise self.problems.error(
                    line, f'Model has no argument "{argument}"{near(argument, ("inputs", "outputs", "name"))}'
                )
        if named.get("trainable", True) is not True:
            raise self.problems.error(line, "Model with trainable= is not read; give it to the layers")
        ends = {**{"inputs": named.get("input"), "outputs": named.get("output")}, **named}
        ends.update(zip(("inputs", "outputs"), positional, strict=False))
        name = named.get("name")
        inputs, _ = self._tensors("inputs", ends["inputs"], line)
        outputs, several = self._tensors("outputs", ends["outputs"], line)
        if any(tensor.layer.kind != INPUT for tensor in inputs) or len(set(inputs)) < len(inputs):
            raise self.problems.error(line, "the inputs of a Model are keras.Input(...), each once")
        self.count += 1
        network = Network(
            "Functional", line, name if isinstance(name, str) else None, [], inputs, outputs, several, self.count
        )
        self.networks.append(network)
        return network

    def _tensors(self, argument: str, value: Value, line: int) -> tuple[list[Tensor], bool]:
        """Return one tensor or a list of them, and whether it was a list."""
        if isinstance(value, Tensor):
            return [value], False
        if isinstance(value, (list, tuple)) and value:
            tensors = [item for item in value if isinstance(item, Tensor)]
            if len(tensors) == len(value):
                return tensors, argument == "outputs" and len(tensors) > 1
        self.problems.refuse_unknown_layer(value)
        self.problems.needed("Model", argument, value, line)
        raise self.problems.error(
            line, f"Model takes tensors as its {argument}, such as keras.Input(...) and what layers make of it"
        )

    def _apply(self, layer: Layer, positional: list[Value], named: dict[str, Value], line: int) -> Tensor:
        """Return what a layer makes of tensors."""
        for argument, value in named.items():
            if argument != "inputs" and value is not None:
                raise self.problems.error(line, f"calling a {layer.kind} with {argument}= is not read; leave it out")
        arguments = [*positional, *([named["inputs"]] if "inputs" in named else [])]
        value = arguments[0] if len(arguments) == 1 else arguments
        inputs: Value = [value] if isinstance(value, Tensor) else value
        if not isinstance(inputs, (list, tuple)) or not inputs or not all(isinstance(item, Tensor) for item in inputs):
            self.problems.refuse_unknown_layer(inputs)
            self.problems.needed(layer.kind, "the tensor it is called with", value, line)
            raise self.problems.error(line, f"{layer.kind} is called with something that is not a tensor")
        return Tensor(layer, tuple(item for item in inputs if isinstance(item, Tensor)), line)


def _rescaling(sign: str, number: Value, reverse: bool) -> dict[str, Value] | None:
    """Return the arguments of the Rescaling that is the same as arithmetic with a number."""
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return None
    by_sign: dict[tuple[str, bool], dict[str, Value]] = {
        ("Mult", False): {"scale": number},
        ("Mult", True): {"scale": number},
        ("Add", False): {"scale": 1.0, "offset": number},
        ("Add", True): {"scale": 1.0, "offset": number},
        ("Sub", False): {"scale": 1.0, "offset": -number},
        ("Sub", True): {"scale": -1.0, "offset": number},
    }
    if number != 0:
        by_sign["Div", False] = {"scale": 1 / number}
    return by_sign.get((sign, reverse))
