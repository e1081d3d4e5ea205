"""``layerlab play``: a playground network without its page."""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from layerlab.cli_output import print_table
from layerlab.errors import LayerlabError

if TYPE_CHECKING:
    from layerlab.playground.metrics import PartMetrics
    from layerlab.playground.session import Session

__all__ = ["play"]

MOST_EPOCHS: Final = 10_000_000
SLICE: Final = 0.2
"""Seconds between two looks at the clock and at Ctrl-C."""


def play(
    link: Annotated[
        str,
        typer.Argument(metavar="LINK", help="A TensorFlow Playground link, one of ours, or its hash, in quotes."),
    ] = "",
    epochs: Annotated[int, typer.Option(help="Passes over the training points.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Train a playground network; prints losses, metrics and final weights."""
    if not 0 <= epochs <= MOST_EPOCHS:
        raise LayerlabError(f"--epochs is {epochs}; expected 0 to {MOST_EPOCHS:,}")
    with _interruption() as asked:
        from layerlab.playground.link import read_link
        from layerlab.playground.session import Session

        opened = read_link(link)
        for sentence in opened.warnings:
            print(f"note: {' '.join(sentence.split())}", file=sys.stderr)
        session = Session(opened.specification)
        begun = time.perf_counter()
        _train(session, epochs, asked)
        seconds = time.perf_counter() - begun
    if as_json:
        # On one line: an indented list of losses would be three lines an epoch.
        print(json.dumps(_plain(_report(session, seconds)), allow_nan=False))
    else:
        _print(session, seconds)
    if asked.is_set():
        print(f"layerlab: stopped after {session.epoch:,} of {epochs:,} epochs", file=sys.stderr)
        raise typer.Exit(130)


@contextmanager
def _interruption() -> Iterator[threading.Event]:
    """Have the first Ctrl-C ask for an end, so that what there is gets printed; the second is the system's own."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(_number: int, _frame: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _train(session: Session, epochs: int, asked: threading.Event) -> None:
    count, progress = 1, sys.stderr.isatty()
    start = time.monotonic()
    while session.epoch < epochs and not session.diverged and not asked.is_set():
        begun = time.monotonic()
        session.step(min(count, epochs - session.epoch))
        now = time.monotonic()
        count = max(1, min(2 * count, int(count * SLICE / max(now - begun, 1e-6))))
        if progress and now - start > 1:
            test = session.curve(2)[-1, 2]
            print(f"\repoch {session.epoch:,} of {epochs:,}, test loss {test:.4g}\x1b[K", end="", file=sys.stderr)
    if progress:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _report(session: Session, seconds: float) -> dict[str, Any]:
    """Return everything as plain values."""
    from dataclasses import asdict

    layers = []
    for layer in session.network.layers:
        arrays = {"weights": layer.weights, "biases": layer.biases, "dead": layer.dead}
        normalization = {
            "gamma": layer.gamma,
            "beta": layer.beta,
            "running_mean": layer.running_mean,
            "running_variance": layer.running_variance,
        }
        kept = {name: array for name, array in (arrays | normalization).items() if array is not None}
        layers.append({"activation": layer.activation, **{name: array.tolist() for name, array in kept.items()}})
    return {
        "specification": session.specification.to_dict(),
        "link": session.link,
        "epochs": session.epoch,
        "losses": session.losses,
        "layers": layers,
        "dead_links": session.dead_links,
        "metrics": asdict(session.metrics()),
        "diverged": None if session.divergence is None else asdict(session.divergence),
        "seconds": seconds,
    }


def _plain(value: Any) -> Any:
    """Return ``value`` with null in place of what is no number: JSON has neither NaN nor infinity."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print(session: Session, seconds: float) -> None:
    """Print what a person wants to know."""
    losses = session.losses
    shown = _epochs_to_show(losses[-1][0])
    rows = [(f"{epoch:,}", _loss(train), _loss(test)) for epoch, train, test in losses if epoch in shown]
    print_table(("epoch", "training loss", "test loss"), rows, numbers=(0, 1, 2))
    print()
    _print_weights(session)
    print()
    metrics = session.metrics()
    print(f"training  {_metric(metrics.train)} of {len(session.points.train):,} points")
    print(f"test      {_metric(metrics.test)} of {len(session.points.test):,} points")
    if session.dead_links:
        print(f"dead      {len(session.dead_links)} links, cut by L1")
    if session.divergence is not None:
        print(f"diverged  {session.divergence.sentence}")
    print(f"time      {seconds:.3f} s for {session.epoch:,} epoch{'' if session.epoch == 1 else 's'}")
    print(f"link      #{session.link}")


def _epochs_to_show(last: int) -> set[int]:
    """Return 0, 1, 2, 5, 10, 20, 50, 100... and the last."""
    shown = {0, last}
    power = 1
    while power <= last:
        shown |= {power, 2 * power, 5 * power}
        power *= 10
    return shown


def _loss(value: float) -> str:
    return f"{value:.6f}" if abs(value) < 10_000 else f"{value:.6g}"


def _metric(part: PartMetrics) -> str:
    if part.accuracy is not None:
        return f"accuracy {part.accuracy:.1%}"
    return "no R²" if part.r2 is None else f"R² {part.r2:.4f}"


def _print_weights(session: Session) -> None:
    """Print one line a unit (of Maxout one a piece): its bias and weights, dead ones named."""
    layers = session.network.layers
    normalized = any(layer.gamma is not None for layer in layers)
    rows = []
    for number, layer in enumerate(layers, 1):
        name = "output" if number == len(layers) else f"hidden {number}"
        for unit in range(layer.units):
            for piece in range(layer.pieces):
                place = (unit, piece) if layer.pieces == 2 else (unit,)
                weights = zip(layer.weights[place].tolist(), layer.dead[place].tolist(), strict=True)
                shown = " ".join(("dead" if dead else _weight(weight)).rjust(8) for weight, dead in weights)
                scale = (
                    ("", "") if layer.gamma is None or layer.beta is None else (layer.gamma[place], layer.beta[place])
                )
                label = f"{unit + 1}" + ("ab"[piece] if layer.pieces == 2 else "")
                cells = [name, label, _weight(float(layer.biases[place]))]
                cells += [_weight(float(value)) if value != "" else "" for value in scale] if normalized else []
                rows.append((*cells, shown))
    columns = ["layer", "unit", "bias", *(("scale", "shift") if normalized else ()), "weights"]
    print_table(columns, rows, numbers=range(1, len(columns) - 1))


def _weight(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.3g}"
