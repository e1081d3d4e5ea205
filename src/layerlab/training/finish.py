"""The end of a run: the best weights, the one look at the test part, the report."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import torch
from torch import nn

from layerlab.data import Dataset, Preprocessing
from layerlab.errors import LayerlabError
from layerlab.training.checkpoint import load_state, read_checkpoint, write_tensors, write_weights
from layerlab.training.evaluation import evaluate, evaluation_batch_size
from layerlab.training.folder import RunFolder
from layerlab.training.loop_state import TrainingState
from layerlab.training.outputs import Head
from layerlab.training.run import Run, summary

__all__ = ["finish"]

_log = logging.getLogger("layerlab")


def finish(
    folder: RunFolder,
    model: nn.Module,
    dataset: Dataset,
    head: Head,
    device: torch.device,
    config: dict[str, Any],
    state: TrainingState,
) -> Run:
    """Measure the best weights on the test part, in float32, and write what a finished run has.

    Every file is a function of ``best.ckpt`` and the data: a process that is killed here does it all again.

    Raises:
        LayerlabError: ``best.ckpt`` is missing, cut or of another epoch, or the disk is full.
    """
    best = read_checkpoint(folder.best)
    if best.get("epoch") != state.best_epoch:
        raise LayerlabError(
            f'"{folder.best}" is of epoch {best.get("epoch")} and the best was {state.best_epoch}: the files in'
            f' "{folder.path}" do not belong together'
        )
    load_state(folder.best, model, best["model"])
    model.to(device=device, memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    floating = next(p.dtype for p in model.parameters() if p.is_floating_point())
    size = evaluation_batch_size(config["training"]["batch_size"], dataset.shape, device)
    test = evaluate(
        model,
        head,
        dataset.test.batches(size),
        device,
        forward=lambda images: model(images.to(floating)),
        keep=True,
        alone=True,
    )
    model.to("cpu").eval()
    model.zero_grad(set_to_none=True)
    if test is None or test.probabilities is None or test.labels is None:
        raise LayerlabError(f'"{dataset.name}" has no test part')

    write_weights(folder.weights, model)
    write_tensors(folder.predictions, {"probabilities": test.probabilities, "labels": test.labels})
    metrics = {**summary(asdict(state)), "test_loss": test.loss, "test_accuracy": test.accuracy}
    folder.write_metrics(state.history)
    folder.write_results({"metrics": metrics, "history": state.history})
    run = Run(
        path=folder.path,
        model=model,
        history=list(state.history),
        metrics=metrics,
        classes=[str(name) for name in config["classes"]],
        config=config,
        preprocessing=Preprocessing.from_dict(config["preprocessing"]),
    )
    _write_report(run, dataset)
    folder.write_status("finished", epoch=state.epoch, step=state.step)
    return run


def _write_report(run: Run, dataset: Dataset) -> None:
    """Write the report; the run is whole without it, so that its failure is told and no more."""
    from layerlab.training.report import write_report

    try:
        write_report(run, dataset)
    except Exception as error:
        _log.warning('the report of "%s" was not written: %s', run.path, error)
