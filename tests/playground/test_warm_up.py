"""After warming up no kernel is left to compile."""

from __future__ import annotations

from layerlab.playground.kernels import classic, dropout, general, lanes
from layerlab.playground.warm_up import warm_up


def test_every_kernel_is_compiled() -> None:
    warm_up()
    kernels = (
        classic.run,
        classic.compute,
        classic.paint,
        dropout.drop,
        general.run,
        general.compute,
        general.gradient,
        lanes.run,
    )
    for kernel in kernels:
        assert kernel.signatures, kernel  # type: ignore[attr-defined]
    before = [len(kernel.signatures) for kernel in kernels]  # type: ignore[attr-defined]
    warm_up()
    assert before == [len(kernel.signatures) for kernel in kernels]  # type: ignore[attr-defined]
