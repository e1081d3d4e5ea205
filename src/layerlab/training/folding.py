"""Batch norms folded into the layers before them, and layers joined that one pass can compute."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from layerlab.layers import Add
from layerlab.training.capture import PREFIX, Capture, captured_inputs, has_hooks, one_line, writes
from layerlab.training.fused import (
    FusedActivation,
    FusedAffine,
    FusedConvolution,
    FusedLinear,
    activation_of,
    affine_of,
    fold_batch_norm,
    padding_of,
)

__all__ = ["Folded", "fold"]


@dataclass
class Folded:
    """A network for inference, and what was done to it. Paths are those of the original network."""

    module: nn.Module
    """Gives what the network gives in evaluation mode."""
    norms: list[str] = field(default_factory=list)
    """Batch norms that are part of the layer before them."""
    left: dict[str, str] = field(default_factory=dict)
    """Batch norms that are not, and why."""
    joined: int = 0
    """Activations, additions and dropouts that no longer are passes of their own."""
    closed: dict[str, str] = field(default_factory=dict)
    """Modules that are called as they stand, and why."""
    heads: list[nn.Module] = field(default_factory=list)
    """The last dense layers, which the classes come from."""


def fold(network: nn.Module, images: Tensor) -> Folded:
    """Return ``network`` with its norms folded and its layers joined, as far as its code can be followed.

    Args:
        network: in evaluation mode, without gradients; its layers may become part of the result, so give a copy.
        images: an input that it takes.

    Raises:
        Exception: whatever the network raises.
    """
    capture = Capture(network, images)
    result = Folded(capture.module, closed=dict(capture.closed))
    _Rewriter(capture.module, result, f"{PREFIX}.").run()
    for path in capture.closed:
        _fold_inside(network.get_submodule(path), network, images, path, result)
    for closed in result.closed:  # a norm elsewhere that was not met is not used in evaluation
        for path, module in network.named_modules():
            inside = not closed or path.startswith(f"{closed}.")
            if inside and isinstance(module, nn.modules.batchnorm._BatchNorm):
                result.left.setdefault(path, "what comes before it is not known")
    return result


def _fold_inside(closed: nn.Module, network: nn.Module, images: Tensor, path: str, result: Folded) -> None:
    """Fold inside the parts of a module that is called as it stands."""
    parts = dict(_callable_parts(closed, path))
    inputs = captured_inputs(network, images, list(parts))
    for part_path, (owner, name) in parts.items():
        if part_path not in inputs:
            continue
        part = getattr(owner, name)
        inner = Folded(part)
        try:
            capture = Capture(part, inputs[part_path])
        except Exception as error:
            result.closed[part_path] = one_line(error)
            continue
        if "" in capture.closed:
            result.closed[part_path] = capture.closed[""]
            continue
        _Rewriter(capture.module, inner, f"{PREFIX}.").run()
        setattr(owner, name, capture.module)
        result.norms += [f"{part_path}.{norm}" for norm in inner.norms]
        result.left |= {f"{part_path}.{norm}": why for norm, why in inner.left.items()}
        result.closed |= {f"{part_path}.{norm}": why for norm, why in capture.closed.items()}
        result.joined += inner.joined


def _callable_parts(module: nn.Module, path: str) -> Iterator[tuple[str, tuple[nn.Module, str]]]:
    """Yield the outermost parts of a module that have parts themselves, with their owner and name."""
    for name, child in module.named_children():
        child_path = f"{path}.{name}".strip(".")
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            yield from _callable_parts(child, child_path)
        elif next(child.children(), None) is not None and not has_hooks(child):
            yield child_path, (module, name)


class _Rewriter:
    """Rewrites one graph.

    A layer that is called twice becomes two layers here, one for each place, so that each can take what follows it.
    """

    def __init__(self, module: fx.GraphModule, result: Folded, prefix: str) -> None:
        self.module, self.result, self.prefix = module, result, prefix
        self.graph = module.graph
        self.layers = dict(module.named_modules(remove_duplicate=False))

    def run(self) -> None:
        self._drop_idle()
        self._free_views()
        for node in list(self.graph.nodes):
            layer = self._layer(node)
            if layer is None or not _is_plain_call(node):
                continue
            if type(layer) in _FOLDABLE:
                self._join(node, layer)
        for node in list(self.graph.nodes):
            norm = self._layer(node)
            if norm is not None and _is_batch_norm(norm) and _is_plain_call(node) and len(_shape(node)) == 4:
                self._scale(node, norm)
        self._pool_first()
        self._overwrite()
        self.result.heads += self._heads()
        self.graph.lint()
        self.module.delete_all_unused_submodules()
        self.module.recompile()

    def _layer(self, node: fx.Node) -> nn.Module | None:
        """Return the layer that a node calls, if nothing of the user's runs with it."""
        if node.op != "call_module":
            return None
        layer = self.layers.get(str(node.target))
        return None if layer is None or has_hooks(layer) else layer

    def _drop_idle(self) -> None:
        """Remove what does nothing in evaluation mode."""
        for node in list(self.graph.nodes):
            layer = self._layer(node)
            idle = layer is not None and type(layer) in _IDLE and not layer.training
            if node.op == "call_function" and node.target in _DROPOUTS:
                # F.dropout(x, p, training): only what is known not to drop anything
                idle = node.kwargs.get("training", node.args[2] if len(node.args) > 2 else True) is False
            if idle and node.args and isinstance(node.args[0], fx.Node):
                node.replace_all_uses_with(node.args[0])
                self.graph.erase_node(node)
                self.result.joined += 1

    def _free_views(self) -> None:
        """Let a view be a copy where it must: a joined layer may give another layout than the one that stood there."""
        for node in self.graph.find_nodes(op="call_method", target="view"):
            if not any(isinstance(argument, torch.dtype) for argument in node.args):
                node.target = "reshape"

    def _join(self, node: fx.Node, layer: Any) -> None:
        """Replace a layer, and what follows it and nothing else does, by one."""
        weight, bias, last, chain = layer.weight, layer.bias, node, [node]
        following = self._only_user(node)
        norm = None if following is None else self._layer(following)
        if following is not None and norm is not None and _is_batch_norm(norm) and self._can_fold(layer, following):
            weight, bias = fold_batch_norm(layer, norm)
            self.result.norms.append(self._name(following))
            last, chain = following, [*chain, following]
        adapted = isinstance(layer, nn.Conv2d) and padding_of(layer) is not None and len(_shape(node)) == 4
        if not adapted and not isinstance(layer, nn.Linear):
            if len(chain) > 1:
                plain = copy.deepcopy(layer)
                plain.weight = nn.Parameter(weight.clone(), requires_grad=False)
                plain.bias = nn.Parameter(bias.clone(), requires_grad=False)
                self._replace(chain, plain, (node.args[0],), node)
            return
        place, inputs, adds = node, [node.args[0]], ""
        added = self._addition(last, node) if adapted else None
        if added is not None:
            place, other = added
            inputs, adds, last, chain = [*inputs, other], "add", place, [*chain, place]
        activation = FusedActivation()
        following = self._only_user(last)
        found = None if following is None else self._activation(following)
        if following is not None and found is not None and (not adds or found.name == "relu"):
            activation, chain = found, [*chain, following]
        self.result.joined += len(chain) - 1 - (weight is not layer.weight)
        if adapted:
            fused: nn.Module = FusedConvolution(layer, weight, bias, activation, adds)
        else:
            fused = FusedLinear(weight, bias, activation)
        self._replace(chain, fused, tuple(inputs), place)

    def _can_fold(self, layer: Any, following: fx.Node) -> bool:
        """Tell whether the norm's channels are the layer's outputs, also where a layer has only one of the axes."""
        dims = len(_shape(following))
        return dims == 2 if isinstance(layer, nn.Linear) else dims == layer.weight.dim()

    def _addition(self, last: fx.Node, first: fx.Node) -> tuple[fx.Node, fx.Node] | None:
        """Return the addition of ``last`` and another image of its shape, and that image."""
        node = self._only_user(last)
        if node is None or len(node.args) != 2 or node.kwargs:
            return None
        is_function = node.op == "call_function" and node.target in (operator.add, operator.iadd, torch.add)
        is_method = node.op == "call_method" and node.target in ("add", "add_")
        is_layer = type(self._layer(node)) is Add
        if not (is_function or is_method or is_layer):
            return None
        other = next((one for one in node.args if one is not last), None)
        if not isinstance(other, fx.Node) or not _shape(other) or _shape(other) != _shape(last) != ():
            return None
        written = (node.target is operator.iadd or node.target == "add_") and node.args[0] is other
        # The convolution moves down to the addition: what it reads must not have been overwritten by then.
        between = False
        for one in self.graph.nodes:
            if one is node:
                break
            if between and first.args[0] in one.all_input_nodes and self._may_overwrite(one):
                return None
            between = between or one is first
        return None if written and len(other.users) > 1 else (node, other)

    def _may_overwrite(self, node: fx.Node) -> bool:
        if node.op == "call_module":
            layer = self.layers[str(node.target)]
            return bool(getattr(layer, "inplace", type(layer) not in _PURE))
        return writes(node)

    def _activation(self, node: fx.Node) -> FusedActivation | None:
        """Return the activation that a node applies, where oneDNN has it."""
        layer = self._layer(node)
        if layer is not None:
            return activation_of(layer) if _is_plain_call(node) else None
        called = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        known = _FUNCTIONS.get(str(called)) if node.op in ("call_function", "call_method") else None
        if known is None or len(node.args) != 1 or set(node.kwargs) - {"inplace"}:
            return None
        module = getattr(node.target, "__module__", "") if node.op == "call_function" else "torch"
        return FusedActivation(*known) if str(module).startswith("torch") or module == "_VariableFunctions" else None

    def _scale(self, node: fx.Node, norm: Any) -> None:
        """Make a norm that could not be folded one pass with its activation."""
        scale, shift = (value.to(norm.running_var.dtype) for value in affine_of(norm))
        following = self._only_user(node)
        found = None if following is None else self._activation(following)
        chain = [node] if following is None or found is None else [node, following]
        self.result.joined += len(chain) - 1
        before = node.args[0]
        several = isinstance(before, fx.Node) and len(before.users) > 1
        self.result.left[self._name(node)] = (
            "other layers see its input too" if several else "no convolution comes right before it"
        )
        self._replace(chain, FusedAffine(scale, shift, found or FusedActivation()), (node.args[0],), node)

    def _pool_first(self) -> None:
        """Let a 1x1 convolution come after the average pooling that follows it: the same numbers from fewer pixels."""
        for node in list(self.graph.nodes):
            layer = self._layer(node)
            pool = self._only_user(node)
            pooling = None if pool is None else self._layer(pool)
            if (
                isinstance(layer, FusedConvolution)
                and pool is not None
                and type(pooling) is nn.AvgPool2d
                and _is_plain_call(pool)
                and (layer.activation.name, layer.adds) == ("none", "")
                and layer.weight.shape[2:] == (1, 1)
                and (layer.stride, layer.padding) == ([1, 1], [0, 0])
                and pooling.padding in (0, (0, 0))
                and pooling.divisor_override is None
            ):
                image = node.args[0]
                pool.replace_all_uses_with(node)
                pool.args = (image,)
                node.args = (pool,)
                pool.append(node)

    def _overwrite(self) -> None:
        """Let an addition overwrite what it adds to, where nobody reads it afterwards."""
        order = {node: number for number, node in enumerate(self.graph.nodes)}
        for node in self.graph.nodes:
            layer = self._layer(node)
            if not isinstance(layer, FusedConvolution) or layer.adds != "add":
                continue
            other = node.args[1]
            if other is node.args[0] or type(self._layer(other)) not in _FRESH:
                continue
            rest = [user for user in other.users if user is not node]
            if all(order[user] < order[node] and type(self._layer(user)) in _FRESH for user in rest):
                layer.adds = "into"

    def _heads(self) -> list[nn.Module]:
        """Return the dense layers from which the output comes without another layer between."""
        heads: list[nn.Module] = []
        seen: set[fx.Node] = set()
        stack = [node for node in self.graph.nodes if node.op == "output"]
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            layer = self._layer(node)
            if isinstance(layer, FusedLinear):
                heads.append(layer)
            elif layer is None or next(layer.parameters(), None) is None:
                stack += [] if isinstance(layer, FusedConvolution) else node.all_input_nodes
        return heads

    def _only_user(self, node: fx.Node) -> fx.Node | None:
        """Return the node that takes what ``node`` gives, if it is the only one and takes it once."""
        if len(node.users) != 1:
            return None
        user = next(iter(node.users))
        takes = [one for one in [*user.args, *user.kwargs.values()] if one is node]
        return user if len(takes) == 1 else None

    def _replace(self, chain: list[fx.Node], layer: nn.Module, inputs: tuple[Any, ...], place: fx.Node) -> None:
        """Put ``layer`` at ``place`` for the nodes of ``chain``, under the name of the first one's layer.

        Where that is called elsewhere too, it stays, and this one gets a name of its own.
        """
        name = target = str(chain[0].target)
        places = sum(node.target == target for node in self.graph.nodes)
        while places > 1 and name in self.layers:
            name += "_again"
        self.module.add_submodule(name, layer)
        self.layers[name] = layer
        with self.graph.inserting_before(place):
            node = self.graph.call_module(name, inputs)
        node.meta = dict(chain[-1].meta)
        chain[-1].replace_all_uses_with(node)
        for old in reversed(chain):
            self.graph.erase_node(old)

    def _name(self, node: fx.Node) -> str:
        return str(node.target).removeprefix(self.prefix)


