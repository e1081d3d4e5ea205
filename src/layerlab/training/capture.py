"""A network as a graph of its layers, as far as its code can be followed; what cannot be is left as it is."""

from __future__ import annotations

from typing import Any

from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

__all__ = ["PREFIX", "Capture", "captured_inputs", "has_hooks", "one_line", "writes"]

PREFIX = "network"
"""Before the paths of the network's modules in its graph."""


def has_hooks(module: nn.Module) -> bool:
    """Tell whether code of the user's runs with a layer; then nothing may be moved past it."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


class Capture:
    """A network whose code was followed with a stand-in for the images.

    A module whose code asks what its numbers or shapes are cannot be followed, and one with hooks must not be: it
    stays closed, that is, it is called as it stands.

    Args:
        network: in evaluation mode; it is called by the graph, and not changed.
        images: an input, for the shapes at every node.

    Raises:
        Exception: whatever the network raises.
    """

    def __init__(self, network: nn.Module, images: Tensor) -> None:
        root = _Root(network)
        tracer = _Tracer()
        self.module = fx.GraphModule(root, tracer.trace(root))
        """Gives what ``network`` gives."""
        self.module.graph.eliminate_dead_code(_has_effect)
        self.module.recompile()
        ShapeProp(self.module).propagate(images)
        self.closed = {path.removeprefix(PREFIX).removeprefix("."): why for path, why in tracer.closed.items()}
        """Why a module (its path in the network, ``""`` for the network itself) stayed closed."""


class _Root(nn.Module):
    """Calls the network with one input, so that the network is a module like those in it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Any:
        return self.network(images)


class _Tracer(fx.Tracer):
    """Follows every module that it can."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: dict[str, str] = {}

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Tell whether a module is one node: a layer of torch's, one without parts, or one with hooks."""
        if has_hooks(m) and any(True for _ in m.children()):
            self.closed[module_qualified_name] = "it has hooks"
            return True
        return next(m.children(), None) is None or super().is_leaf_module(m, module_qualified_name)

    def call_module(self, m: nn.Module, forward: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Follow ``m``; where that fails, forget what was seen of it and keep it closed."""
        if isinstance(m, _Root):
            return super().call_module(m, forward, args, kwargs)
        path = self.path_of_module(m)
        before, stack, calls = set(self.graph.nodes), self.module_stack.copy(), self.num_calls.copy()
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception as error:
            if self.is_leaf_module(m, path):
                raise
            for node in reversed(self.graph.nodes):
                # Parameters that were read are kept in a list of the tracer's; what is not used is removed later.
                if node not in before and node.op != "get_attr":
                    self.graph.erase_node(node)
            self.module_stack, self.num_calls = stack, calls
            self.closed = {name: why for name, why in self.closed.items() if not name.startswith(f"{path}.")}
            self.closed[path] = one_line(error)
            return self.create_proxy("call_module", path, args, kwargs)


def writes(node: fx.Node) -> bool:
    """Tell whether a function or method that a node calls may write to what it is given."""
    if node.op not in ("call_function", "call_method"):
        return False
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    asked = node.kwargs.get("inplace", False) is not False or "out" in node.kwargs
    positional = node.op == "call_function" and any(value is True for value in node.args)  # F.relu(x, True)
    return asked or positional or name.endswith("_") or name in _IN_PLACE


def _has_effect(node: fx.Node) -> bool:
    """Tell whether a node matters even where nothing takes what it gives: ``x.relu_()`` as a statement."""
    return node.op in ("placeholder", "output", "call_module") or writes(node) or node.is_impure()


_IN_PLACE = ("iadd", "isub", "imul", "itruediv", "setitem")


def captured_inputs(network: nn.Module, images: Tensor, paths: list[str]) -> dict[str, Tensor]:
    """Run ``network`` and return what each module of ``paths`` was given, where that is one tensor at every call."""
    seen: dict[str, Tensor | None] = {}

    def keep(path: str) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            plain = len(args) == 1 and not kwargs and isinstance(args[0], Tensor)
            seen[path] = args[0] if plain and seen.get(path, args[0]) is not None else None

        return hook

    hooks = [network.get_submodule(path).register_forward_pre_hook(keep(path), with_kwargs=True) for path in paths]
    try:
        network(images)
    finally:
        for one in hooks:
            one.remove()
    return {path: value for path, value in seen.items() if value is not None}


def one_line(error: Exception) -> str:
    """Return what an error says, short."""
    return " ".join(str(error).split())[:120] or type(error).__name__
