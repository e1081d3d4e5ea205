"""Running a network for real up to one of its layers, with gradients, without leaving a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import TorchDispatchMode

from layerlab.anatomy.overwritten import Overwritten
from layerlab.anatomy.twin import plainly, preserved, tensors_in
from layerlab.errors import LayerlabError

__all__ = ["Stage"]


class Stage:
    """A network up to the first call of one layer.

    Args:
        module: the network.
        path: of the layer, as in ``named_modules()``; empty for the network itself.
    """

    def __init__(self, module: nn.Module, path: str) -> None:
        self._module = module
        self._layer = module.get_submodule(path)
        self._path = path
        lazy = [name for name, parameter in module.named_parameters() if is_lazy(parameter)]
        if lazy:
            raise LayerlabError(
                f'"{lazy[0]}" is not initialised yet, so that there is nothing to look at: run the network once first'
            )
        first = next(module.parameters(), None)
        self._device = first.device if first is not None else torch.device("cpu")
        self._dtype = first.dtype if first is not None and first.is_floating_point() else torch.float32
        if self._device.type == "meta":
            raise LayerlabError('the network is on device "meta", which holds no values: build it on "cpu"')
        # Of torchvision's detectors, which take a list of images.
        self._listed = type(getattr(module, "transform", None)).__name__ == "GeneralizedRCNNTransform"
        self._watcher: _Watcher | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Evaluation mode, gradients only to the images; afterwards everything is as before."""
        with torch.inference_mode(False), preserved(self._module), plainly(self._module), torch.enable_grad():
            for parameter in self._module.parameters():
                parameter.requires_grad_(False)
            self._watcher = _Watcher(self._module)
            try:
                yield
            finally:
                self._watcher.put_back()
                self._watcher = None

    def __call__(self, images: Tensor) -> Tensor:
        """Return what the layer gives for images (batch, channels, height, width); only inside :meth:`opened`.

        Raises:
            LayerlabError: the layer was not called, or gave no tensor of floating-point numbers.
        """
        return self._run(images)[0]

    def with_softmax(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return also every softmax that was taken inside the layer."""
        return self._run(images)

    def _run(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        if self._watcher is None:
            raise RuntimeError("a stage runs only while it is opened")
        watcher = self._watcher
        images = images.to(self._device, self._dtype).clone()  # the network may write into what it is given
        argument: Any = list(images) if self._listed else images

        def begin(_module: nn.Module, _args: Any) -> None:
            watcher.softmax = []

        def end(_module: nn.Module, _args: Any, output: Any) -> None:
            raise _Reached(output)

        handles = [self._layer.register_forward_pre_hook(begin), self._layer.register_forward_hook(end)]
        try:
            with watcher:
                self._module(argument)
        except _Reached as reached:
            found = next(iter(tensors_in(reached.output)), None)
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise LayerlabError(
                f'{type(self._module).__name__} fails on the image before layer "{self._path}" has run:'
                f" {type(error).__name__}: {reason}"
            ) from error
        else:
            raise LayerlabError(f'layer "{self._path}" is not called for an image')
        finally:
            for handle in handles:
                handle.remove()
            softmax, watcher.softmax = watcher.softmax or [], None
        if found is None or not found.is_floating_point():
            raise LayerlabError(f'layer "{self._path}" gives no tensor of real numbers, hence no maps')
        return found, softmax


class _Reached(BaseException):
    """The layer has given its output: no ``except Exception`` of the network keeps us from it."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.output = output


class _Watcher(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps what a forward overwrites in parameters and buffers, and the softmax of the layer."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.softmax: list[Tensor] | None = None
        self._overwritten = Overwritten(module)
        self.put_back = self._overwritten.put_back

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        self._overwritten.before(func, args, kwargs)
        result = func(*args, **kwargs)
        if self.softmax is not None and "softmax" in func._schema.name and isinstance(result, Tensor):
            self.softmax.append(result.detach())
        return result
