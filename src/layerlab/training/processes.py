"""Lightning's DDP, whose processes start in a notebook, too, and quietly. It imports Lightning, which takes a while."""

from __future__ import annotations

from typing import Any

from lightning.fabric.strategies.ddp import DDPStrategy
from lightning.fabric.strategies.launchers.multiprocessing import _MultiProcessingLauncher

from layerlab.training.devices import quiet_lightning

__all__ = ["ProcessesStrategy"]


class ProcessesStrategy(DDPStrategy):
    """DDP in processes of this machine."""

    def _configure_launcher(self) -> None:
        self._launcher = _Launcher(self, start_method=self._start_method)  # type: ignore[arg-type]


class _Launcher(_MultiProcessingLauncher):
    @property
    def is_interactive_compatible(self) -> bool:
        """Return True: `needs_a_copy` finds beforehand what a process that starts afresh cannot have."""
        return True

    def _wrapping_function(self, *args: Any, **kwargs: Any) -> None:
        with quiet_lightning():
            super()._wrapping_function(*args, **kwargs)
