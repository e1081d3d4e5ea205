"""Inference of Xception: optimised, against ``keras.applications.Xception`` on Keras's torch backend.

    python benchmarks/xception_keras.py [--quick] [--repeats 7]

Both have the same weights, ours, drawn with the norms' statistics; the outputs are compared before anything is timed.
Keras's network is given the images in its own layout, the channels last.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "torch"

import argparse
import functools
from collections.abc import Callable
from typing import Any

import in_turn
import keras
import machine
import torch
from torch import Tensor, nn

import layerlab

BATCH, SIDE = 8, 299
NEEDED = 2.0


DEPTHWISE, KERNEL = (2, 3, 0, 1), (2, 3, 1, 0)
"""The axes of our tensors in the order of Keras's."""


def networks() -> tuple[nn.Module, Any]:
    """Return ours and Keras's, with the same weights."""
    torch.manual_seed(0)
    ours = layerlab.create("xception", padding="same", epsilon=1e-3)
    for module in ours.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.weight, 0.8, 1.2),
                (module.bias, -0.1, 0.1),
                (module.running_mean, -0.1, 0.1),
                (module.running_var, 0.3, 0.6),
            ):
                nn.init.uniform_(tensor, low, high)  # type: ignore[arg-type]
    theirs = keras.applications.Xception(weights=None, classifier_activation=None)
    # Both name the layers of a skip connection apart, and each list is in the order of the network.
    for skips in (False, True):
        tensors = [
            (name, tensor)
            for name, tensor in ours.state_dict().items()
            if (".skip" in name) == skips and not name.endswith("num_batches_tracked")
        ]
        variables = [
            variable
            for layer in theirs.layers
            if layer.name.startswith(("conv2d", "batch_normalization")) == skips
            for variable in layer.weights
        ]
        for (_, tensor), variable in zip(tensors, variables, strict=True):
            variable.assign(_in_their_order(tensor))
    return ours.eval(), theirs


def _in_their_order(tensor: Tensor) -> Tensor:
    """Return the tensor with Keras's order of axes."""
    if tensor.dim() == 4:
        return tensor.permute(DEPTHWISE if tensor.shape[1] == 1 else KERNEL).contiguous()
    return tensor.T.contiguous() if tensor.dim() == 2 else tensor


def main() -> int:
    """Print the table; return 1 when the ratio is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="two repeats")
    arguments = parser.parse_args()
    repeats = 2 if arguments.quick else arguments.repeats
    ours, theirs = networks()
    images = torch.randn(BATCH, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    theirs_images = images.movedim(1, -1).contiguous()
    fast = {
        "optimize": layerlab.optimize(ours, images),
        'optimize, precision="32"': layerlab.optimize(ours, images, precision="32"),
    }
    ways: dict[str, Callable[[], Any]] = {"keras": lambda: theirs(theirs_images, training=False)}
    for way, network in fast.items():
        ways[way] = functools.partial(network, images)
    with torch.inference_mode():
        expected = ways["keras"]()
        off = (ours(images) - expected).abs().max() / expected.abs().max()
        seconds = in_turn.seconds_of(ways, repeats)
    print(f"{machine.describe()}, {torch.get_num_threads()} threads, keras {keras.__version__}")
    print(f"Xception, batch of {BATCH} x 3 x {SIDE} x {SIDE}: median (lowest-highest) of {repeats}, in turn")
    print(f"  same outputs to {off:.0e} before it is optimised")
    print(f"  {'keras':26}{in_turn.spread(seconds['keras']):>20} ms")
    for way, network in fast.items():
        ratio = in_turn.ratio(seconds["keras"], seconds[way])
        print(
            f"  {way:26}{in_turn.spread(seconds[way]):>20} ms  {ratio:5.2f} times (needed {NEEDED})"
            f"  same class {network.report.chosen.agreement:.1%}  ({network.report.chosen.name})"
        )
    return int(in_turn.ratio(seconds["keras"], seconds["optimize"]) < NEEDED)


if __name__ == "__main__":
    raise SystemExit(main())
