"""Sentences from numbers: each verdict in both languages, its direction, its evidence, and no word of the other."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from lab_answers import EVERY, TWO, answer_of, over_depth, over_sets, several, two_arms

from layerlab.errors import LayerlabError
from layerlab.lab.answer import Answer
from layerlab.lab.words import headline, sentences, verdict_line
from layerlab.lab.words.terminal import text_table
from layerlab.lab.words.vocabulary import Vocabulary

both = pytest.mark.parametrize("language", ["en", "pl"])


def findings(answer: Answer, language: str = "en") -> list[str]:
    return [one.text for one in sentences(answer, language) if one.kind == "finding"]


@pytest.mark.parametrize(
    ("kind", "en", "pl"),
    [
        ("better", "With tanh, the test loss is 0.104 lower than with ReLU (95 % interval 0.091 to 0.117; 10 seeds).",
         "W wariancie „tanh” strata testowa jest mniejsza o 0,104 niż w wariancie „ReLU” (95-procentowy"
         " przedział od 0,091 do"
         " 0,117; 10 ziaren)."),
        ("share", "With tanh, the test accuracy is 9.6 percentage points higher than with ReLU (95 % interval"
         " 8.3 to 10.9;"
         " 10 seeds).",
         "W wariancie „tanh” dokładność testowa jest większa o 9,6 punktu procentowego niż w wariancie „ReLU”"
         " (95-procentowy"
         " przedział od 8,3 do 10,9; 10 ziaren)."),
        ("ratio", "With tanh, the target loss is reached 2.08 times as fast, in epochs, as with ReLU (95 %"
         " interval 1.82 to"
         " 2.37; 10 seeds).",
         "W wariancie „tanh” sieć osiąga stratę docelową 2,08 raza szybciej, licząc w epokach, niż w wariancie „ReLU”"
         " (95-procentowy przedział od 1,82 do 2,37; 10 ziaren)."),
        ("equivalent", "tanh and ReLU are equivalent: the test loss differs by less than the smallest difference"
         " that matters"
         " (0.02) (10 seeds).",
         "Warianty „tanh” i „ReLU” są równoważne: strata testowa różni się mniej, niż wynosi najmniejsza"
         " różnica, która ma"
         " znaczenie (0,02) (10 ziaren)."),
        ("exploratory", "Exploratory, so that nothing is decided between tanh and ReLU: the mean difference in"
         " the test loss"
         " is 0.112 in favour of tanh; to decide takes about 3 more seeds (3 seeds).",
         "Próba wstępna, więc między wariantami „tanh” i „ReLU” niczego nie rozstrzygnięto (strata testowa,"
         " średnia różnica:"
         " 0,112 na korzyść wariantu „tanh”); do rozstrzygnięcia potrzeba jeszcze około 3 ziaren (3 ziarna)."),
        ("unfair", "Not a fair test of tanh against ReLU: did not train: tanh (80 % of the runs) (10 seeds).",
         "To nie jest uczciwe porównanie wariantów „tanh” i „ReLU”: sieci, które niczego się nie nauczyły:"
         " „tanh” (80% prób)"
         " (10 ziaren)."),
        ("turns", "As the number of hidden layers grows, the test loss falls and then rises; it is lowest with 4"
         " hidden layers"
         " (10 seeds).",
         "Gdy rośnie liczba warstw ukrytych, strata testowa najpierw maleje, a potem rośnie; wartość"
         " najmniejsza: 4 warstwy"
         " ukryte (10 ziaren)."),
        ("pairs", "With skip connections, the test loss is better than with no skip connections from 6 hidden"
         " layers on.",
         "Wariant „z połączeniami skrótowymi” jest lepszy niż wariant „bez połączeń skrótowych” (strata testowa)"
         " od poziomu:"
         " 6 warstw ukrytych."),
        ("sets", "On 1 of 3 tasks, several different sets solve the same task, none of them containing another.",
         "W 1 z 3 zadań to samo zadanie rozwiązuje kilka różnych zbiorów, z których żaden nie zawiera innego."),
    ],
)  # fmt: skip
def test_a_headline_says_what_was_found(kind: str, en: str, pl: str) -> None:
    answer = EVERY[kind]()
    assert headline(answer, "en").replace("\u00a0", " ") == en
    assert headline(answer, "pl").replace("\u00a0", " ") == pl


def test_the_other_direction_has_the_other_words() -> None:
    text = headline(two_arms(-0.1))
    assert text.startswith("With ReLU, the test loss is 0.096 lower than with tanh (")
    low, high = map(float, re.findall(r"interval ([\d.]+) to ([\d.]+)", text)[0])
    assert 0.07 < low < 0.096 < high < 0.12
    assert headline(two_arms(0.5, spread=0.1, metric="epochs_to_target")).startswith(
        "With ReLU, the target loss is reached"
    )
    rises = {1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4}
    assert "rises with" in headline(over_depth(rises))
    falls = headline(over_depth({depth: 0.5 - value for depth, value in rises.items()}))
    assert "each doubling of the number of hidden layers lowers the test loss by" in falls
    low, high = map(float, re.findall(r"interval ([\d.]+) to ([\d.]+)", falls)[0])
    assert 0.08 < low < 0.1 < high < 0.12


def test_a_turn_that_does_not_matter_is_none() -> None:
    assert "does not change" in headline(EVERY["flat"]())
    up = over_depth({1: 0.110, 2: 0.1, 4: 0.2, 8: 0.4}, spread=0.002)
    assert not up.findings[0].content["trends"][0]["trend"]["turns"]
    assert "rises with" in headline(up)


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("edge", "a tuned value is best at the edge of its grid"),
        ("peak", "rises and then falls; it is highest with 4 hidden layers"),
        ("steps", "each increase of the number of hidden layers by 1 lowers the test loss by 0.1"),
        ("lost", "half or more of the runs did not train with 2 hidden layers, 4 hidden layers, 8 hidden layers"),
        ("all-pairs", "3 of 3 comparisons of the test loss show a difference that matters; the clearest: with"),
        (
            "no-pair",
            "No comparison of the test loss, of 3, shows a difference that matters: equivalent: tanh against",
        ),
        ("nothing", "No run has ended yet"),
    ],
)
def test_what_is_rare_has_its_words_too(kind: str, part: str) -> None:
    assert part in headline(EVERY[kind]())


def test_levels_that_did_not_train_are_named_and_not_in_the_slope() -> None:
    [text, *_] = findings(EVERY["one-lost"]())
    assert "left out, as half or more of the runs did not train: 8 hidden layers" in text
    assert "raises the test loss by 0.10" in text or "raises the test loss by 0.09" in text


def test_a_finding_carries_its_evidence() -> None:
    [text, *_] = findings(two_arms(0.1, failed=1))
    for part in ("means", "difference", "95 % interval", "n = 10", "exact p = 0.057", "better in", "of the pairs",
                 "did not train: tanh (10 % of the runs)"):  # fmt: skip
        assert part in text.replace("\u00a0", " "), part
    [text, *_] = findings(two_arms(0.1))
    assert "exact p = 0.002" in text
    assert "every run trained" in text


def test_several_contrasts_are_told_against_what_they_share() -> None:
    text = headline(several())
    assert text.startswith("At its own learning rate: the test loss, each against ReLU: better: tanh (")
    assert "equivalent: ELU" in text and "not a fair test: no activation" in text and "worse: sigmoid" in text
    assert verdict_line(several()) == "better: 1; worse: 1; equivalent: 1; not a fair test: 1"


def test_every_task_is_told() -> None:
    said = findings(EVERY["tasks"]())
    assert any(text.startswith("By task, tanh against ReLU:") and "exclusive or" in text for text in said)
    assert any("mean of the middle half of the runs" in text for text in said)


def test_the_smallest_sets_are_named() -> None:
    assert findings(over_sets()) == [
        "The smallest sets that solve the task circle: {X₁, X₂} or {X₁², X₂²}.",
        "The smallest sets that solve the task two clouds: {X₁}.",
        "No set solves the task exclusive or.",
    ]


def test_times_say_how_they_were_measured() -> None:
    text = findings(over_depth({1: 1e-6, 2: 2e-6, 4: 4e-6, 8: 8e-6}, spread=0, metric="seconds_per_step"))[0]
    assert "timed in turns, one arm after the other" in text
    assert "did not train" not in text


def test_an_answer_so_far_says_so() -> None:
    assert headline(EVERY["so-far"](), "pl").startswith("Na razie: w wariancie „tanh”")


@both
@pytest.mark.parametrize("kind", list(EVERY))
def test_every_kind_of_answer_is_told_whole(kind: str, language: str) -> None:
    answer = EVERY[kind]()
    again = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    said = sentences(again, language)
    assert said == sentences(answer, language)
    assert said[0] == type(said[0])("headline", headline(answer, language))
    kinds = {"headline", "design"} | ({"finding"} if answer.findings else set())
    assert {one.kind for one in said} == kinds | ({"caveat"} if answer.complete else set())
    for one in said:
        assert one.text[-1] in ".", one.text
        assert not one.text[0].islower() or one.text.startswith("tanh"), one.text
        assert "{" not in one.text or kind == "sets", one.text
        assert "None" not in one.text and "nan" not in one.text.lower().split(), one.text
    assert verdict_line(answer, language)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{3,}", text.lower()))


def test_polish_has_no_english_word() -> None:
    folder = files("layerlab.lab.words")
    english, polish = (json.loads((folder / f"{one}.json").read_text("utf-8")) for one in ("en", "pl"))
    bare = {one: re.sub(r"{[^}]*}", "", " ".join(texts.values())) for one, texts in (("en", english), ("pl", polish))}
    only_english = words_of(bare["en"]) - words_of(bare["pl"])
    assert len(only_english) > 200
    for kind, make in EVERY.items():
        answer = make()
        text = text_table(answer, "pl") + " ".join(one.text for one in sentences(answer, "pl"))
        lines = [line for line in text.splitlines() if not line.startswith("  layerlab ")]
        assert not words_of(" ".join(lines)) & only_english, kind


def test_both_languages_have_the_same_texts() -> None:
    def keys(language: str) -> set[str]:
        texts = json.loads((files("layerlab.lab.words") / f"{language}.json").read_text("utf-8"))
        return {re.sub(r"\.(one|few|many|other|genitive|accusative)$", "", key) for key in texts}

    assert keys("en") == keys("pl")


def test_a_question_words_its_own_answer() -> None:
    words = """
