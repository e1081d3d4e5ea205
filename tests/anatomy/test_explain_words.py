"""English and Polish: the same phrases, the same numbers, no word of the one in the other."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from string import Formatter

import pytest
import torch
from torch import nn

from layerlab import layers
from layerlab.anatomy import Anatomy, dissect, explain
from layerlab.anatomy.explain.words import LANGUAGES, note_phrase, words_of
from layerlab.errors import LayerlabError
from layerlab.zoo import create, model_info

WORD = re.compile(r"[^\W\d_]{2,}")
# What both languages write alike: functions and letters of formulas, names that the field does not translate.
_SYMBOLS = """
    floor ceil max min mean sum var sqrt exp ln tanh sigmoid softmax sign gamma beta alpha phi sigma eps hat running
    head ih hh hr ii hi if hf ig hg io ho ir iz in hn hz
    batch bias depthwise pointwise one hot torch attention dilation instance normalization SELU relu MAC Phi
"""
SYMBOLS = set(_SYMBOLS.split())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_languages_have_the_same_phrases_with_the_same_blanks(language: str) -> None:
    words, english = words_of(language), words_of("en")
    assert list(words) == list(english)
    for key, phrase in words.items():
        blanks = sorted(name for _, name, _, _ in Formatter().parse(phrase) if name is not None)
        assert blanks == sorted(name for _, name, _, _ in Formatter().parse(english[key]) if name is not None), key


def test_every_phrase_is_used_and_every_phrase_that_is_used_is_there() -> None:
    sources = "".join(path.read_text() for path in Path(explain.__file__).parent.glob("*.py"))
    quoted = set(re.findall(r'"([^"\n]*)"', sources))
    made = ("pool.max.window", "pool.mean.window", "pad.", "embedding.", "recurrent.biases-")  # of parts
    unused = [key for key in words_of("en") if key not in quoted and not key.startswith(made)]
    assert unused == []
    told = set(re.findall(r'(?:say|aside|Phrase|equation)\(\s*"([^"\n]+)"', sources))
    assert told - set(words_of("en")) == set()


def test_polish_phrases_hold_no_english() -> None:
    """No word of the English phrases is in the Polish ones, but for symbols and names."""
    english = {word.lower() for phrase in words_of("en").values() for word in WORD.findall(_without_blanks(phrase))}
    symbols = {word.lower() for word in SYMBOLS} | {"to", "do", "same", "on", "map", "gradient"}  # words of both
    left = {}
    for key, phrase in words_of("pl").items():
        polish = {word.lower() for word in WORD.findall(_without_blanks(phrase))}
        left[key] = polish & english - symbols
    assert {key: words for key, words in left.items() if words} == {}


def _without_blanks(phrase: str) -> str:
    return re.sub(r"\{\w+\}", "", phrase)


class Attends(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.attention(x, x, x)[0]


class Odd(nn.Module):
    """Called twice, shared, tied, frozen, never called, used without a call."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.never, self.frozen = (nn.Linear(4, 4) for _ in range(4))
        self.again, self.silent = self.one, nn.Linear(4, 4)
        self.two.weight = self.one.weight
        self.frozen.requires_grad_(False)
        self.silent.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.frozen(self.one(self.two(self.one(x))))
        return x @ self.silent.weight + self.silent.bias


ZOO = ("alexnet_2012", "lenet5", "resnet20", "googlenet_cifar", "densenet_bc_40_12", "mobilenet_v2_025",
       "mobilenet_v3_small_025", "mobilenet_v1_025", "xception_cifar", "lecture_cnn", "inception_v3")  # fmt: skip
OTHERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "odd": (Odd(), (4,)),
    "lstm": (nn.LSTM(16, 8, 2, bidirectional=True, proj_size=4, batch_first=True), (10, 16)),
    "gru": (nn.GRU(16, 8, batch_first=True), (10, 16)),
    "rnn": (nn.RNN(16, 8, batch_first=True), (10, 16)),
    "attention": (Attends(), (10, 16)),
    "transformer": (nn.TransformerEncoderLayer(16, 4, batch_first=True), (10, 16)),
    "norms": (nn.Sequential(nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(5), nn.RMSNorm(5)), (4, 5, 5)),
    "sizes": (nn.Sequential(nn.ZeroPad2d(1), nn.ReflectionPad2d(1), nn.Upsample(scale_factor=2), nn.PixelUnshuffle(2),
                            nn.PixelShuffle(2), nn.Unfold(3), layers.Crop([(1, 0)])), (4, 6, 6)),
    "activations": (nn.Sequential(*(layers.activation(name) for name in layers.activation_names() if name != "maxout"),
                                  nn.GLU(1), nn.Threshold(1, 2)), (4, 6, 6)),
    "vector": (nn.Sequential(nn.Embedding(11, 4), nn.Flatten(), nn.Dropout(), nn.AlphaDropout(), nn.BatchNorm1d(24),
                             layers.MaxoutLinear(24, 6, 3), nn.Softmin(1)), (6,)),
    "separable": (layers.SeparableConv2d(4, 8, 3, padding="same"), (4, 6, 6)),
    "transposed": (nn.ConvTranspose2d(4, 8, 3, 2, groups=2), (4, 6, 6)),
}  # fmt: skip


