"""The graph of a run: one node for each call into torch, with what it was made from."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from layerlab.anatomy.record import Call, Operation, Shape
from layerlab.anatomy.twin import tensors_in

__all__ = ["Graph", "Node", "unwatched"]

unwatched = torch._C.DisableTorchFunction
"""While it is on, no mode sees what is asked of a tensor: our own questions are nobody's business, and faster."""


class Running(Protocol):
    """A module that is running."""

    within: tuple[Call, ...]


class Node:
    """A call that is running, or a piece of one; becomes an :class:`Operation`."""

    __slots__ = ("element_operations", "inputs", "macs", "moved_bytes", "moves", "name", "outputs", "sources",
                 "within")  # fmt: skip

    def __init__(self, name: str, within: tuple[Call, ...]) -> None:
        self.name, self.within = name, within
        self.sources: tuple[int, ...] = ()
        self.inputs: tuple[Shape, ...] = ()
        self.outputs: tuple[Shape, ...] = ()
        self.macs = self.element_operations = self.moved_bytes = 0
        self.moves = False  # whether anything in it is more than a view


class Graph(TorchFunctionMode):
    """Sees every call into torch that Python makes; what such a call calls in turn belongs to it.

    Args:
        running: the modules that are running, the innermost last; whoever gives the list keeps it so.
    """

    def __init__(self, running: Sequence[Running]) -> None:
        super().__init__()
        self._running = running
        self._nodes: list[Node] = []
        self._made: dict[int, tuple[weakref.ref[torch.Tensor], int]] = {}
        # The last call that wrote into a part of a memory, for as long as that memory lives.
        self._written: weakref.WeakKeyDictionary[torch.UntypedStorage, int] = weakref.WeakKeyDictionary()
        self.node: Node | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "call")
        if name == "__get__" or name in _SAY_SOMETHING:
            return func(*args, **kwargs)
        with unwatched():
            node = self._begin(name, args, kwargs)
        before, self.node = self.node, node
        try:
            result = func(*args, **kwargs)
        finally:
            self.node = before
        if result is not None or name == "__setitem__":
            with unwatched():
                self._end(node, args, result)
        return result

    def input(self, number: int, tensor: torch.Tensor) -> None:
        """Note an input of the network: a source with a number below zero."""
        self._note(tensor, -1 - number)

    def unseen(self, name: str, args: Any, kwargs: Any, outputs: Sequence[torch.Tensor]) -> Node:
        """Note an operation that no Python called, as those of a compiled function."""
        node = self._begin(name, args, kwargs)
        self._end(node, args, outputs)
        return node

    def sources_of(self, value: Any) -> tuple[int, ...]:
        """Return the numbers of the calls that made the tensors in ``value``."""
        return tuple(number for tensor in tensors_in(value) for number in self._makers(tensor))

    def operations(self) -> tuple[Operation, ...]:
        """Return what was seen, in order."""
        return tuple(
            Operation(
                number, node.name, node.within, node.sources, node.inputs, node.outputs, node.macs,
                node.element_operations, node.moved_bytes if node.moves else 0,
            )
            for number, node in enumerate(self._nodes)
        )  # fmt: skip

    def _begin(self, name: str, args: Any, kwargs: Any) -> Node:
        node = Node(name, self._running[-1].within if self._running else ())
        sources, inputs, moved = [], [], {}
        for tensor in tensors_in([list(args), kwargs]):
            if is_lazy(tensor):
                continue
            moved[id(tensor)] = tensor
            for number in self._makers(tensor):
                sources.append(number)
                inputs.append(tuple(tensor.shape))
        node.sources, node.inputs = tuple(sources), tuple(inputs)
        node.moved_bytes = sum(map(_bytes, moved.values()))
        return node

    def _end(self, node: Node, args: Any, result: Any) -> None:
        outputs = list(tensors_in(result))
        into = node.name == "__setitem__" or (node.name.endswith("_") and not node.name.endswith("__"))
        if into and args and isinstance(args[0], torch.Tensor):
            if args[0].layout is torch.strided:
                self._written[args[0].untyped_storage()] = len(self._nodes)
            outputs = outputs or [args[0]]
        if not outputs:
            return
        node.outputs = tuple(tuple(tensor.shape) for tensor in outputs)
        made = sum(map(_bytes, outputs))
        if node.name in _PICK:  # of the table only what is given is read
            node.moved_bytes = min(node.moved_bytes, made)
        node.moved_bytes += made
        for tensor in outputs:
            self._note(tensor, len(self._nodes))
        self._nodes.append(node)

    def _note(self, tensor: torch.Tensor, number: int) -> None:
        self._made[id(tensor)] = (weakref.ref(tensor), number)

    def _makers(self, tensor: torch.Tensor) -> tuple[int, ...]:
        entry = self._made.get(id(tensor))
        maker = entry[1] if entry is not None and entry[0]() is tensor else None
        strided = bool(self._written) and tensor.layout is torch.strided
        writer = self._written.get(tensor.untyped_storage()) if strided else None
        if maker is None:
            return () if writer is None else (writer,)
        return (maker,) if writer is None or writer <= maker else (maker, writer)


# What is asked of a tensor without computing: too frequent to become a node that is thrown away.
_SAY_SOMETHING = frozenset(
    {"size", "dim", "numel", "stride", "is_floating_point", "is_complex", "is_contiguous", "element_size", "ndimension",
     "storage_offset", "data_ptr", "get_device", "__len__", "__format__", "__repr__", "__hash__", "is_same_size",
     "untyped_storage", "type", "requires_grad_", "has_names", "is_nonzero", "nelement"}
)  # fmt: skip

_PICK = frozenset({"embedding", "index_select", "gather", "take", "take_along_dim", "masked_select", "__getitem__"})


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size() if tensor.layout is torch.strided else 0
