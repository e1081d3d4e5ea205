"""A sweep: levels of factors on one network, with the learning rate tuned for each and everything else held."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from layerlab.errors import LayerlabError
from layerlab.lab.compose import compose, rule_of
from layerlab.lab.design import make_design
from layerlab.lab.duration import seconds_of
from layerlab.lab.experiment import FOLDER, Experiment, folder_name
from layerlab.lab.levels import written
from layerlab.lab.request import Request

__all__ = ["sweep"]

SMALL: Final = ("mlp", "cnn")
"""The small networks that train many at once; any other model is one of the zoo."""


def sweep(
    data: str | Sequence[str],
    vary: Mapping[str, Sequence[Any]],
    *,
    model: str | None = None,
    tune: Mapping[str, Sequence[float]] | None = None,
    fixed: Mapping[str, Any] | None = None,
    equal: str | None = None,
    metric: str | None = None,
    seeds: int = 10,
    budget: float | str | None = None,
    folder: str | os.PathLike[str] | None = None,
    workers: str | int | None = None,
) -> Experiment:
    """Return the experiment that compares all combinations of levels.

    Args:
        data: tasks or data sets.
        vary: factor -> levels. One numeric factor of three or more levels is a trend, all else contrasts.
        model: a network of the zoo, ``mlp`` or ``cnn``; None: the playground's, on two-dimensional tasks.
        tune: factor -> grid; an empty grid is the customary one. None: the learning rate, unless it is given.
        fixed: factors that all share.
        equal: ``parameters``, ``macs`` or ``seconds``; the width is solved for, and where that is given the depth.
        metric: that decides.
        seeds, budget, folder, workers: as in :class:`~layerlab.lab.experiment.Experiment`.

    Raises:
        LayerlabError: what was given contradicts itself or cannot be built; one sentence.
    """
    tasks = [data] if isinstance(data, str) else list(data)
    if not tasks:
        raise LayerlabError("sweep on what? Name a data set, e.g. --data mnist5k, or a task such as --data circle")
    if not vary:
        raise LayerlabError("sweep what? Name a factor and its levels, e.g. --vary width=0.5,1,2")
    hold = dict(fixed or {})
    if model is not None:
        hold["network" if model in SMALL else "model"] = model
    rule = None if equal is None else rule_of(equal, [*vary, *hold])
    title = f"{' and '.join(vary)} of {model or 'a playground network'} on {', '.join(tasks)}"
    asked = compose(title, tasks=tasks, vary=vary, hold=hold, tune=tune, equal=rule, metric=metric, seeds=seeds)
    design = make_design(asked, asked.variants[0], seeds=seeds, budget=None if budget is None else seconds_of(budget))
    words = ["layerlab", "sweep", *(["--model", model] if model else []), "--data", ",".join(tasks)]
    words += [word for text in written(vary) for word in ("--vary", text)]
    words += [word for text in written(tune or {}) for word in ("--tune", text)]
    words += [word for text in written({key: [one] for key, one in (fixed or {}).items()}) for word in ("--set", text)]
    words += ["--equal", equal] if equal else []
    words += ["--metric", metric] if metric else []
    words += ["--budget", str(budget)] if budget is not None else []
    words += ["--seeds", str(seeds)]
    request = Request.of(asked, design, shlex.join(words))
    name = folder_name("-".join(["sweep", *vary, *([model] if model else []), *tasks]))
    return Experiment.of(request, Path(FOLDER) / name if folder is None else folder, workers)
