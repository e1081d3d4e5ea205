"""Refuses comparisons that contradict themselves, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.lab.metrics import METRICS

if TYPE_CHECKING:
    from layerlab.lab.question import Comparison

__all__ = ["check_comparison"]

_OF_TWO_FACTORS: Final = ("pairs", "range", "grid")
_OF_VARIED_FACTORS: Final = ("trend", *_OF_TWO_FACTORS)
_LEVELS_OF_A_PAIR: Final = 2


def check_comparison(comparison: Comparison, where: str) -> None:
    """Refuse a comparison that contradicts itself. Raises LayerlabError, one sentence that begins with ``where``."""
    for complaint in _complaints(comparison):
        raise LayerlabError(f'"{where}": {complaint}')


def _complaints(comparison: Comparison) -> Iterator[str]:
    varied = {**comparison.vary, **comparison.subsets}
    if not (varied or comparison.arms):
        yield f'the comparison "{comparison.name}" varies nothing; give vary, subsets or arms'
    yield from _twice(comparison)
    yield from _metrics(comparison)
    if comparison.analysis in _OF_VARIED_FACTORS:
        yield from _of_varied_factors(comparison)
    if comparison.analysis == "sets" and (len(varied) != 1 or not comparison.subsets or comparison.arms):
        yield "an analysis of sets looks at the subsets of one factor and at nothing beside them"
    yield from _contrasts(comparison.contrasts)
    if comparison.tune_on and not comparison.tune:
        yield f'tune_on names "{comparison.tune_on}", but nothing is tuned'
    yield from _equal(comparison)


def _twice(comparison: Comparison) -> Iterator[str]:
    """Complain of a factor that has two roles, and of a value that a grid has twice."""
    own = {name for arm in comparison.arms for name in arm.factors}
    both = set(comparison.tune) & {*comparison.vary, *comparison.subsets, *comparison.hold, *own}
    if both:
        yield f"{min(both)} is tuned, and varied or held as well; choose one"
    if both := set(comparison.hold) & {*comparison.vary, *comparison.subsets}:
        yield f"{min(both)} is held and varied; choose one"
    if both := set(comparison.vary) & set(comparison.subsets):
        yield f"{min(both)} is in vary and in subsets; choose one"
    for name, grid in comparison.tune.items():
        for value in grid:
            if list(grid).count(value) > 1:
                yield f"tune.{name} has {value!r} twice"


def _metrics(comparison: Comparison) -> Iterator[str]:
    names = list(comparison.metrics)
    for name in names:
        if names.count(name) > 1:
            yield f'metrics has "{name}" twice'
    for name, smallest in comparison.smallest_difference.items():
        if name not in METRICS:
            yield f'smallest_difference: no metric "{name}"{did_you_mean(name, METRICS)}'
        elif name not in names:
            yield f'smallest_difference is given for "{name}", which is not measured ({", ".join(names)})'
        elif METRICS[name].scale == "log" and smallest <= 1:
            yield f"smallest_difference.{name} is {smallest:g}; of {name} it is a factor above 1, such as 1.1"


def _of_varied_factors(comparison: Comparison) -> Iterator[str]:
    factor, by, analysis = comparison.factor, comparison.by, comparison.analysis
    known = ", ".join(comparison.vary) or "none"
    if factor not in comparison.vary and (factor or analysis != "grid"):
        given = f'"{factor}"' if factor else "not given"
        yield f"the factor of a {analysis} is {given}; expected one of those that vary ({known})"
    if analysis in _OF_TWO_FACTORS and (by not in comparison.vary or by == factor):
        yield f'"by" must name a factor that varies ({known}), other than the factor itself'
    if comparison.arms or comparison.subsets:
        yield f"a {analysis} looks at the levels of factors in vary; arms and subsets have no place among them"
    if analysis in _OF_TWO_FACTORS and len(comparison.vary) > _LEVELS_OF_A_PAIR:
        yield f"a {analysis} looks at two factors, and {len(comparison.vary)} vary ({known}); hold the others"
    if analysis == "trend" and not _numbers(comparison.vary.get(factor, ())):
        yield f"a trend needs two or more different numbers; {factor} has {_listed(comparison.vary[factor])}"
    if analysis == "pairs" and len(comparison.vary[factor]) != _LEVELS_OF_A_PAIR:
        yield f"pairs compare two levels of {factor}, and it has {len(comparison.vary[factor])}"


def _numbers(levels: Sequence[Any]) -> bool:
    real = all(isinstance(level, Real) and not isinstance(level, bool) for level in levels)
    return real and len(set(levels)) > 1


def _listed(levels: Sequence[Any]) -> str:
    return ", ".join(map(str, levels))


def _contrasts(given: object) -> Iterator[str]:
    if isinstance(given, str):
        return
    expected = 'expected "all", "ends", "first" or a list of pairs of names, such as [["deep", "wide"]]'
    if isinstance(given, Mapping) or not isinstance(given, Sequence) or not given:
        yield f"contrasts is {given!r}; {expected}"
        return
    for pair in given:
        is_pair = isinstance(pair, Sequence) and not isinstance(pair, str) and len(pair) == _LEVELS_OF_A_PAIR
        if not is_pair or not all(isinstance(name, str) for name in pair):
            yield f"contrasts has {pair!r}; {expected}"
        elif pair[0] == pair[1]:
            yield f'contrasts compares "{pair[0]}" with itself'


def _equal(comparison: Comparison) -> Iterator[str]:
    equal = comparison.equal
    if equal is None:
        return
    if equal.rule == "seconds":
        if equal.by != "epochs" or equal.at is not None:
            yield 'equal seconds are reached by the epochs, those of the slowest arm; give the rule "seconds" alone'
        return
    if equal.at is not None and not 0 < equal.at < float("inf"):
        yield f"equal.at is {equal.at:g}; expected a number above 0"
    if equal.by in {*comparison.vary, *comparison.subsets, *comparison.tune}:
        yield f"equal: {equal.by} is solved for, and varied or tuned as well; choose one"
