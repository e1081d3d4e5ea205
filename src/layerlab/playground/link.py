"""The link: a whole specification in the hash of an address, as TensorFlow Playground writes and reads it.

Its own keys come first, in its order. What it has not stands in keys of ours, which it ignores, and only where the
value is not the default; its own key then holds the nearest thing that it knows, so that it opens every link of ours.

| field | key of ours | TensorFlow Playground opens |
| --- | --- | --- |
| activation leaky_relu, maxout, elu | ownActivation=elu | activation=relu |
| dataset moons, rings, ... | ownDataset=moons | dataset=circle, spiral, xor |
| regression_dataset sine, points | ownRegDataset=sine | regDataset=reg-gauss, reg-plane |
| initialization glorot, he | initialization=he | initZero=false |
| activations | activations=relu,elu | activation alone |
| batch_normalization, skip | batchNormalization=1,0 | - |
| loss, classes, optimizer, dropout, schedule | the same names | - |
| schedule_epochs, weight_seed | scheduleEpochs, weightSeed | - |
| frozen | frozen=0.1.-1,2.0.0..3 (layer.unit.source or .first..last) | - |
| points | points=TEXT (see :mod:`layerlab.playground.packed_points`) | - |
| seed "" | emptySeed=true | a seed of its own choice |
| seed "a b" | ownSeed=a%20b | seed=a%20b, another seed: it decodes nothing |
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, unquote_to_bytes

from layerlab.errors import LayerlabError, did_you_mean
from layerlab.playground.packed_points import pack, unpack
from layerlab.playground.specification import (
    ACTIVATIONS,
    DATASETS,
    FEATURES,
    MAX_BATCH_SIZE,
    REGRESSION_DATASETS,
    Frozen,
    Point,
    Specification,
)

__all__ = ["MAX_LENGTH", "Link", "read_link", "specification_of", "write_link"]

MAX_LENGTH: Final = 400_000
"""Characters of a link; the longest that can be written has about 350,000 (every second weight frozen)."""


@dataclass(frozen=True)
class Link:
    """What a link says."""

    specification: Specification
    page: Mapping[str, str] = field(default_factory=dict)
    """Every key that is not the specification's, as given: the display's switches, ``<control>_hide``, unknown ones."""
    warnings: tuple[str, ...] = ()
    """One sentence for each thing in the link that is not understood and was left at its default."""


def read_link(text: str) -> Link:
    """Read a link as TensorFlow Playground does, and the keys of ours.

    Args:
        text: an address with a hash, or the hash alone, with or without ``#``.

    Raises:
        LayerlabError: a number that is none, or a network that cannot be.
    """
    if not isinstance(text, str):
        raise LayerlabError(f"a link is text, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise LayerlabError(f"the link has {len(text):,} characters; at most {MAX_LENGTH:,}")
    given = dict(_pairs(_hash_of(text)))
    warnings: list[str] = []
    changes = _classic_changes(given, warnings)
    for name, (own_field, read, _) in OWN.items():
        if given.get(name, "").strip():
            changes[own_field] = read(name, _decoded(given[name]))
    if _is_true(given, "emptySeed"):
        changes["seed"] = ""
    page = {name: _decoded(value) for name, value in given.items() if name not in KEYS}
    return Link(Specification(**changes), page, (*warnings, *_advice(text, given)))


def write_link(specification: Specification | Mapping[str, Any] | str, page: Mapping[str, str] | None = None) -> str:
    """Return the hash, without ``#``, that :func:`read_link` reads as this specification and page.

    Args:
        specification: what the link restores, in any form that :func:`specification_of` takes.
        page: further keys, such as the display's switches; one of the specification's own keys is left out.

    Raises:
        LayerlabError: no specification.
    """
    specification = specification_of(specification)
    written = {
        **_classic_values(specification),
        **{
            name: write(getattr(specification, own_field))
            for name, (own_field, _, write) in OWN.items()
            if _is_own(specification, own_field)
        },
        **({} if specification.seed else {"emptySeed": "true"}),
        **{name: str(value) for name, value in (page or {}).items() if name and name not in KEYS},
    }
    as_it_stands = {"seed"} if SEED.fullmatch(specification.seed) else set()
    return "&".join(
        f"{_encoded(name)}={value if name in as_it_stands else _encoded(value)}" for name, value in written.items()
    )


def specification_of(value: object) -> Specification:
    """Return the specification that is meant by a specification, a mapping of its fields, a link or a link's hash.

    Raises:
        LayerlabError: it is none of these, or a wrong one.
    """
    if isinstance(value, Specification):
        return value
    if isinstance(value, str):
        if value.strip() and not set(value) & set("=#") and not _is_address(value.strip()):
            raise LayerlabError(f'"{_short(value)}" is no link; expected key=value, such as dataset=spiral')
        return read_link(value).specification
    if isinstance(value, Mapping):
        return Specification.from_dict(value)
    raise LayerlabError(f"a specification, its fields or a link is expected, not {type(value).__name__}")


# TensorFlow Playground's keys


CHOICES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "activation": ("activation", ("relu", "tanh", "sigmoid", "linear")),
    "regularization": ("regularization", ("none", "L1", "L2")),
    "dataset": ("dataset", ("circle", "xor", "gauss", "spiral")),
    "regDataset": ("regression_dataset", ("reg-plane", "reg-gauss")),
    "problem": ("problem", ("classification", "regression")),
}
NUMBERS: Final = {
    "batchSize": "batch_size",
    "learningRate": "learning_rate",
    "regularizationRate": "regularization_rate",
    "percTrainData": "train_percent",
    "noise": "noise",
}
SWITCHES: Final = ("x", "y", "xTimesY", "xSquared", "ySquared", "cosX", "sinX", "cosY", "sinY")
"""The features, in the order in which a link has them."""
NEAREST: Final[Mapping[str, Mapping[str, str]]] = {
    "activation": {"leaky_relu": "relu", "maxout": "relu", "elu": "relu"},
    "dataset": {
        "three-spirals": "spiral",
        "checkerboard": "xor",
        "moons": "circle",
        "rings": "circle",
        "points": "circle",
    },
    "regDataset": {"sine": "reg-gauss", "points": "reg-plane"},
}
"""What it opens in place of a word that it does not know."""
OURS: Final[Mapping[str, Collection[str]]] = {
    "ownActivation": ACTIVATIONS,
    "ownDataset": DATASETS,
    "ownRegDataset": REGRESSION_DATASETS,
}
SEED: Final = re.compile(r"[!$%'()*+,./:;?@\w~-]+", re.ASCII)
"""A seed that a browser leaves as it stands in an address."""
DISPLAY: Final = ("showTestData", "discretize", "collectStats", "tutorial", "hideText")


def _classic_changes(given: Mapping[str, str], warnings: list[str]) -> dict[str, Any]:
    """Return the fields that its own keys set; a word that it does not know leaves the default, and a warning."""
    values = {name: _decoded(value.split("=")[0]) for name, value in given.items() if value.split("=")[0].strip()}
    changes: dict[str, Any] = {}
    for name, (target, known) in CHOICES.items():
        if name in values and values[name] in known:
            changes[target] = values[name]
        elif name in values:
            default = getattr(DEFAULT, target)
            own = next((own for own, (other, *_) in OWN.items() if other == target), None)
            ours = own is not None and values[name] in OURS[own]
            near = f"; write {own}={values[name]} for it" if ours else did_you_mean(values[name][:40], known)
            warnings.append(f'{name} "{_short(values[name])}" is not known, "{default}" taken instead{near}')
    for name, target in NUMBERS.items():
        if name in values:
            changes[target] = _number(name, values[name])
    if changes.get("batch_size", 0) > MAX_BATCH_SIZE:  # larger than any training set: it never learns
        changes["batch_size"] = MAX_BATCH_SIZE
    if "noise" in changes:
        noise = changes["noise"]
        changes["noise"] = 0.0 if noise < 0 else 50.0 if noise > 80 else noise
    if "networkShape" in given:
        changes["hidden_layers"] = _numbers("networkShape", values.get("networkShape", ""))
    if "seed" in values:
        changes["seed"] = given["seed"].split("=")[0]  # the key of the random numbers: as it stands
    if _is_true(given, "initZero"):
        changes["initialization"] = "zero"
    features = {name: name not in values or values[name] != "false" for name in SWITCHES if name in values}
    changes["features"] = tuple(name for name in FEATURES if features.get(name, name in DEFAULT.features))
    return changes


def _nearest(name: str, value: str) -> str:
    return NEAREST.get(name, {}).get(value, value)


def _classic_values(specification: Specification) -> dict[str, str]:
    """Return its own keys in its order, with the nearest value that it knows."""
    nearest = {name: _nearest(name, getattr(specification, target)) for name, (target, _) in CHOICES.items()}
    before = {"activation": nearest["activation"]}
    if specification.regularization != "none":
        before["regularization"] = specification.regularization
    return {
        **before,
        "batchSize": str(specification.batch_size),
        "dataset": nearest["dataset"],
        "regDataset": nearest["regDataset"],
        "learningRate": _number_text(specification.learning_rate),
        "regularizationRate": _number_text(specification.regularization_rate),
        "noise": _number_text(specification.noise),
        "networkShape": _list_text(specification.hidden_layers),
        **({"seed": specification.seed} if specification.seed else {}),
        "percTrainData": str(specification.train_percent),
        **{name: _flag_text(name in specification.features) for name in SWITCHES},
        "problem": specification.problem,
        "initZero": _flag_text(specification.initialization == "zero"),
    }


# Keys of ours: the field, how its text is read, how it is written


def _text(_: str, text: str) -> str:
    return text


def _texts(_: str, text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _number(name: str, text: str) -> float:
    """Read a number as JavaScript does."""
    text = text.strip()
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text):
        value = float(text)
        return int(value) if value.is_integer() else value  # an error shows 9 as 9
    if re.fullmatch(r"0([xX][0-9a-fA-F]{1,12}|[oO][0-7]{1,16}|[bB][01]{1,50})", text):
        return float(int(text, 0))
    raise LayerlabError(f'{name} "{_short(text)}" of the link is no number')


def _numbers(name: str, text: str) -> tuple[float, ...]:
    return tuple(_number(name, part) for part in text.split(",")) if text.strip() else ()


def _flags(name: str, text: str) -> tuple[bool, ...]:
    if not re.fullmatch("[01](,[01])*", text):
        raise LayerlabError(f'{name} "{_short(text)}" of the link is no list of 0 and 1')
    return tuple(part == "1" for part in text.split(","))


def _frozen(name: str, text: str) -> tuple[Frozen, ...]:
    found: list[Frozen] = []
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.(-1|[0-9]{1,3})(?:\.\.([0-9]{1,3}))?", part)
        if match is None:
            raise LayerlabError(
                f'{name} "{_short(part)}" of the link is not layer.unit.source or layer.unit.first..last'
            )
        layer, unit, first = map(int, match.groups()[:3])
        found += [(layer, unit, source) for source in range(first, int(match[4] or first) + 1)]
        if len(found) > MAX_FROZEN:
            raise LayerlabError(f"{name} of the link names more than {MAX_FROZEN:,} weights")
    return tuple(found)


def _frozen_text(frozen: Iterable[Frozen]) -> str:
    runs: list[list[int]] = []
    for layer, unit, source in frozen:
        if runs and runs[-1][:2] == [layer, unit] and runs[-1][3] == source - 1:
            runs[-1][3] = source
        else:
            runs.append([layer, unit, source, source])
    return ",".join(f"{a}.{b}.{first}" + (f"..{last}" if last > first else "") for a, b, first, last in runs)


def _points(_: str, text: str) -> tuple[Point, ...]:
    return unpack(text)


def _number_text(value: float) -> str:
    """Write a number as JavaScript does, but for those under a millionth, which it reads in either spelling."""
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(value)), "f") if abs(value) >= 1e-6 else repr(value)


def _list_text(values: Iterable[object]) -> str:
    return ",".join(map(str, values))


def _flags_text(values: Iterable[bool]) -> str:
    return ",".join("1" if value else "0" for value in values)


def _flag_text(value: bool) -> str:
    return "true" if value else "false"


MAX_FROZEN: Final = 50_000
DEFAULT: Final = Specification()
OWN: Final[Mapping[str, tuple[str, Callable[[str, str], Any], Callable[[Any], str]]]] = {
    "ownActivation": ("activation", _text, str),
    "ownDataset": ("dataset", _text, str),
    "ownRegDataset": ("regression_dataset", _text, str),
    "initialization": ("initialization", _text, str),
    "activations": ("activations", _texts, _list_text),
    "loss": ("loss", _text, str),
    "classes": ("classes", _number, str),
    "optimizer": ("optimizer", _text, str),
    "batchNormalization": ("batch_normalization", _flags, _flags_text),
    "skip": ("skip", _flags, _flags_text),
    "dropout": ("dropout", _number, _number_text),
    "frozen": ("frozen", _frozen, _frozen_text),
    "schedule": ("schedule", _text, str),
    "scheduleEpochs": ("schedule_epochs", _number, str),
    "points": ("points", _points, pack),
    "weightSeed": ("weight_seed", _text, str),
    "ownSeed": ("seed", _text, str),
}
KEYS: Final = frozenset((*CHOICES, *NUMBERS, *SWITCHES, "networkShape", "seed", "initZero", "emptySeed", *OWN))


def _is_own(specification: Specification, name: str) -> bool:
    """Tell whether its own keys cannot say a field's value."""
    value = getattr(specification, name)
    if name == "seed":
        return value != "" and SEED.fullmatch(value) is None
    known = dict(CHOICES.values()) | {"initialization": ("classic", "zero")}
    return value not in known[name] if name in known else value != getattr(DEFAULT, name)


