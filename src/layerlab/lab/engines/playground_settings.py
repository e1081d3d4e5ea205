"""From factors to the settings of a playground trial, and from these to the specification of its network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from numbers import Real
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground.checks import real, whole
from layerlab.playground.specification import (
    DATASETS,
    FEATURES,
    MAX_LAYERS,
    MAX_UNITS,
    REGRESSION_DATASETS,
    Specification,
)

__all__ = ["FACTORS", "POINTS", "TASKS", "settings_of", "specification_of_settings", "training_points"]

TASKS: Final = tuple(name for name in (*DATASETS, *REGRESSION_DATASETS) if name != "points")
"""The two-dimensional tasks: every data set that draws its own points."""
FACTORS: Final[Mapping[str, str]] = {
    "depth": f"hidden layers, 0 to {MAX_LAYERS}; 2 unless told",
    "width": f"units of each hidden layer, 1 to {MAX_UNITS}; 4 unless told",
    "layers": "units of each hidden layer, a list, instead of depth and width; 4, 2 where none of the three is told",
    "activation": "of the hidden layers: sigmoid, tanh, relu, leaky_relu, maxout, elu, linear",
    "learning_rate": "0 to 1000",
    "batch_size": "examples of an update",
    "epochs": "times that it sees the training points",
    "target": "held-out loss to reach; 0.1 of classes, 0.01 of regression unless told",
    "noise": "0 to 80; 0, of spirals 5, unless told",
    "train_share": "share of the points that train, 0.1 to 0.9 in hundredths",
    "features": f"what it sees of a point: {', '.join(FEATURES)}",
    "norm": "none or batch: normalisation of every hidden layer",
    "skip": "whether every hidden layer as wide as its input adds this to its output",
    "dropout": "share of every hidden layer's outputs that is dropped in training, 0 to 0.9",
    "regularization": "none, L1 or L2",
    "regularization_rate": "its strength",
    "optimizer": "sgd, momentum, nesterov, rmsprop, adam or adamw",
    "initialization": "classic, glorot, he or zero",
    "loss": "mse (halved) or cross-entropy",
    "schedule": "of the learning rate over the epochs: constant, step, exponential, cosine or warmup",
}
"""Each factor with what it is."""

EPOCHS: Final = 100
MOST_EPOCHS: Final = 100_000
SAME: Final = (
    "activation",
    "learning_rate",
    "batch_size",
    "noise",
    "dropout",
    "regularization",
    "regularization_rate",
    "optimizer",
    "initialization",
    "loss",
    "schedule",
)
"""Factors that are fields of a specification, under the same name."""
SPIRALS: Final = ("spiral", "three-spirals")
SPIRAL_NOISE: Final = 5
"""Without noise all their draws have the same points: what is tuned on would come back in what is reported."""
POINTS: Final = {"classification": 500, "regression": 1200}
"""How many points the tasks of each problem have."""


def settings_of(factors: Mapping[str, Any], task: str) -> dict[str, Any]:
    """Return the settings of a trial, every default written out, JSON values.

    Args:
        factors: some of :data:`FACTORS`.
        task: one of :data:`TASKS`.

    Raises:
        LayerlabError: an unknown factor or task, or a network that cannot be built or would never learn.
    """
    if task not in TASKS:
        raise LayerlabError(f'the playground has no task "{task}"{did_you_mean(str(task), TASKS)}')
    for name in factors:
        if name not in FACTORS:
            raise LayerlabError(f'the playground has no factor "{name}"{did_you_mean(str(name), FACTORS)}')
    regression = task in REGRESSION_DATASETS
    epochs = whole("epochs", factors.get("epochs", EPOCHS), 1, MOST_EPOCHS)
    features = _listed("features", factors.get("features", Specification().features))
    if not features:
        raise LayerlabError(f"features is empty; expected at least one of {', '.join(FEATURES)}")
    settings: dict[str, Any] = {
        "task": task,
        "layers": _layers(factors),
        "features": features,
        "epochs": epochs,
        "target": real("target", factors.get("target", 0.01 if regression else 0.1), 0, 1e6),
        "train_share": _train_share(factors.get("train_share", 0.5)),
        "norm": factors.get("norm", "none"),
        "skip": factors.get("skip", False),
    }
    plain = Specification(noise=SPIRAL_NOISE if task in SPIRALS else 0)
    settings |= {name: factors.get(name, getattr(plain, name)) for name in SAME}
    _check_extras(settings)
    specification = _specification(settings)
    settings |= {name: getattr(specification, name) for name in SAME}
    settings["features"] = list(specification.features)
    points = training_points(specification)
    if specification.batch_size > points:
        raise LayerlabError(
            f"batch size {specification.batch_size:,} of the {points:,} training points of {task}: no update would"
            f" ever be made; at most {points:,}"
        )
    return settings


def specification_of_settings(settings: Mapping[str, Any]) -> Specification:
    """Return the specification of a trial's network; its seeds are the defaults."""
    return _remembered(tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in settings.items()))


