"""A question of one's own, without a file: from arms, or from factors that vary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.contradictions import check_comparison
from layerlab.lab.metrics import metric_named
from layerlab.lab.question import RULES, ArmOf, Comparison, Equal, Question, Variant
from layerlab.values import read_value

__all__ = ["LEARNING_RATES", "arms_of", "changed", "compose", "engine_for", "rule_of"]

LEARNING_RATES: Final[Mapping[str, Sequence[float]]] = {
    "playground": (0.01, 0.03, 0.1, 0.3),
    "networks": (0.01, 0.03, 0.1, 0.3),
    "zoo": (0.0003, 0.001, 0.003),
}
"""The grid that a learning rate is tuned on unless another is given, by engine."""
_SHORT_RULES: Final = {"params": "parameters", "flops": "macs", "time": "seconds"}
_EPOCHS: Final = {"playground": 100, "networks": 20, "zoo": 3}
_MOST_FOR_ALL: Final = 4
_NUMERIC_LEVELS: Final = 3
"""So many levels of a numeric factor are a trend; fewer are contrasts."""


def engine_for(tasks: Sequence[str], factors: Mapping[str, Any]) -> str:
    """Return the engine that trains networks of these factors on these tasks.

    Raises:
        LayerlabError: tasks of two kinds.
    """
    from layerlab.lab.engines.playground_settings import TASKS

    two_d = [task for task in tasks if task in TASKS]
    if two_d and len(two_d) < len(tasks):
        other = next(task for task in tasks if task not in TASKS)
        raise LayerlabError(f'"{two_d[0]}" is a two-dimensional task and "{other}" is not; ask of one kind at a time')
    if two_d:
        return "playground"
    return "zoo" if "model" in factors else "networks"


def rule_of(equal: str, varied: Iterable[str]) -> Equal:
    """Return the rule of a name; the width is solved for, and where that varies the depth.

    Args:
        equal: ``parameters``, ``macs`` or ``seconds``, or a shorter name of one.
        varied: factors that vary.

    Raises:
        LayerlabError: no rule of this name, or nothing is left to solve for.
    """
    rule = _SHORT_RULES.get(equal, equal)
    if rule not in RULES:
        raise LayerlabError(f'equal "{equal}"{did_you_mean(str(equal), RULES)}')
    if rule == "seconds":
        return Equal(rule, "epochs")
    taken = set(varied)
    if "width" in taken and taken & {"depth", "layers"}:
        raise LayerlabError(
            f"equal {rule} solves for the width or the depth, and both vary; vary one of them, or leave it out"
        )
    return Equal(rule, "depth" if "width" in taken else "width")


def arms_of(given: Mapping[str, Any] | Sequence[str]) -> list[ArmOf]:
    """Return arms: names with factors, or texts (``resnet20:width=0.5``, ``depth=4+width=8``)."""
    if isinstance(given, str):
        raise LayerlabError(f"the arms are {given!r}; expected a list of names, or a mapping from names to factors")
    if isinstance(given, Mapping):
        for name, factors in given.items():
            if not isinstance(factors, Mapping):
                raise LayerlabError(f'the arm "{name}" is {factors!r}; expected a mapping of its factors')
        return [ArmOf(str(name), dict(factors)) for name, factors in given.items()]
    return [ArmOf(str(text), _arm_factors(str(text))) for text in given]


def _arm_factors(text: str) -> dict[str, Any]:
    factors: dict[str, Any] = {}
    for part in text.split("+"):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and value) or ":" in name:
            from layerlab.zoo import list_models
            from layerlab.zoo.spec import zoo_name

            if zoo_name(text) is not None:
                return {"model": text}

            raise LayerlabError(
                f'the arm "{text}" is no network of the zoo{did_you_mean(text, list_models())} (factors are written'
                " depth=4+width=8)"
            )
        factors[name] = read_value(value)
    return factors


def compose(
    title: str,
    *,
    name: str = "sweep",
    tasks: Sequence[str],
    arms: Sequence[ArmOf] = (),
    vary: Mapping[str, Sequence[Any]] | None = None,
    hold: Mapping[str, Any] | None = None,
    tune: Mapping[str, Sequence[float]] | None = None,
    equal: Equal | None = None,
    metric: str | None = None,
    seeds: int = 10,
) -> Question:
    """Return the question whether arms, or levels of factors, differ.

    Args:
        title: of the question, in the person's own words.
        name: under which it is kept.
        tasks: data sets.
        arms: by name, or
        vary: factor -> levels; with three or more numbers it is a trend.
        hold: factors that all share.
        tune: factor -> grid; None: the learning rate, unless it is varied or held.
        equal: what all arms have the same of.
        metric: that decides; default: held-out loss, of images the accuracy.
        seeds: replicates.

    Raises:
        LayerlabError: what was given contradicts itself.
    """
    hold, vary = dict(hold or {}), {key: list(levels) for key, levels in (vary or {}).items()}
    engine = engine_for(tasks, {**hold, **vary, **(arms[0].factors if arms else {})})
    known = {*hold, *vary, *(factor for arm in arms for factor in arm.factors)}
    if tune is None:
        tune = {} if "learning_rate" in known else {"learning_rate": LEARNING_RATES[engine]}
    tune = {factor: list(grid) or list(LEARNING_RATES[engine]) for factor, grid in tune.items()}
    if not {"epochs"} & known:
        hold["epochs"] = _EPOCHS[engine]
    numeric = [
        factor
        for factor, levels in vary.items()
        if len(levels) >= _NUMERIC_LEVELS and all(_is_number(level) for level in levels)
    ]
    decides = metric or ("loss" if engine == "playground" else "accuracy")
    metric_named(decides)
    comparison = Comparison(
        name="sweep",
        title={},
        vary=vary,
        arms=list(arms),
        hold=hold,
        equal=equal,
        tune=tune,
        metrics=[decides],
        analysis="trend" if numeric and not arms else "contrasts",
        factor=numeric[0] if numeric and not arms else "",
        contrasts=_planned(arms),
        figure="curve" if numeric and not arms else "points",
    )
    check_comparison(comparison, name)
    variant = Variant(engine, list(tasks), [comparison], seeds, 3 if engine == "playground" else 2)
    return Question(name, {"en": title, "pl": title}, [variant])


def _held_with(hold: Mapping[str, Any], own: set[str]) -> dict[str, Any]:
    """Return what arms with these factors still share; a network that is named keeps its own width and image size."""
    left = {name: value for name, value in hold.items() if name not in own}
    if "model" not in own:
        return left
    from layerlab.lab.engines.zoo_settings import TRAINING

    return {name: value for name, value in left.items() if name in (*TRAINING, "target")}


def changed(
    variant: Variant,
    *,
    arms: Sequence[ArmOf] = (),
    metric: str | None = None,
    nuisance: Mapping[str, Sequence[float]] | None = None,
    fixed: Mapping[str, Any] | None = None,
    equal: Equal | None = None,
) -> Variant:
    """Return a variant of a question with other arms, metric, grids, held factors or rule."""
    found = []
    for one in variant.comparisons:
        comparison = one
        if arms:
            same = {name for arm in arms for name in arm.factors}
            comparison = replace(
                comparison,
                vary={},
                subsets={},
                arms=list(arms),
                hold=_held_with(one.hold, same),
                analysis="contrasts",
                factor="",
                by="",
                contrasts=_planned(arms),
                tune_on="",
                figure="points",
                equal=None if one.equal is None or one.equal.by in same else one.equal,
            )
        if metric is not None:
            metric_named(metric)
            comparison = replace(comparison, metrics=[metric, *(m for m in one.metrics if m != metric)])
        if nuisance is not None:
            comparison = replace(comparison, tune={name: list(grid) for name, grid in nuisance.items()})
        if fixed:
            comparison = replace(
                comparison,
                hold={**comparison.hold, **fixed},
                tune={name: grid for name, grid in comparison.tune.items() if name not in fixed},
            )
        if equal is not None:
            comparison = replace(comparison, equal=equal)
        check_comparison(comparison, one.name)
        found.append(comparison)
        if arms:
            break  # the others would be the same arms once more
    return replace(variant, comparisons=found)


def _planned(arms: Sequence[ArmOf]) -> str | list[list[str]]:
    """Return the contrasts of arms that a person names: of a few all pairs, of more each with the first."""
    if len(arms) == 2:
        return [[arms[0].name, arms[1].name]]
    return "all" if 2 < len(arms) <= _MOST_FOR_ALL else "first"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
