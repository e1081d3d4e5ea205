"""Numbers in words: decimals, signs, units and plural forms of both languages."""

from __future__ import annotations

import pytest

from layerlab.lab.words.numbers import Numbers, decimals_for
from layerlab.lab.words.vocabulary import plural

EN, PL = Numbers("en"), Numbers("pl")


@pytest.mark.parametrize(
    ("value", "en", "pl"),
    [
        (0.12345, "0.123", "0,123"),
        (0.0099996, "0.0100", "0,0100"),
        (12.345, "12.3", "12,3"),
        (1234.5, "1,234", "1\u00a0234"),
        (-0.5, "\u22120.500", "\u22120,500"),
        (0.0, "0", "0"),
        (None, "∞", "∞"),
    ],
)
def test_three_digits_tell(value: float | None, en: str, pl: str) -> None:
    assert (EN.significant(value), PL.significant(value)) == (en, pl)


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert EN.fixed(-0.0004, 2) == "0.00"


@pytest.mark.parametrize(("scale", "decimals"), [(0.05, 3), (5.0, 1), (500.0, 0), (0.0, 2), (1e-12, 6)])
def test_decimals_follow_the_size(scale: float, decimals: int) -> None:
    assert decimals_for(scale) == decimals


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3.2e-6, "3.20 µs"),
        (0.0123, "12.3 ms"),
        (1.5, "1.50 s"),
        (90.0, "90.0 s"),
        (600.0, "10.0 min"),
        (9e3, "2.50 h"),
    ],
)
def test_times_have_the_unit_that_suits(seconds: float, text: str) -> None:
    assert EN.seconds(seconds) == text.replace(" ", "\u00a0")


def test_shares_that_are_not_quite_all_are_not_rounded_to_all() -> None:
    assert [EN.percent(one) for one in (0.0, 0.004, 0.5, 0.996, 1.0)] == [
        one.replace(" ", "\u00a0") for one in ("0 %", "0.4 %", "50 %", "99.6 %", "100 %")
    ]
    assert PL.percent(0.125) == "12%"


def test_small_probabilities_are_bounded() -> None:
    assert [EN.probability(p) for p in (0.0001, 0.0234, 1.0)] == ["< 0.001", "= 0.023", "= 1"]


def test_plain_numbers_stay_as_they_were_given() -> None:
    assert [PL.plain(one) for one in (0.03, 1, 10.0, 1e-5)] == ["0,03", "1", "10", "1e-05"]


@pytest.mark.parametrize(
    ("count", "form"),
    [(0, "many"), (1, "one"), (2, "few"), (4, "few"), (5, "many"), (12, "many"), (14, "many"), (22, "few"),
     (112, "many"), (1.5, "other")],
)  # fmt: skip
def test_polish_nouns_have_four_forms(count: float, form: str) -> None:
    assert plural("pl", count) == form
    assert plural("en", count) == ("one" if count == 1 else "other")