def _is_plain_call(node: fx.Node) -> bool:
    """Tell whether a layer is called with one image and nothing else."""
    return len(node.args) == 1 and isinstance(node.args[0], fx.Node) and not node.kwargs


def _is_batch_norm(layer: nn.Module) -> bool:
    """Tell whether a layer scales and shifts each channel by fixed numbers in evaluation mode."""
    return type(layer) in _NORMS and layer.running_var is not None and not layer.training


def _shape(node: Any) -> tuple[int, ...]:
    """Return the shape of what a node gives; () where it is no tensor."""
    meta = node.meta.get("tensor_meta") if isinstance(node, fx.Node) else None
    return tuple(meta.shape) if meta is not None and hasattr(meta, "shape") else ()


_FOLDABLE = (
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Linear,
)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_IDLE = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
_DROPOUTS = (F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout)
_FRESH = (FusedConvolution, FusedAffine, nn.MaxPool2d, nn.AvgPool2d)
"""Layers that write what they give into memory of its own."""
_PURE = (*_FRESH, *_FOLDABLE, *_NORMS, FusedLinear, nn.AdaptiveAvgPool2d, nn.Sigmoid, nn.Tanh, nn.GELU)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "relu": ("relu",),
    "relu_": ("relu",),
    "relu6": ("hardtanh", [0.0, 6.0]),
    "hardswish": ("hardswish",),
    "silu": ("swish",),
    "sigmoid": ("sigmoid",),
    "tanh": ("tanh",),
}