# Text


def _hash_of(text: str) -> str:
    text = text.strip().replace("&amp;", "&")  # copied from the source of a page
    if "=" not in text and "%3D" in text.upper():
        text = _decoded(text)  # copied from the parameter of another address
    if "#" in text:
        return text.partition("#")[2]
    return "" if _is_address(text) else text


def _is_address(text: str) -> bool:
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield every key, decoded, with its value as it stands; of a key that comes twice the last value holds."""
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if name and equals:
            yield _decoded(name), value


def _is_true(given: Mapping[str, str], name: str) -> bool:
    value = given.get(name, "").split("=")[0]
    return bool(value.strip()) and value != "false"


def _advice(text: str, given: Mapping[str, str]) -> Iterator[str]:
    """Yield what a person should know who mistyped the link or a key of it."""
    if not given and text.strip().strip("#"):
        yield f'the link "{_short(text.strip())}" has no key=value after its #, so everything is at its default'
    unknown = [name for name in given if name not in KEYS and name not in DISPLAY and not name.endswith("_hide")]
    for name in unknown[:20]:
        near = difflib.get_close_matches(name[:40], KEYS, n=1, cutoff=0.8)
        if near:
            yield f'the link\'s key "{_short(name)}" is not known and was left out; did you mean "{near[0]}"?'


def _short(text: str) -> str:
    text = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:61])
    return text if len(text) <= 60 else f"{text[:57]}..."


def _decoded(text: str) -> str:
    """Undo percent-encoding; what is no UTF-8 stays as it is."""
    try:
        return unquote_to_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return text


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe=",.:/!*()@~;")
