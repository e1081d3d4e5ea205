"""The twelve questions: each can be designed on every kind of task; every mistake in a file is told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from layerlab.errors import LayerlabError
from layerlab.lab import Experiment
from layerlab.lab.design import Design, make_design
from layerlab.lab.question import LANGUAGES, Question, Variant, list_questions, question, read_question
from layerlab.lab.words import check_words

ROOT = Path(__file__).parents[2]
NAMES = (
    "size-and-speed",
    "which-features",
    "learning-rate-and-activation",
    "batch-split-noise",
    "deeper-or-wider",
    "too-large-or-too-small",
    "does-skip-matter",
    "does-batch-norm-matter",
    "average-pooling-or-flatten",
    "separable-or-full",
    "which-activation",
    "max-or-average-pooling",
)
VARIANTS = [(name, variant) for name in NAMES for variant in question(name).variants]
EXAMPLES = [ROOT / "examples" / name for name in ("my_question.toml", "depth_on_digits.toml")]


def test_there_are_twelve_in_the_order_of_the_lecture() -> None:
    assert tuple(list_questions()) == NAMES


@pytest.mark.parametrize("name", [*NAMES, *map(str, EXAMPLES)])
def test_both_languages_are_complete(name: str) -> None:
    asked = question(name)
    texts = [asked.title]
    for variant in asked.variants:
        for comparison in variant.comparisons:
            texts += [comparison.title, *(arm.label for arm in comparison.arms)]
    for text in texts:
        assert set(text) == set(LANGUAGES)
        assert text["en"] != text["pl"]
    assert set(asked.words["en"]) == set(asked.words["pl"])
    check_words(asked.words)


@pytest.mark.parametrize("name", [*NAMES, *map(str, EXAMPLES)])
def test_what_comes_next_can_be_asked(name: str) -> None:
    for line in question(name).next:
        command, following, *_ = line.split()
        assert command == "ask"
        assert following in NAMES
        if on := re.search(r"--on (\w+)", line):
            known = {task for variant in question(following).variants for task in variant.tasks}
            assert on[1] in known | {"moons"}


def on(variant: Variant) -> str:
    return f"on-{variant.engine}"


@pytest.mark.parametrize(("name", "variant"), VARIANTS, ids=[f"{name}-{on(variant)}" for name, variant in VARIANTS])
def test_every_design_can_be_made(name: str, variant: Variant) -> None:
    design = make_design(question(name), variant)
    assert design.seeds == 10
    for plan in design.plans:
        measured = plan.comparison.metrics
        assert set(plan.comparison.smallest_difference) >= set(measured) or plan.comparison.analysis in (
            "grid",
            "range",
        )
        _check_equal(design, plan.comparison.name)


def _check_equal(design: Design, name: str) -> None:
    plan = next(one for one in design.plans if one.comparison.name == name)
    if plan.comparison.equal is None or plan.comparison.equal.rule == "seconds":
        return
    costs = [getattr(arm, plan.comparison.equal.rule) for arm in plan.arms]
    assert max(costs) <= 1.2 * min(costs)  # each within a tenth of the budget


@pytest.mark.parametrize("name", NAMES[:8])
def test_planned_contrasts_are_few_enough_for_ten_seeds(name: str) -> None:
    # The smallest exact p of ten pairs is 2 / 1024; with 25 contrasts no correction of Holm's leaves any below 5 %.
    asked = question(name)
    design = make_design(asked, asked.variants[0])
    planned = 0
    for plan in design.plans:
        kind, varied = plan.comparison.analysis, plan.comparison.vary
        if kind == "contrasts":
            planned += len(plan.arms) - 1
        elif kind == "pairs":
            planned += len(varied[plan.comparison.by])
        elif kind == "trend":
            planned += len(plan.arms) // len(varied[plan.comparison.factor])
    assert planned <= 20


def test_the_first_six_are_in_the_lectures_words() -> None:
    assert [question(name).title["pl"] for name in NAMES[:6]] == [
        "Jak wielkość sieci wpływa na szybkość trenowania?",
        "Czy można różnymi cechami rozwiązać to samo zadanie?",
        "Co robi learning rate albo funkcja aktywacji?",
        "Co się stanie, gdy zmienimy batch size, podział danych lub dodamy szum?",
        "Co jest bardziej korzystne: zwiększenie neuronów w warstwach czy liczby warstw?",
        "Czy lepiej wziąć za dużą sieć, czy za małą?",
    ]


def test_a_named_network_keeps_its_own_width_and_image_size(tmp_path: Path) -> None:
    asked = Experiment("does-skip-matter", arms=["resnet20", "plain20"], on="mnist5k", folder=tmp_path)
    for arm in asked.design.plans[0].arms:
        assert set(arm.factors) == {"model", "epochs", "batch_size"}


@pytest.mark.parametrize("name", ["average-pooling-or-flatten", "separable-or-full", "max-or-average-pooling"])
def test_a_budget_of_the_first_arm_goes_with_larger_images(name: str, tmp_path: Path) -> None:
    design = Experiment(name, on="mnist5k", folder=tmp_path).design
    for plan in design.plans:
        _check_equal(design, plan.comparison.name)


def test_a_question_of_ones_own_is_answered(tmp_path: Path) -> None:
    answer = Experiment(EXAMPLES[0], seeds=8, folder=tmp_path / "run", workers=1).run()
    assert answer.question == "which-start"
    assert [finding.metric for finding in answer.findings] == ["loss", "epochs_to_target"]
    contrasts = answer.findings[1].content["contrasts"]
    assert [one["verdict"]["winner"] for one in contrasts] == ["a", "a"]  # small first weights make a slow start


@pytest.mark.slow
def test_eight_plain_layers_on_digits_did_not_train(tmp_path: Path) -> None:
    answer = Experiment(EXAMPLES[1], folder=tmp_path / "run").run()
    own, shared = answer.findings
    assert own.content["contrasts"][1]["verdict"]["reason"] == "did-not-train"
    assert own.content["contrasts"][1]["verdict"]["kind"] == "unfair"
    advantages = [one["difference"] for one in shared.content["contrasts"]]
    assert max(advantages) - min(advantages) > 0.1  # what 1 and 4 layers differ by is the learning rate's doing


def test_adding_a_question_of_the_same_design_runs_nothing_twice(tmp_path: Path) -> None:
    first = Experiment(EXAMPLES[0], seeds=2, folder=tmp_path / "run", workers=1)
    again = Experiment(EXAMPLES[0], seeds=2, folder=tmp_path / "run", workers=1)
    assert first.run().findings == again.run().findings
    assert first.design.hash == again.design.hash


# ---- mistakes

FILE = """
name = "mine"
[title]
en = "Mine?"
pl = "Moje?"
[[variant]]
engine = "playground"
tasks = ["circle"]
[[variant.comparison]]
name = "one"
vary = { depth = [1, 2] }
tune = { learning_rate = [0.03, 0.1] }
metrics = ["loss"]
"""
COMPARISON = '"mine.toml: variant 1: comparison 1"'


def swap(old: str, new: str) -> Callable[[str], str]:
    assert old in FILE
    return lambda text: text.replace(old, new)


def add(line: str) -> Callable[[str], str]:
    return lambda text: f"{text}{line}\n"


def top(line: str) -> Callable[[str], str]:
    return lambda text: f"{line}\n{text}"


def design_of(text: str) -> list[Design]:
    asked = read_question(text, "mine.toml")
    return [make_design(asked, variant) for variant in asked.variants]


def test_the_file_without_a_mistake_is_read() -> None:
    assert [design.trials for design in design_of(FILE)] == [32]


MISTAKES: dict[str, tuple[Callable[[str], str], str]] = {
    "no TOML": (swap("[title]", "[title"), '"mine.toml" is not TOML'),
    "entry": (top("colour = 1"), '"mine.toml" has an unknown entry "colour"; known: name, next, order, title'),
    "entry of a comparison": (
        add("metric = 'loss'"),
        f'{COMPARISON} has an unknown entry "metric"; did you mean "metr',
    ),
    "entry of a variant": (swap("tasks", "seed = 3\ntasks"), 'unknown entry "seed"; did you mean "seeds"?'),
    "no title": (swap('[title]\nen = "Mine?"\npl = "Moje?"\n', ""), '"mine.toml" has no "title"'),
    "empty title": (swap('en = "Mine?"\npl = "Moje?"\n', ""), "title is empty; expected a text for en or pl"),
    "title in French": (swap("en = ", "fr = "), 'title is in "fr"; known: en, pl'),
    "name": (swap('"mine"', "3"), '"mine.toml": name is 3; expected a text'),
    "words in German": (add("[words.de]\nbetter = 'x'"), '"mine.toml: words" has an unknown entry "de"'),
    "words": (top("words = 'x'"), "words is 'x'; expected a table"),
    "key of words": (add("[words.en]\nbeter = 'x'"), 'words.en.beter is no key of words; did you mean "better"?'),
    "placeholder": (add("[words.en]\nbetter = '{c}'"), "words.en.better has the unknown placeholder {c}"),
    "no variant": (lambda text: text[: text.index("[[")], '"mine.toml" has no "variant"'),
    "engine": (swap('"playground"', '"playgroud"'), 'engine "playgroud"; did you mean "playground"?'),
    "no tasks": (swap('["circle"]', "[]"), '"mine.toml: variant 1": tasks is an empty list; expected at least one'),
    "task": (swap('"circle"', '"cirlce"'), 'the playground has no task "cirlce"; did you mean "circle"?'),
    "tasks": (swap('["circle"]', '"circle"'), "tasks is 'circle'; expected a list of texts"),
    "no seed": (swap("tasks", "seeds = 0\ntasks"), "seeds is 0; expected at least 1"),
    "seeds": (swap("tasks", "seeds = 100000\ntasks"), "seeds is 100000; expected a whole number from 1 to 1,000"),
    "nothing varies": (swap("vary = { depth = [1, 2] }\n", ""), "varies nothing; give vary, subsets or arms"),
    "no level": (swap("[1, 2]", "[]"), "vary.depth is an empty list"),
    "levels": (swap("[1, 2]", "2"), "vary.depth is 2; expected a table of lists"),
    "one arm": (swap("[1, 2]", "[2]"), 'the comparison "one" has one arm, "depth=2"; expected at least two'),
    "a level twice": (swap("[1, 2]", "[2, 2]"), 'two arms are called "depth=2"; each needs a name of its own'),
    "factor": (swap("depth", "dept"), 'the playground has no factor "dept"; did you mean "depth"?'),
    "too deep": (swap("[1, 2]", "[1, 9]"), "depth 9 is out of range; expected 0 to 8"),
    "metric": (swap('["loss"]', '["los"]'), f'{COMPARISON}: no metric "los"; did you mean "loss"?'),
    "a metric twice": (swap('["loss"]', '["loss", "loss"]'), 'metrics has "loss" twice'),
    "tuned and varied": (swap("depth = [1, 2]", "learning_rate = [1, 2]"), "tuned, and varied or held as well"),
    "held and varied": (add("hold = { depth = 3 }"), "depth is held and varied; choose one"),
    "varied and a subset": (add("subsets = { depth = [1] }"), "depth is in vary and in subsets; choose one"),
    "grid": (swap("[0.03, 0.1]", "['a']"), "learning rate is 'a'; expected a number from 0 to 1000"),
    "a value twice": (swap("[0.03, 0.1]", "[0.1, 0.1]"), "tune.learning_rate has 0.1 twice"),
    "analysis": (add("analysis = 'trends'"), 'analysis "trends"; did you mean "trend"?'),
    "trend of nothing": (add("analysis = 'trend'"), "the factor of a trend is not given; expected one of those that v"),
    "trend of words": (
        lambda text: (
            text.replace("depth = [1, 2]", "activation = ['relu', 'elu']")
            + "analysis = 'trend'\nfactor = 'activation'\n"
        ),
        "a trend needs two or more different numbers; activation has relu, elu",
    ),
    "trend of arms": (
        add("analysis = 'trend'\nfactor = 'depth'\narm = [{ name = 'z', factors = { depth = 3 } }]"),
        "arms and subsets have no place among them",
    ),
    "pairs without by": (add("analysis = 'pairs'\nfactor = 'depth'"), '"by" must name a factor that varies (depth)'),
    "pairs of three": (
        lambda text: (
            text.replace("[1, 2]", "[1, 2, 3], width = [2, 3]") + "analysis = 'pairs'\nfactor = 'depth'\nby = 'width'\n"
        ),
        "pairs compare two levels of depth, and it has 3",
    ),
    "a third factor": (
        lambda text: (
            text.replace("[1, 2]", "[1, 2], width = [2, 3], noise = [0, 9]")
            + "analysis = 'grid'\nfactor = 'depth'\nby = 'width'\n"
        ),
        "looks at two factors, and 3 vary (depth, width, noise); hold the others",
    ),
    "sets of nothing": (add("analysis = 'sets'"), "an analysis of sets looks at the subsets of one factor"),
    "contrasts": (add("contrasts = 'last'"), 'contrasts "last"; known: all, ends, first'),
    "contrasts of a number": (add("contrasts = 3"), "contrasts is 3; expected"),
    "no pairs": (add("contrasts = ['depth=2', 'depth=1']"), "contrasts has 'depth=2'; expected"),
    "with itself": (add("contrasts = [['depth=1', 'depth=1']]"), 'contrasts compares "depth=1" with itself'),
    "no such arm": (add("contrasts = [['depth=1', 'depth=3']]"), 'names "depth=3", which is no arm'),
    "tuned on no arm": (add("tune_on = 'depth=3'"), 'tune_on names "depth=3", which is no arm (depth=1, depth=2)'),
    "nothing tuned": (
        lambda text: text.replace("tune = { learning_rate = [0.03, 0.1] }", "tune_on = 'depth=1'"),
        'tune_on names "depth=1", but nothing is tuned',
    ),
    "difference": (add("smallest_difference = { los = 1 }"), 'no metric "los"; did you mean "loss"?'),
    "negative difference": (add("smallest_difference = { loss = -1 }"), "smallest_difference.loss is -1; expected a n"),
    "unmeasured": (add("smallest_difference = { gap = 1 }"), '"gap", which is not measured (loss)'),
    "no factor above 1": (
        lambda text: text.replace('"loss"', '"epochs_to_target"') + "smallest_difference = { epochs_to_target = 0.9 }",
        "smallest_difference.epochs_to_target is 0.9; of epochs_to_target it is a factor above 1",
    ),
    "rule": (add("equal = { rule = 'flops' }"), 'rule "flops"; known: macs, parameters, seconds'),
    "budget": (add("equal = { at = 'many' }"), "at is 'many'; expected a number"),
    "negative budget": (add("equal = { at = -4 }"), "equal.at is -4; expected a number above 0"),
    "equal by what varies": (add("equal = { by = 'depth' }"), "depth is solved for, and varied or tuned as well"),
    "seconds by width": (add("equal = { rule = 'seconds', by = 'width' }"), 'give the rule "seconds" alone'),
    "cannot be built": (
        add("equal = { at = 5000 }"),
        'the arm "depth=1" cannot be built at 5,000 parameters: the nearest, width 32, has 129; choose another budget',
    ),
    "figure": (add("figure = 'pie'"), 'figure "pie"; known: curve, heat, lattice, points'),
    "two of a name": (lambda text: text + text[text.index("[[variant.c") :], 'two comparisons are called "one"'),
    "nameless arm": (add("arm = [{ factors = { depth = 3 } }]"), 'arm 1" has no "name"'),
    "next": (top("next = [3]"), "next is 3; expected a list of texts"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(mistake: str) -> None:
    change, expected = MISTAKES[mistake]
    with pytest.raises(LayerlabError) as caught:
        design_of(change(FILE))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_name_that_nearly_is(tmp_path: Path) -> None:
    with pytest.raises(LayerlabError, match=r"cannot read the question .*: No such file"):
        question(tmp_path / "none.toml")
    with pytest.raises(LayerlabError, match='no question "deeper-or-wide"; did you mean "deeper-or-wider"'):
        question("deeper-or-wide")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(LayerlabError, match="it is no UTF-8 text"):
        question(tmp_path / "bytes.toml")


def test_one_language_is_enough_for_a_question_of_ones_own() -> None:
    asked: Any = read_question(FILE.replace('pl = "Moje?"\n', ""), "mine.toml")
    assert isinstance(asked, Question)
    assert asked.title == {"en": "Mine?"}