@cache
def anatomy_of(name: str) -> Anatomy:
    """Return the anatomy of a network of the zoo or of the others."""
    if name in OTHERS:
        return dissect(*OTHERS[name])
    with torch.device("meta"):
        model = create(name)
    return dissect(model, model_info(name).input_shape)


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_no_english_is_left_in_a_polish_explanation(name: str) -> None:
    """Every word is of the Polish table, a symbol, or a name of the network."""
    known = set(WORD.findall(" ".join(words_of("pl").values()))) | SYMBOLS
    anatomy = anatomy_of(name)
    for layer in (anatomy.root, *anatomy.layers):
        known |= set(WORD.findall(f"{layer.kind} {layer.path} {' '.join(own.name for own in layer.own_parameters)}"))
    known |= {word for operation in anatomy.operations for word in WORD.findall(operation.name)}
    for layer in (anatomy.root, *anatomy.layers):
        for line in anatomy.explain(layer.path, "pl").lines:
            assert set(WORD.findall(line)) <= known, line


@pytest.mark.parametrize("name", [*ZOO, *OTHERS])
def test_both_languages_have_the_same_numbers_and_formulas(name: str) -> None:
    anatomy = anatomy_of(name)
    for layer in (anatomy.root, *anatomy.layers):
        english, polish = (anatomy.explain(layer.path, language) for language in LANGUAGES)
        assert english.title == polish.title
        for one, other in zip(english.lines, polish.lines, strict=True):
            assert len(one) - len(one.lstrip()) == len(other) - len(other.lstrip())
            assert Counter(re.findall(r"\d[\d,.]*\d|\d", one)) == Counter(re.findall(r"\d[\d,.]*\d|\d", other))
            equation = re.compile(r" = ([-+*/() .,\w]+ = )?\d[\d,/]*(?= \(|$)")
            assert equation.findall(one) == equation.findall(other)


def test_a_line_in_both_languages() -> None:
    anatomy = dissect(nn.Conv2d(1, 64, 3), (1, 28, 28))
    assert "parameters = 3*3*1*64 + 64 = 640" in anatomy.explain("").lines
    polish = anatomy.explain("", "pl").lines
    assert "parametry = 3*3*1*64 + 64 = 640" in polish
    assert "wyjście = floor((28 + 2*0 - 3)/1) + 1 = 26" in polish
    assert "pole recepcyjne = 1 + (3 - 1)*1 = 3" in polish
    assert "krok = 1*1 = 1" in polish
    assert polish[-1].startswith("gdyby to była warstwa w pełni połączona, wagi = 784*43,264 = 33,918,976 (wobec 576: ")


def test_the_notes_of_a_record_are_polish_too() -> None:
    anatomy = anatomy_of("odd")
    said = {line for layer in anatomy.layers for line in anatomy.explain(layer.path, "pl").lines}
    for line in (
        "liczba wywołań: 2",
        "ten sam moduł co „one”: jego parametry są policzone tam",
        "jego weight to „one.weight” i jest policzone tam",
        "zamrożony: jego parametry nie są uczone",
        "częściowo zamrożony: nie wszystkie parametry są uczone",
        "nigdy niewywołany",
        "jego parametry są używane bez jego wywołania",
    ):
        assert line in said


def test_a_note_that_is_not_known_stays_as_it_is() -> None:
    assert note_phrase("something new") == "something new"


def test_another_language_is_refused_in_one_sentence() -> None:
    with pytest.raises(LayerlabError, match=r'^explanations are written in "en" or "pl", not in "de"$'):
        dissect(nn.Linear(2, 2), (2,)).explain("", "de")
