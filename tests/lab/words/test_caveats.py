"""Caveats: each key has its words in both languages, and an unknown one is told as it is."""

from __future__ import annotations

from typing import Any

import pytest
from lab_answers import several

from layerlab.lab.answer import Caveat
from layerlab.lab.words.caveats import caveat_text
from layerlab.lab.words.vocabulary import Vocabulary

ANSWER = several()
CAVEATS: list[tuple[str, dict[str, Any], str, str]] = [
    ("exploratory", {"seeds": 3}, "this is exploratory (3 seeds).", "to próba wstępna (3 ziarna)."),
    ("few-tuning", {"replicates": 2}, "(2 of each value).", "(na każdą wartość: 2)."),
    ("edge-of-grid", {"comparison": "at-tuned-rate", "arms": [{"arm": "activation=tanh", "tasks": ["xor"]}]},
     "At its own learning rate: the best value lies at the edge", "poza nią mogłaby być lepsza: „tanh” (alternatywa"),
    ("did-not-train", {"comparison": "at-tuned-rate", "arm": "activation=linear", "failed": 20, "runs": 20},
     "half or more of the runs of no activation did not train (20 of 20)", "w wariancie „bez aktywacji”"),
    ("some-failed", {"comparison": "named", "arm": "wide", "failed": 1, "runs": 20},
     "Of two shapes: some runs of one wide layer did not train (1 of 20)", "„jedna szeroka”"),
    ("unequal-budget", {"spread": {"parameters": [10, 2000]}}, "parameters from 10 to 2,000.", "parametry od 10 do 2"),
    ("target-never-reached", {"comparison": "named", "task": "xor", "arms": ["wide", "deep"]},
     "on the task exclusive or, no run reached the target: one wide layer, three narrow ones.", "„trzy wąskie”."),
    ("widened", {"factor": "learning_rate", "values": [0.01, 0.1, 1.0]},
     "The grid of the learning rate was widened", "sprawdzono: 0,01; 0,1; 1."),
    ("tasks-dropped", {"metric": "epochs_to_target", "tasks": ["xor"]},
     "The number of epochs to the target loss says nothing on these", "więc je pominięto: alternatywa wykluczająca."),
    ("one-data-set", {"tasks": ["circle", "xor"]}, "and for nothing else: circle, exclusive or.", "koło, alternatywa"),
    ("timing-noise", {}, "Times hold for this machine", "Czasy dotyczą tego komputera"),
    ("deadline", {"done": 7, "planned": 10}, "after 7 of 10 planned seeds.", "po 7 z 10 zaplanowanych ziaren."),
    ("epochs-cut", {"epochs": [30], "planned": [100]}, "fewer epochs than planned (100): 30.", "planowana: 100): 30."),
    ("stored-versions", {"versions": ["torch 2.9"]}, "by another version: torch 2.9.", "inna wersja: torch 2.9."),
    ("equal-by", {"comparison": "at-tuned-rate", "rule": "parameters",
                  "spread": {"parameters": [17, 18], "macs": [12, 16], "seconds_per_step": [1e-6, 3e-6]}},
     "equal in parameters from 17 to 18; in the other costs they differ: multiply-accumulates from 12 to 16,"
     " time of an update"
     " from 1.00", "mnożenia z dodawaniem od 12 do 16"),
    ("resolution", {"metric": "loss", "detectable": 0.031}, "a difference of 0.031 in the test loss", "różnica 0,031"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "values", "en", "pl"), CAVEATS, ids=[one[0] for one in CAVEATS])
def test_a_caveat_has_words(key: str, values: dict[str, Any], en: str, pl: str) -> None:
    caveat = Caveat(key, values)
    for language, part in (("en", en), ("pl", pl)):
        text = caveat_text(Vocabulary(ANSWER, language), caveat)
        assert part in text.replace("\u00a0", " "), text
        assert text[0].isupper() and text.endswith("."), text


def test_every_caveat_of_an_answer_has_words() -> None:
    assert {one.key for one in ANSWER.caveats} <= {one[0] for one in CAVEATS}


def test_an_unknown_caveat_is_told_as_it_is() -> None:
    text = caveat_text(Vocabulary(ANSWER, "en"), Caveat("sun-spots", {"count": 3}))
    assert text == 'Bear in mind: sun-spots {"count": 3}.'