[words.en]
better = "the {metric} likes {a} more than {b}"
"comparison-1.equivalent" = "all the same"
level-activation-tanh = "the soft one"
metric-loss = "error"
[words.pl]
better = "lepiej z {a}"
factor-activation = "rodzaj"
"""
    answer = two_arms(0.1, words=words)
    assert headline(answer).startswith("The error likes the soft one more than ReLU (95")
    assert headline(answer, "pl").startswith("Lepiej z „tanh” (")
    assert headline(two_arms(0.0, spread=0.005, words=words)).startswith("All the same (")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('better = "with {c}"', '"synthetic.toml": words.en.better has the unknown placeholder {c}'),
        ('better = "with {a.__class__}"', "unknown placeholder {a.__class__}"),
        ('better = "with {a!r}"', "expected a bare name in braces"),
        ('better = "with {a"', "its braces do not match"),
        ('beter = "with {a}"', 'words.en.beter is no key of words; did you mean "better"'),
        ('level-depth = "{n} deep"', "unknown placeholder {n}; known: value"),
    ],
)
def test_words_that_cannot_be_said_are_refused(line: str, complaint: str) -> None:
    with pytest.raises(LayerlabError) as refused:
        headline(two_arms(0.1, words=f"[words.en]\n{line}\n"))
    assert complaint in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(LayerlabError, match='no language "de"'):
        headline(two_arms(0.1), "de")


def test_levels_have_the_engine_s_names() -> None:
    answer = over_depth({1: 0.1, 2: 0.2, 4: 0.3, 8: 0.4})
    assert Vocabulary(answer, "pl").level("depth", 5) == "5 warstw ukrytych"
    zoo = Answer(**{**vars(answer), "engine": "zoo"})
    assert Vocabulary(zoo, "en").level("depth", 20) == "depth 20"
    assert Vocabulary(zoo, "pl").factor("depth", "genitive") == "głębokości"
    assert Vocabulary(zoo, "pl").level("growth_rate", 12) == "growth_rate 12"
    assert Vocabulary(zoo, "pl").level("bottleneck", True) == "bottleneck: tak"


def test_an_infinite_advantage_is_no_number() -> None:
    def runs(factors: dict, task: str, replicate: int) -> tuple[dict[str, float | None], str]:  # type: ignore[type-arg]
        reached = factors["activation"] == "tanh"
        return {"loss": 0.1, "epochs_to_target": 10.0 + replicate if reached else None}, ""

    answer = answer_of(TWO.replace("METRIC", "epochs_to_target"), runs)
    assert headline(answer).startswith("With tanh, the target loss is reached in most runs, unlike with ReLU")
    assert headline(answer, "pl").startswith(
        "W wariancie „tanh” sieć zwykle osiąga stratę docelową, inaczej niż w wariancie"
    )