@lru_cache(4096)  # thousands of trials share some hundred settings
def _remembered(settings: tuple[tuple[str, Any], ...]) -> Specification:
    return _specification(dict(settings))


def _specification(settings: Mapping[str, Any]) -> Specification:
    layers, task = settings["layers"], settings["task"]
    problem = "regression" if task in REGRESSION_DATASETS else "classification"
    return Specification(
        problem=problem,
        **{"regression_dataset" if problem == "regression" else "dataset": task},
        classes=2 if problem == "regression" else DATASETS[task][0],
        train_percent=round(100 * settings["train_share"]),
        features=settings["features"],
        hidden_layers=layers,
        batch_normalization=(True,) * len(layers) if settings["norm"] == "batch" else (),
        skip=_skips(settings) if settings["skip"] else (),
        schedule_epochs=settings["epochs"],
        **{name: settings[name] for name in SAME},
    )


def training_points(specification: Specification) -> int:
    """Return how many points train."""
    return POINTS[specification.problem] * specification.train_percent // 100


def _layers(factors: Mapping[str, Any]) -> list[int]:
    if "layers" in factors:
        if "depth" in factors or "width" in factors:
            raise LayerlabError("layers is told beside depth or width; expected either the list or these")
        layers = _listed("layers", factors["layers"])
        if len(layers) > MAX_LAYERS:
            raise LayerlabError(f"layers has {len(layers)} entries; the playground has at most {MAX_LAYERS} layers")
        return [_limited("units of a hidden layer", units, 1, MAX_UNITS) for units in layers]
    if "depth" not in factors and "width" not in factors:
        return list(Specification().hidden_layers)
    depth = _limited("depth", factors.get("depth", 2), 0, MAX_LAYERS)
    return [_limited("width", factors.get("width", 4), 1, MAX_UNITS)] * depth


def _limited(name: str, value: object, low: int, high: int) -> int:
    try:
        return whole(name, value, low, high)
    except LayerlabError as error:
        raise LayerlabError(f"{error}, the limits of the playground") from None


def _listed(name: str, value: object) -> list[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Sequence):
        raise LayerlabError(f"{name} is {value!r}; expected a list")
    return list(value)


def _train_share(value: object) -> float:
    share = real("train_share", value, 0.1, 0.9)
    if abs(round(100 * share) - 100 * share) > 1e-9:
        raise LayerlabError(f"train_share is {share:g}; expected whole hundredths, such as {round(share, 2):g}")
    return round(share, 2)


def _skips(settings: Mapping[str, Any]) -> tuple[bool, ...]:
    layers = settings["layers"]
    return tuple(units == inputs for units, inputs in zip(layers, [len(settings["features"]), *layers], strict=False))


def _check_extras(settings: dict[str, Any]) -> None:
    norm, skip, layers = settings["norm"], settings["skip"], settings["layers"]
    if norm not in ("none", "batch"):
        raise LayerlabError(f'norm is {norm!r}; expected "none" or "batch"')
    if norm == "batch" and not layers:
        raise LayerlabError("batch normalisation without a hidden layer; give at least one layer, or norm none")
    if not isinstance(skip, bool | int) or (isinstance(skip, Real) and skip not in (0, 1)):
        raise LayerlabError(f"skip is {skip!r}; expected true or false")
    settings["skip"] = bool(skip)
    if skip and not any(_skips(settings)):
        raise LayerlabError(
            "no hidden layer is as wide as its input, so that no skip connection can be added; give two layers the"
            " same width, or skip false"
        )
