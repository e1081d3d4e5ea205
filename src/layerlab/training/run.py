"""What is left of a training run, in memory and in its folder."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from layerlab.data import Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training.checkpoint import load_state, load_weights, read_checkpoint
from layerlab.training.folder import RunFolder
from layerlab.zoo import Origin, rebuild

__all__ = ["Run", "load_run", "rebuilt_model", "summary"]

_SHOWN = ("test_accuracy", "test_loss", "val_accuracy", "val_loss")


@dataclass(repr=False)
class Run:
    """A trained network with everything that is known of its training."""

    path: Path
    """The run folder."""
    model: nn.Module
    """With the weights of the best epoch, in evaluation mode."""
    history: list[dict[str, Any]]
    """One record an epoch: epoch, train_loss, train_accuracy, val_loss, val_accuracy, learning_rate, seconds,
    images_per_second."""
    metrics: dict[str, Any]
    """Of the best epoch (lowest validation loss): val_loss, val_accuracy, test_loss, test_accuracy, best_epoch; and
    epochs, seconds and images_per_second of the training."""
    classes: list[str]
    """The names, in the order of the network's outputs."""
    config: dict[str, Any] = field(default_factory=dict)
    """What ``config.json`` holds: everything that is needed to repeat the run."""
    preprocessing: Preprocessing | None = None
    """How an image becomes an input."""

    def __repr__(self) -> str:
        """Return the run in a line."""
        figures = ", ".join(f"{name}={self.metrics[name]:.4f}" for name in _SHOWN if name in self.metrics)
        return f'Run("{self.path}", epochs={len(self.history)}{", " if figures else ""}{figures})'

    def _repr_html_(self) -> str:
        """Return the run as a notebook shows it."""
        rows = "".join(
            f"<tr><th>{name.replace('_', ' ')}</th><td>{self.metrics[name]:.4f}</td></tr>"
            for name in _SHOWN
            if name in self.metrics
        )
        return f"<p>Run <code>{html.escape(str(self.path))}</code></p><table>{rows}</table>"


def load_run(path: str | os.PathLike[str], model: nn.Module | None = None) -> Run:
    """Load a run from its folder.

    Args:
        path: the folder.
        model: the network, where the folder cannot say how it is built (it was built by hand); it gets the weights.

    Returns:
        The run with the weights of the best epoch so far; its metrics hold the test part's when it was finished.

    Raises:
        LayerlabError: a file is missing, cut or foreign, or the network must be given.
    """
    folder = RunFolder.existing(path)
    config = folder.read_config()
    network = model if model is not None else rebuilt_model(folder, config)
    _load_best(folder, network)
    network.eval()
    history, metrics = _figures(folder)
    return Run(
        path=folder.path,
        model=network,
        history=history,
        metrics=metrics,
        classes=[str(name) for name in config["classes"]],
        config=config,
        preprocessing=Preprocessing.from_dict(config["preprocessing"]),
    )


def rebuilt_model(folder: RunFolder, config: dict[str, Any]) -> nn.Module:
    """Build the run's network again, with fresh weights. Raises LayerlabError: it was built by hand."""
    origin = config["model"]
    if not isinstance(origin, dict) or origin.get("kind") not in ("zoo", "keras", "import"):
        name = origin.get("name") if isinstance(origin, dict) else origin
        raise LayerlabError(
            f'"{folder.path}" holds the weights of a network built by hand ({name}): give it, as'
            " load_run(path, model=...)"
        )
    return rebuild(Origin.from_dict(origin))


def _load_best(folder: RunFolder, network: nn.Module) -> None:
    """Load the best weights: from model.safetensors, or from best.ckpt, which holds the same."""
    try:
        load_weights(folder.weights, network)
    except LayerlabError as problem:
        if "belongs to another network" in str(problem):
            raise
        try:
            load_state(folder.best, network, read_checkpoint(folder.best).get("model", {}))
        except LayerlabError as other:
            if folder.weights.exists():
                raise problem from other
            last = ", and the run has not finished an epoch" if not folder.best.exists() else f" and {other}"
            raise LayerlabError(f"{problem}{last}") from other


def _figures(folder: RunFolder) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return history and metrics; from last.ckpt where the run has not come to its end."""
    if folder.results.exists():
        results = folder.read_results()
        history, metrics = results.get("history"), results.get("metrics")
        if isinstance(history, list) and isinstance(metrics, dict):
            return history, metrics
        raise LayerlabError(f'"{folder.results}" was not written by Layerlab')
    try:
        state = read_checkpoint(folder.last).get("state", {})
    except LayerlabError:  # the weights are whole, and they are what the run is loaded for
        return [], {}
    return list(state.get("history", [])), summary(state)


def summary(state: dict[str, Any]) -> dict[str, Any]:
    """Return the metrics that are known from a training state (see ``TrainingState``)."""
    history = state.get("history", [])
    best = next((row for row in history if row["epoch"] == state.get("best_epoch")), None)
    if best is None:
        return {}
    seconds = sum(row["seconds"] for row in history)
    images = sum(row["seconds"] * row["images_per_second"] for row in history)
    return {
        "val_loss": best["val_loss"],
        "val_accuracy": best["val_accuracy"],
        "best_epoch": best["epoch"],
        "epochs": len(history),
        "seconds": seconds,
        "images_per_second": images / seconds if seconds else 0.0,
    }
