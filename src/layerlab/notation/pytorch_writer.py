"""A network to PyTorch source that needs nothing but PyTorch."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field

from torch import nn

from layerlab.errors import LayerlabError
from layerlab.notation.description import Shape
from layerlab.notation.layout import torch_shape
from layerlab.notation.model import KerasModel, Step
from layerlab.notation.pytorch_expressions import RESERVED, Expressions
from layerlab.notation.variables import variables_of

__all__ = ["write_pytorch"]

_KERNELS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def write_pytorch(model: KerasModel, class_name: str = "Network") -> str:
    """Return the network as a Python file with an ``nn.Module`` that needs nothing but PyTorch.

    The parameters have the names that they have in ``model``, so that ``Network().load_state_dict(model.state_dict())``
    takes its weights. Batch normalisation is PyTorch's own, whose running variance differs a little from Keras's
    (see :mod:`layerlab.notation.modules.batch_norm`) when the file is trained further.

    Args:
        model: what :func:`~layerlab.notation.read_keras` returned.
        class_name: of the module.

    Raises:
        LayerlabError: ``model`` was not read from Keras source, or the class's name cannot be one.

    Example:
        >>> print(write_pytorch(read_keras("keras.Sequential([keras.Input((8,)), layers.Dense(2)])"), "Small"))
        ... # doctest: +ELLIPSIS
        \"\"\"Small: written by Layerlab from <text>.
        ...
    """
    if not isinstance(model, KerasModel):
        raise LayerlabError(f"write_pytorch takes a network read from Keras source, not {type(model).__name__}")
    if not class_name.isidentifier() or keyword.iskeyword(class_name) or class_name in RESERVED:
        raise LayerlabError(f'"{class_name}" cannot be the name of a class; expected a name such as "Network"')
    writer = _Writer()
    writer.network(model, class_name)
    expressions = writer.expressions
    body = "\n\n\n".join([*expressions.helpers.values(), *writer.classes])
    imports = ["from collections import OrderedDict", ""] if "OrderedDict(" in body else []
    imports += ["import torch", "from torch import nn"]
    return f"{_docstring(model, class_name)}\n\n" + "\n".join(imports) + f"\n\n\n{body}\n"


def _docstring(model: KerasModel, class_name: str) -> str:
    """Return what the file says of itself."""
    ins = " and ".join(f"({_sizes(shape)})" for shape in model.input_shapes)
    outs = " and ".join(f"({_sizes(shape)})" for shape in model.output_shapes)
    source = model.filename.replace("\\", "/").replace('"', "'").encode("ascii", "replace").decode()
    return (
        f'"""{class_name}: written by Layerlab from {" ".join(source.split())[:100]}.\n\n'
        f"Input {ins}, output {outs}.\n"
        'The weights of the network that was read fit: load_state_dict(model.state_dict()).\n"""'
    )


def _sizes(shape: Shape) -> str:
    """Return ``N, 64, 26, 26``; an axis of any length is ``?``."""
    return ", ".join(["N", *("?" if size is None else str(size) for size in shape)])


