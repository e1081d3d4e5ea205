"""Dissection of large networks against torchinfo's summary and TorchLens's trace of them, in one run.

    python benchmarks/dissect_peers.py

All look at the same network with the same image. Each way is run once before it is measured. torchinfo gives
sizes, parameters and multiply-adds of modules; TorchLens keeps every operation, as the dissection does, which gives the
graph, MACs, receptive fields and the memory of a training step as well. TorchLens is no dependency: without it the
comparison with it is left out, and said to be.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import statistics
import warnings
from typing import Any

import machine
import torch
import torchinfo
import torchvision
from in_turn import ratio, seconds_of, spread

import layerlab

NETWORKS = ("resnet152", "vit_b_16", "densenet201")
SIZE = (3, 224, 224)
MOST_OF_TORCHINFO = 2.0  # times as long as torchinfo
LENS_REPEATS = 3
LEAST_OF_TORCHLENS = 10.0  # times as fast as TorchLens


def with_torchinfo(model: torch.nn.Module) -> Any:
    """Summarise, with what torchinfo has of what a dissection has."""
    return torchinfo.summary(model, (1, *SIZE), col_names=("output_size", "num_params", "mult_adds"), verbose=0)


def with_torchlens(model: torch.nn.Module, image: torch.Tensor) -> Any:
    """Trace without keeping activations, the least that TorchLens can do."""
    import torchlens
    from torchlens.options import CaptureOptions

    with contextlib.redirect_stdout(io.StringIO()):
        return torchlens.trace(model, image, capture=CaptureOptions(layers_to_save="none"))


def ours_and_torchinfo(model: torch.nn.Module, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of both, taken in turn."""
    return seconds_of(
        {"layerlab": lambda: layerlab.dissect(model, SIZE), "torchinfo": lambda: with_torchinfo(model)}, repeats
    )


WAYS = ("layerlab", "torchinfo", "torchlens")


def main() -> int:
    """Print the table; return 1 when a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torchlens = all(importlib.util.find_spec(name) for name in ("torchlens", "graphviz"))

    print(f"{machine.describe()}, {torch.get_num_threads()} threads")
    print(f"1x3x224x224, {options.repeats} repeats in turn, TorchLens {LENS_REPEATS} after them")
    print("milliseconds: median (least-most)")
    print(f"{'':12}{''.join(f'{way:>22}' for way in WAYS)}{'/torchinfo':>12}{'TorchLens/':>12}")
    models = {name: getattr(torchvision.models, name)().eval() for name in NETWORKS}
    seconds = {name: ours_and_torchinfo(model, options.repeats) for name, model in models.items()}
    if torchlens:  # last, since it leaves torch's functions wrapped, which would slow the others down
        image = torch.zeros(1, *SIZE)
        for name, model in models.items():
            seconds[name] |= seconds_of({"torchlens": lambda model=model: with_torchlens(model, image)}, LENS_REPEATS)
    good = True
    for name, found in seconds.items():
        info = ratio(found["layerlab"], found["torchinfo"])
        lens = statistics.median(found["torchlens"]) / statistics.median(found["layerlab"]) if torchlens else None
        good &= info <= MOST_OF_TORCHINFO and (lens is None or lens >= LEAST_OF_TORCHLENS)
        columns = "".join(f"{spread(found[way]) if way in found else '-':>22}" for way in WAYS)
        print(f"{name:12}{columns}{info:>12.2f}{'-' if lens is None else f'{lens:.1f}':>12}")
    print(
        f"must be: of torchinfo's time at most {MOST_OF_TORCHINFO}, TorchLens at least {LEAST_OF_TORCHLENS} times ours"
    )
    if not torchlens:
        print("torchlens, or graphviz that it needs, is not installed: not compared")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
