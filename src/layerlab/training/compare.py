"""Several networks on the same data with the same seeds: one table that says what the differences are worth."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from layerlab.errors import LayerlabError
from layerlab.files import atomic_write
from layerlab.interrupts import Stopped
from layerlab.training.compare_plan import Plan, folder_of
from layerlab.training.compare_progress import make_display
from layerlab.training.compare_statistics import Comparison, Row, Trial
from layerlab.training.config import TrainingConfig
from layerlab.training.environment import versions
from layerlab.training.fit import fit
from layerlab.training.folder import RunFolder
from layerlab.training.run import Run, load_run

__all__ = ["Comparison", "Row", "Trial", "compare"]


def compare(
    models: str | Sequence[str],
    data: str | os.PathLike[str],
    *,
    seeds: int | Sequence[int] = 3,
    output: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    **options: Any,
) -> Comparison:
    """Train every network with every seed, and measure all in the same way.

    A seed decides the initial weights, the order of the images and what is kept for validation; the same seeds are
    used for all networks. One run follows another, all networks with the first seed before any with the second, so
    that an early stop has measured all of them, and no speed is measured while something else runs.

    A folder keeps everything: a run folder for every network and seed, ``results.json``, ``results.csv`` and
    ``report.html``. The same call again goes on where it was: a finished run is not repeated, a half one is resumed,
    a failed one is tried again.

    Args:
        models: names as :func:`layerlab.fit` takes them: of the zoo, a file of Keras text, ``package.module:callable``.
        data: a name or a path.
        seeds: how many (from 0), or which.
        output: the folder; default ``comparisons/`` and a name made of the networks and the data.
        progress: whether to show how far it is; default: on a terminal.
        **options: what else :func:`layerlab.fit` takes (``epochs``, ``batch_size``, ``learning_rate``, ...), the same
            for all networks.

    Raises:
        LayerlabError: what was given cannot be used, or the folder belongs to another comparison. A network that
            fails in training is no error: its row says so.
        Stopped: Ctrl-C; what was finished is kept, and the text says how to go on.

    Example:
        >>> result = compare(["lenet5_modern", "resnet20"], "mnist5k", seeds=3, epochs=5)  # doctest: +SKIP
        >>> print(result.sentence)  # doctest: +SKIP
        resnet20 97.9 % ± 0.4, lenet5_modern 97.2 % ± 0.5: ...
    """
    plan = Plan.checked(models, data, seeds, options)
    folder = folder_of(output, plan)
    with RunFolder(folder).held():
        atomic_write(folder / "plan.json", plan.to_json())
        return _Study(folder, plan, progress).run()


@dataclass
class _Study:
    """The runs, one after another."""

    folder: Path
    plan: Plan
    shown: bool | None
    trials: dict[tuple[str, int], Trial] = field(default_factory=dict)

    def run(self) -> Comparison:
        """Do what is left to do, and write the results."""
        order = [(model, seed) for seed in self.plan.seeds for model in self.plan.models]
        self.trials = self._finished()
        epochs = self.plan.options.get("epochs", TrainingConfig.epochs)
        display = make_display(self.shown, len(order), epochs)
        try:
            for number, (model, seed) in enumerate(order, 1):
                if (model, seed) not in self.trials:
                    left = order[number - 1 :]
                    with display.run(number, model, seed, [name for name, _ in left]) as note:
                        trial = self._trial(model, seed, note)
                    display.finished(trial)
                    self.trials[model, seed] = trial
                    self._write_results()
        except KeyboardInterrupt as stop:
            display.close()
            result = self._write()
            raise Stopped(self._stopped(result, len(order))) from stop
        finally:
            display.close()
        return self._write()

    def _trial(self, model: str, seed: int, note: Any) -> Trial:
        """Train one network with one seed; what it fails with is its result."""
        path = self._path(model, seed)
        try:
            with _unheard():
                run = self._train(path, model, seed, note)
                return _measured(run, model, seed)
        except LayerlabError as error:
            return Trial(model, seed, path.name, failure=str(error))
        except Exception as error:  # whatever a network raises: it must not stop the others
            text = " ".join(str(error).split())[:200]
            return Trial(model, seed, path.name, failure=f"{type(error).__name__}: {text}")

    def _train(self, path: Path, model: str, seed: int, note: Any) -> Run:
        run = RunFolder(path)
        if run.is_finished():
            return load_run(path)
        if run.config.is_file() and run.last.is_file():
            return fit(resume=path, progress=False, callbacks=[note])
        shutil.rmtree(path, ignore_errors=True)  # of a run that was killed before its first checkpoint
        return fit(model, self.plan.data, seed=seed, output=path, progress=False, callbacks=[note], **self.plan.options)

    def _path(self, model: str, seed: int) -> Path:
        plain = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in Path(model).name)
        clash = [name for name in self.plan.models if Path(name).name == Path(model).name]
        number = f"-{clash.index(model) + 1}" if len(clash) > 1 else ""
        return self.folder / "runs" / f"{plain}{number}-seed{seed}"

    def _finished(self) -> dict[tuple[str, int], Trial]:
        """Return what an earlier call has measured and its run folder still holds."""
        try:
            content = json.loads((self.folder / "results.json").read_bytes())
            trials = [Trial(**{**record, "input_shape": tuple(record["input_shape"])}) for record in content["trials"]]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return {
            (trial.model, trial.seed): trial
            for trial in trials
            if not trial.failure and RunFolder(self._path(trial.model, trial.seed)).is_finished()
        }

    def _comparison(self) -> Comparison:
        rows = [
            Row(model, tuple(self.trials[model, seed] for seed in self.plan.seeds if (model, seed) in self.trials))
            for model in self.plan.models
        ]
        return Comparison(
            path=self.folder,
            data=Path(self.plan.data).name or self.plan.data,
            seeds=tuple(self.plan.seeds),
            rows=tuple(rows),
            options=dict(self.plan.options),
            command=self.plan.command,
            versions=versions(torch.device("cuda" if torch.cuda.is_available() else "cpu")),
        )

    def _write_results(self) -> Comparison:
        result = self._comparison()
        atomic_write(self.folder / "results.json", json.dumps(result.to_dict(), indent=2, ensure_ascii=False) + "\n")
        atomic_write(self.folder / "results.csv", _csv(result))
        return result

    def _write(self) -> Comparison:
        from layerlab.training.compare_report import render_comparison

        result = self._write_results()
        atomic_write(self.folder / "report.html", render_comparison(result).encode("utf-8", "replace"))
        return result

    def _stopped(self, result: Comparison, total: int) -> str:
        done = sum(len(row.trials) for row in result.rows)
        so_far = f' (see "{self.folder / "report.html"}")' if done else ""
        return f"stopped after {done} of {total} runs{so_far}; the same command again goes on from there"


def _measured(run: Run, model: str, seed: int) -> Trial:
    """Return the figures of a finished run."""
    from layerlab.anatomy import dissect

    if run.preprocessing is None or "test_accuracy" not in run.metrics:
        raise LayerlabError(f'"{run.path}" was not finished')
    totals = dissect(run.model, run.preprocessing.shape).totals
    metrics = run.metrics
    return Trial(
        model=model,
        seed=seed,
        folder=run.path.name,
        accuracy=_number(metrics["test_accuracy"]),
        loss=_number(metrics["test_loss"]),
        parameters=totals.executed_parameters,
        macs=totals.macs,
        input_shape=tuple(run.preprocessing.shape),
        images_per_second=_number(metrics["images_per_second"]),
        seconds=_number(metrics["seconds"]),
        epochs=int(metrics["epochs"]),
        best_epoch=int(metrics["best_epoch"]),
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


@contextmanager
def _unheard() -> Iterator[None]:
    """Hold back the notes of single runs: nine of them would say the same."""
    logger = logging.getLogger("layerlab")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _csv(result: Comparison) -> str:
    text = io.StringIO()
    columns = [entry.name for entry in fields(Trial)]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in result.rows:
        for trial in row.trials:
            record = asdict(trial)
            writer.writerow({**record, "input_shape": "x".join(map(str, record["input_shape"]))})
    return text.getvalue()