@dataclass
class _Writer:
    """Writes one class for each network; those inside come first."""

    expressions: Expressions = field(default_factory=Expressions)
    classes: list[str] = field(default_factory=list)
    class_names: set[str] = field(default_factory=lambda: set(RESERVED))

    def network(self, model: KerasModel, class_name: str) -> str:
        """Write the class of ``model`` and return its name."""
        class_name = self.free(class_name)
        plan = model.plan
        shapes: dict[int, Shape] = dict(enumerate(plan.input_shapes))
        names = variables_of(model, {"self", "len", "float", "x", *RESERVED})
        if len(plan.input_shapes) == 1:
            names[0] = "x" if all(0 not in step.sources for step in plan.steps[1:]) else names[0]
        arguments = [names[number] for number in range(len(plan.input_shapes))]
        made: dict[str, list[str]] = {}
        lines: list[str] = []
        for step in plan.steps:
            module = model.get_submodule(step.child)
            source_shapes = [torch_shape(shapes[source]) for source in step.sources]
            sources = [names[source] for source in step.sources]
            shapes[step.result] = step.shape
            if isinstance(module, KerasModel):
                if step.child not in made:
                    inner = self.network(module, _camel(step.child))
                    made[step.child] = [f"self.{step.child} = {inner}()"]
                expression = f"self.{step.child}({', '.join(sources)})"
            else:
                constructor, expression = self.expressions.of(module, f"self.{step.child}", sources, source_shapes)
                if constructor is not None:
                    made.setdefault(step.child, [f"self.{step.child} = {constructor}"])
            lines.append(f"{names[step.result]} = {expression}{_comment(step, source_shapes)}")
        returned = ", ".join(names[number] for number in plan.outputs)
        if plan.steps and plan.outputs == (plan.steps[-1].result,):
            lines[-1] = "return " + lines[-1].removeprefix(f"{returned} = ")
        else:
            lines.append(f"return {returned}")
        returns = "tuple[torch.Tensor, ...]" if plan.several_outputs else "torch.Tensor"
        self.classes.append(_class(class_name, arguments, self.constructors(model, made), lines, returns))
        return class_name

    def constructors(self, model: KerasModel, made: dict[str, list[str]]) -> list[str]:
        """Return the lines of ``__init__``: the children in their order, frozen parameters, initial weights."""
        lines = [line for name in model.layer_names for line in made.get(name, [])]
        lines += _frozen(model, made)
        kernels = sorted({type(module).__name__ for module in _own_modules(model) if isinstance(module, _KERNELS)})
        if kernels and all(_begins_as_glorot(step) for step in model.plan.steps):
            types = ", ".join(f"nn.{name}" for name in kernels)
            lines += [
                "",
                "for module in self.modules():  # kernels begin as in Keras",
                f"    if isinstance(module, {f'({types})' if len(kernels) > 1 else types}):",
                "        nn.init.xavier_uniform_(module.weight)",
                "        if module.bias is not None:",
                "            nn.init.zeros_(module.bias)",
            ]
        return lines

    def free(self, name: str) -> str:
        """Return a class name that is not taken."""
        while name in self.class_names or name in self.expressions.helpers or keyword.iskeyword(name):
            name += "_"
        self.class_names.add(name)
        return name


def _begins_as_glorot(step: Step) -> bool:
    """Return whether the text leaves the initial weights of a layer as they are."""
    return not any(name.endswith("_initializer") for name in step.layer.arguments)


def _own_modules(model: KerasModel) -> list[nn.Module]:
    """Return the modules of ``model`` that are not in a network inside it."""
    found: list[nn.Module] = []
    for child in model.children():
        if not isinstance(child, KerasModel):
            found.extend(child.modules())
    return found


def _frozen(model: KerasModel, made: dict[str, list[str]]) -> list[str]:
    """Return the lines that keep what is not learned as it is."""
    constants = {
        id(getattr(module, attribute)): weight for weight in model.constants for module, attribute, _ in weight.slots
    }
    lines = []
    for name, child in model.named_children():
        parameters = list(child.named_parameters())
        if name not in made or isinstance(child, KerasModel):
            continue
        if parameters and not any(parameter.requires_grad for _, parameter in parameters):
            lines.append(f"self.{name}.requires_grad_(False)")
        for path, parameter in parameters:
            weight = constants.get(id(parameter))
            if weight is not None:
                fill = "ones_" if float(weight.make((1,))[0]) == 1 else "zeros_"
                lines.append(f"nn.init.{fill}(self.{name}.{path}).requires_grad_(False)")
    return lines


def _comment(step: Step, sources: list[Shape]) -> str:
    """Return the shape that comes out, where it is another than what came in."""
    shape = torch_shape(step.shape)
    return "" if len(sources) == 1 and sources[0] == shape else f"  # {_sizes(shape)}"


def _class(name: str, arguments: list[str], constructors: list[str], lines: list[str], returns: str) -> str:
    """Return the source of a module."""
    init = ["def __init__(self) -> None:", "    super().__init__()"]
    init += [f"    {part}" if part else "" for line in constructors for part in line.split("\n")]
    takes = ", ".join(f"{argument}: torch.Tensor" for argument in arguments)
    forward = [f"def forward(self, {takes}) -> {returns}:", *(f"    {line}" for line in lines)]
    body = [*init, "", *forward]
    return "\n".join([f"class {name}(nn.Module):", *(f"    {line}" if line else "" for line in body)])


def _camel(name: str) -> str:
    """Return ``encoder_block`` as ``EncoderBlock``."""
    return "".join(word[:1].upper() + word[1:] for word in name.split("_")) or "Inner"
