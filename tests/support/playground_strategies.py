"""Specifications of the playground as hypothesis draws them: any, or those that TensorFlow Playground has itself."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from layerlab.playground.specification import (
    ACTIVATIONS,
    DATASETS,
    FEATURES,
    INITIALIZATIONS,
    OPTIMIZERS,
    REGRESSION_DATASETS,
    REGULARIZATIONS,
    SCHEDULES,
    Specification,
)

__all__ = ["classic_specifications", "seeds", "specifications"]

seeds = st.one_of(
    st.integers(0, 99999).map(lambda n: f"0.{n:05d}"),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=12),
)


@st.composite
def specifications(
    draw: st.DrawFn, *, most_layers: int = 3, most_units: int = 6, most_points: int = 20, **fixed: Any
) -> Specification:
    """Draw any specification, all features in any combination, small enough to be trained a few steps.

    Args:
        draw: given by hypothesis.
        most_layers: hidden layers at most.
        most_units: units of a hidden layer at most.
        most_points: own points at most.
        fixed: fields that are not drawn.
    """

    def pick(name: str, values: st.SearchStrategy[Any]) -> Any:
        return fixed[name] if name in fixed else draw(values)

    layers = tuple(pick("hidden_layers", st.lists(st.integers(1, most_units), max_size=most_layers)))

    def per_layer(values: st.SearchStrategy[Any]) -> tuple[Any, ...]:
        return tuple(draw(st.one_of(st.just([]), st.lists(values, min_size=len(layers), max_size=len(layers)))))

    problem = pick("problem", st.sampled_from(["classification", "classification", "regression"]))
    dataset = pick("dataset", st.sampled_from(sorted(DATASETS)))
    classes = pick("classes", st.sampled_from(DATASETS[dataset])) if problem == "classification" else 2
    regression_dataset = pick("regression_dataset", st.sampled_from(REGRESSION_DATASETS))
    drawn = {
        "problem": problem,
        "dataset": dataset,
        "regression_dataset": regression_dataset,
        "classes": classes,
        "train_percent": draw(st.integers(1, 99)),
        "noise": draw(st.sampled_from([0, 5, 25, 50, 80]) | st.floats(0, 80)),
        "batch_size": draw(st.integers(1, 40)),
        "features": tuple(draw(st.sets(st.sampled_from(FEATURES)))),
        "hidden_layers": layers,
        "activation": draw(st.sampled_from(ACTIVATIONS)),
        "activations": per_layer(st.sampled_from(ACTIVATIONS)),
        "learning_rate": draw(st.sampled_from([0.00001, 0.003, 0.03, 0.1, 1, 10])),
        "regularization": draw(st.sampled_from(REGULARIZATIONS)),
        "regularization_rate": draw(st.sampled_from([0, 0.001, 0.03, 0.3, 3])),
        "initialization": draw(st.sampled_from(INITIALIZATIONS)),
        "seed": draw(seeds),
        "weight_seed": draw(st.just("") | seeds),
        "loss": "mse" if problem == "regression" else draw(st.sampled_from(["mse", "cross-entropy"])),
        "optimizer": draw(st.sampled_from(OPTIMIZERS)),
        "batch_normalization": per_layer(st.booleans()),
        "skip": per_layer(st.booleans()),
        "dropout": draw(st.sampled_from([0, 0, 0.2, 0.5])),
        "schedule": draw(st.sampled_from(SCHEDULES)),
        "schedule_epochs": draw(st.integers(1, 200)),
        "points": draw(own_points(problem, classes, most_points)) if "points" in (dataset, regression_dataset) else (),
    }
    plain = Specification(**{**drawn, **fixed})
    if "frozen" in fixed:
        return plain
    return plain.replace(frozen=draw(st.just(()) | st.lists(_weights(plain), max_size=6).map(tuple)))


def own_points(problem: str, classes: int, most: int) -> st.SearchStrategy[list[tuple[float, float, float]]]:
    """Draw points of one's own, one at least, with labels that suit the problem."""
    coordinate = st.floats(-6, 6)
    labels = [-1.0, 1.0] if classes == 2 else [float(label) for label in range(classes)]
    label = st.sampled_from(labels) if problem == "classification" else st.floats(-1, 1) | st.floats(-1e6, 1e6)
    return st.lists(st.tuples(coordinate, coordinate, label), min_size=1, max_size=most)


@st.composite
def _weights(draw: st.DrawFn, specification: Specification) -> tuple[int, int, int]:
    layer = draw(st.integers(0, len(specification.hidden_layers)))
    unit = draw(st.integers(0, specification.units[layer] - 1))
    return layer, unit, draw(st.integers(-1, specification.fan_in[layer] - 1))


@st.composite
def classic_specifications(draw: st.DrawFn, *, most_layers: int = 3, most_units: int = 8) -> Specification:
    """Draw a specification that TensorFlow Playground has itself."""
    return Specification(
        problem=draw(st.sampled_from(["classification", "regression"])),
        dataset=draw(st.sampled_from(["circle", "xor", "gauss", "spiral"])),
        regression_dataset=draw(st.sampled_from(["reg-plane", "reg-gauss"])),
        train_percent=draw(st.sampled_from([10, 20, 50, 80, 90])),
        noise=draw(st.sampled_from([0, 5, 15, 25, 50, 80])),
        batch_size=draw(st.integers(1, 30) | st.sampled_from([300, 449])),
        features=tuple(draw(st.sets(st.sampled_from(FEATURES)))),
        hidden_layers=tuple(draw(st.lists(st.integers(1, most_units), max_size=most_layers))),
        activation=draw(st.sampled_from(["relu", "tanh", "sigmoid", "linear"])),
        learning_rate=draw(st.sampled_from([0.00001, 0.001, 0.01, 0.03, 0.1, 0.3])),
        regularization=draw(st.sampled_from(REGULARIZATIONS)),
        regularization_rate=draw(st.sampled_from([0, 0.001, 0.01, 0.1, 0.3])),
        initialization=draw(st.sampled_from(["classic", "classic", "classic", "zero"])),
        seed=draw(seeds),
    )
