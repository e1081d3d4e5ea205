from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playground_strategies import specifications

from layerlab.errors import LayerlabError
from layerlab.playground.link import KEYS, MAX_LENGTH, read_link, specification_of, write_link
from layerlab.playground.packed_points import pack, unpack
from layerlab.playground.specification import FEATURES, Specification

CLASSIC_ORDER = [
    "activation",
    "regularization",
    "batchSize",
    "dataset",
    "regDataset",
    "learningRate",
    "regularizationRate",
    "noise",
    "networkShape",
    "seed",
    "percTrainData",
    "x",
    "y",
    "xTimesY",
    "xSquared",
    "ySquared",
    "cosX",
    "sinX",
    "cosY",
    "sinY",
    "problem",
    "initZero",
]
texts = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12)


def complaint(text: str) -> str:
    with pytest.raises(LayerlabError) as error:
        read_link(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def read(text: str) -> Specification:
    link = read_link(text)
    assert link.warnings == ()
    return link.specification


def as_tensorflow_playground_reads(link_hash: str) -> dict[str, str]:
    """Return the keys and values that its reader sees: cut at ``&`` and ``=``, nothing decoded."""
    return dict(pair.split("=")[:2] for pair in link_hash.split("&"))


# What comes back is what went in


@given(specifications(most_layers=8, most_units=32, most_points=60))
def test_a_link_restores_any_specification(specification: Specification) -> None:
    link = read_link(write_link(specification))
    assert link.specification == specification
    assert link.page == {}
    assert link.warnings == ()


@given(specifications(), st.dictionaries(texts, st.text(st.characters(exclude_categories=()), max_size=12), max_size=5))
@example(
    Specification(),
    {"__proto__": "x", "constructor": "&=#%", "seed": "7", "noise_hide": "true", " ": "\ud800", "é😀": ""},
)
def test_a_link_restores_the_page_as_given(specification: Specification, page: dict[str, str]) -> None:
    link = read_link("#" + write_link(specification, page))
    assert link.page == {name: value for name, value in page.items() if name not in KEYS}
    assert link.specification == specification


@given(
    specifications(), st.sampled_from(["https://playground.tensorflow.org/#", "http://127.0.0.1:8321/?a=b&c=1#", "#"])
)
def test_an_address_is_read_by_its_hash(specification: Specification, before: str) -> None:
    assert read(before + write_link(specification)) == specification


@given(specifications(), st.text(max_size=100), st.text(max_size=100))
def test_any_seed_survives(specification: Specification, seed: str, weight_seed: str) -> None:
    changed = specification.replace(seed=seed, weight_seed=weight_seed)
    assert read(write_link(changed)) == changed


# What TensorFlow Playground sees


@given(specifications())
def test_it_sees_only_words_and_numbers_that_it_knows(specification: Specification) -> None:
    seen = as_tensorflow_playground_reads(write_link(specification))
    assert seen["activation"] in ("relu", "tanh", "sigmoid", "linear")
    assert seen.get("regularization", "L1") in ("L1", "L2")
    assert seen["dataset"] in ("circle", "xor", "gauss", "spiral")
    assert seen["regDataset"] in ("reg-plane", "reg-gauss")
    assert seen["problem"] == specification.problem
    assert [name for name in seen if name in CLASSIC_ORDER] == [name for name in CLASSIC_ORDER if name in seen]
    for name, value in (
        ("batchSize", specification.batch_size),
        ("learningRate", specification.learning_rate),
        ("regularizationRate", specification.regularization_rate),
        ("percTrainData", specification.train_percent),
        ("noise", specification.noise),
    ):
        assert float(seen[name]) == value
    assert [int(part) for part in seen["networkShape"].split(",") if part] == list(specification.hidden_layers)
    assert tuple(name for name in FEATURES if seen[name] == "true") == specification.features


def test_a_default_link_is_written_as_it_writes_it() -> None:
    assert write_link(Specification()) == (
        "activation=tanh&batchSize=10&dataset=circle&regDataset=reg-plane&learningRate=0.03&regularizationRate=0&noise=0"
        "&networkShape=4,2&seed=0.5&percTrainData=50&x=true&y=true&xTimesY=false&xSquared=false&ySquared=false"
        "&cosX=false&sinX=false&cosY=false&sinY=false&problem=classification&initZero=false"
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.00001, "0.00001"), (10, "10"), (0.1, "0.1"), (1e-7, "1e-07"), (0.0, "0"), (123.25, "123.25")],
)
def test_numbers_are_spelled_as_in_javascript(number: float, text: str) -> None:
    assert f"&learningRate={text}&" in write_link(Specification(learning_rate=number))


@pytest.mark.parametrize(
    ("fields", "classic", "own"),
    [
        ({"activation": "leaky_relu"}, "activation=relu", "ownActivation=leaky_relu"),
        ({"activation": "maxout"}, "activation=relu", "ownActivation=maxout"),
        ({"dataset": "moons"}, "dataset=circle", "ownDataset=moons"),
        ({"dataset": "three-spirals", "classes": 3}, "dataset=spiral", "ownDataset=three-spirals&classes=3"),
        ({"dataset": "checkerboard"}, "dataset=xor", "ownDataset=checkerboard"),
        ({"problem": "regression", "regression_dataset": "sine"}, "regDataset=reg-gauss", "ownRegDataset=sine"),
        ({"initialization": "zero"}, "initZero=true", ""),
        ({"initialization": "he"}, "initZero=false", "initialization=he"),
        ({"activations": ("relu", "elu")}, "activation=tanh", "activations=relu,elu"),
        ({"batch_normalization": (True, False)}, "networkShape=4,2", "batchNormalization=1,0"),
        ({"loss": "cross-entropy"}, "problem=classification", "loss=cross-entropy"),
        ({"optimizer": "adamw", "schedule": "step"}, "learningRate=0.03", "optimizer=adamw&schedule=step"),
        ({"dropout": 0.25, "skip": (0, 1)}, "networkShape=4,2", "skip=0,1&dropout=0.25"),
        ({"frozen": ((0, 0, -1), (0, 0, 0), (0, 0, 1), (1, 1, 2))}, "noise=0", "frozen=0.0.-1..1,1.1.2"),
        ({"seed": ""}, "noise=0", "emptySeed=true"),
        ({"seed": "a%20b"}, "seed=a%20b", ""),
        ({"seed": "a b"}, "seed=a%20b", "ownSeed=a%20b"),
        ({"seed": "ż&="}, "seed=%C5%BC%26%3D", "ownSeed=%C5%BC%26%3D"),
        ({"schedule_epochs": 7, "weight_seed": "7"}, "seed=0.5", "scheduleEpochs=7&weightSeed=7"),
    ],
)
def test_what_it_has_not_stands_beside_the_nearest_that_it_has(fields: dict[str, Any], classic: str, own: str) -> None:
    specification = Specification(**fields)
    written = write_link(specification)
    assert classic in written.split("&")
    assert written.partition("&initZero=")[2].partition("&")[2] == own
    assert read(written) == specification


# What its reader accepts


def test_nothing_given_is_the_default() -> None:
    assert read("") == read("#") == read(" \n") == Specification()


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("networkShape=", {"hidden_layers": ()}),
        ("networkShape", {}),
        ("networkShape=8, 8,8", {"hidden_layers": (8, 8, 8)}),
        ("seed=&learningRate=&noise= ", {}),
        ("x=false&y=&sinX=yes&cosY=0", {"features": ("y", "sinX", "cosY")}),
        ("x=false&y=false", {"features": ()}),
        ("x=False", {}),
        ("initZero=true", {"initialization": "zero"}),
        ("initZero=false", {}),
        ("initZero=", {}),
        ("initZero=no", {"initialization": "zero"}),
        ("regularization=none", {}),
        ("regularization=L1&regularizationRate=.01", {"regularization": "L1", "regularization_rate": 0.01}),
        ("noise=-5", {"noise": 0}),
        ("noise=55", {"noise": 55}),
        ("noise=80", {"noise": 80}),
        ("noise=81", {"noise": 50}),
        ("noise=1e400", {"noise": 50}),
        ("batchSize=0x10", {"batch_size": 16}),
        ("batchSize=1e1&batchSize=3", {"batch_size": 3}),
        ("learningRate=0.03=7", {}),
        ("seed=a=b", {"seed": "a"}),
        ("seed=0.5%30", {"seed": "0.5%30"}),
        ("seed= 1", {"seed": " 1"}),
        ("seed=1&ownSeed=a%20b", {"seed": "a b"}),
        ("ownSeed=%", {"seed": "%"}),
        ("ownSeed=%FF", {"seed": "%FF"}),
        ("networkShape=3%2C3", {"hidden_layers": (3, 3)}),
        ("&&=&a&=b&", {}),
        ("problem=regression&regDataset=reg-gauss", {"problem": "regression", "regression_dataset": "reg-gauss"}),
        ("percTrainData=90", {"train_percent": 90}),
        ("batchSize=1001", {"batch_size": 1001}),
        ("batchSize=1e9", {"batch_size": 2000}),
        ("activation=relu&amp;dataset=xor", {"activation": "relu", "dataset": "xor"}),
        ("https%3A%2F%2Fplayground.tensorflow.org%2F%23dataset%3dxor%26noise%3D5", {"dataset": "xor", "noise": 5}),
        ("noise%3D5", {"noise": 5}),
    ],
)
def test_its_syntax(text: str, fields: dict[str, Any]) -> None:
    assert read_link(text).specification == Specification(**fields)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "activation=swish",
            'activation "swish" is not known, "tanh" taken instead; known: linear, relu, sigmoid, tanh',
        ),
        ("activation=elu", 'activation "elu" is not known, "tanh" taken instead; write ownActivation=elu for it'),
        ("dataset=moons", 'dataset "moons" is not known, "circle" taken instead; write ownDataset=moons for it'),
        ("dataset=constructor", 'dataset "constructor" is not known, "circle" taken instead; known: '),
        ("regularization=l1", 'regularization "l1" is not known, "none" taken instead; did you mean "L1"?'),
        ("problem=ranking", 'problem "ranking" is not known, "classification" taken instead; known: '),
        ("regDataset=plane", 'regDataset "plane" is not known, "reg-plane" taken instead; did you mean "reg-plane"?'),
        (
            "learningrate=3",
            'the link\'s key "learningrate" is not known and was left out; did you mean "learningRate"?',
        ),
        ("circle", 'the link "circle" has no key=value after its #, so everything is at its default'),
        ("https://playground.tensorflow.org/", "has no key=value after its #, so everything is at its default"),
    ],
)
def test_what_it_does_not_know_stays_at_its_default_and_is_said(text: str, warning: str) -> None:
    link = read_link(text)
    assert link.specification == Specification()
    assert len(link.warnings) == 1
    assert warning in link.warnings[0]


def test_a_key_of_ours_wins_over_its_neighbour() -> None:
    assert read("ownActivation=elu&activation=relu").activation == "elu"
    assert read("initialization=he&initZero=true").initialization == "he"


def test_keys_of_the_page_are_kept_as_given() -> None:
    text = "showTestData=true&noise_hide=true&tutorial=%C5%BC%26&hideText=&collectStats=false&mine=a=b&seed=1"
    page = {
        "showTestData": "true",
        "noise_hide": "true",
        "tutorial": "ż&",
        "hideText": "",
        "collectStats": "false",
        "mine": "a=b",
    }
    link = read_link(text)
    assert link.page == page
    assert link.warnings == ()
    assert read_link(write_link(link.specification, link.page)) == link


def test_a_page_cannot_change_the_specification() -> None:
    page = {"seed": "7", "networkShape": "1", "points": "cAAAA", "": "x"}
    assert write_link(Specification(), page) == write_link(Specification())


# Mistakes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learningRate=fast", 'learningRate "fast" of the link is no number'),
        ("learningRate=NaN", 'learningRate "NaN" of the link is no number'),
        ("learningRate=Infinity", 'learningRate "Infinity" of the link is no number'),
        ("learningRate=1_000", 'learningRate "1_000" of the link is no number'),
        ("learningRate=٣", 'learningRate "٣" of the link is no number'),
        ("learningRate=1e400", "learning rate is inf; expected a number from 0 to 1000"),
        ("learningRate=-1", "learning rate is -1; expected a number from 0 to 1000"),
        ("batchSize=2.5", "batch size is 2.5; expected a whole number from 1 to 2000"),
        ("networkShape=4,,2", 'networkShape "" of the link is no number'),
        ("networkShape=4;2", 'networkShape "4;2" of the link is no number'),
        ("networkShape=1,2,3,4,5,6,7,8,9", "9 hidden layers; at most 8"),
        ("networkShape=100", "number of units of hidden layer 1 is 100; expected a whole number from 1 to 32"),
        ("seed=" + "7" * 101, "seed has 101 characters; at most 100"),
        ("ownDataset=points", 'the data set "points" has no points; give at least one'),
        ("ownActivation=swish", "unknown activation 'swish'; known: "),
        ("activations=relu", "activations is for 1 layers; the network has 2 hidden ones"),
        ("skip=true,false", 'skip "true,false" of the link is no list of 0 and 1'),
        ("frozen=1.2", 'frozen "1.2" of the link is not layer.unit.source or layer.unit.first..last'),
        ("frozen=0.0.0..999", "frozen weight (0, 0, 2): the network has no such layer, unit and source"),
        ("frozen=" + ",".join(["0.0.0..999"] * 51), "frozen of the link names more than 50,000 weights"),
        ("points=cAAA", "the points of the link are cut off or changed; copy the whole link again"),
        ("points=r*", "the points of the link are cut off or changed; copy the whole link again"),
        ("points=c" + "A" * 28_000, "3,000 points in the link; at most 2,000"),
        ("a" * (MAX_LENGTH + 1), "the link has 400,001 characters; at most 400,000"),
        ("#" + "networkShape=4&" * 1_000_000, "the link has 15,000,001 characters; at most 400,000"),
    ],
    ids=range(25),
)
def test_a_mistake_is_one_sentence(text: str, sentence: str) -> None:
    assert sentence in complaint(text)


names = st.sampled_from([*sorted(KEYS), "constructor", "__proto__", "toString", "noise_hide", "😀"])
values = st.one_of(
    st.text(max_size=15),
    st.sampled_from(
        ["", "1e400", "NaN", "-0", "true", "false", "4,2", "0.0.-1", "0,1", "__proto__", "%", "%ff", "&", "#"]
    ),
    st.integers().map(str),
    st.floats().map(str),
)


@given(
    st.text(st.characters(exclude_categories=()), max_size=60)
    | st.lists(st.tuples(names, values)).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
)
def test_any_text_is_a_link_or_an_error(text: str) -> None:
    try:
        link = read_link(text)
    except LayerlabError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 400
    else:
        again = read_link(write_link(link.specification, link.page))
        assert again.specification == link.specification
        assert again.page == link.page
        assert all("\n" not in warning and len(warning) < 400 for warning in link.warnings)


@pytest.mark.parametrize("value", [None, 3, b"seed=1"])
def test_only_text_is_a_link(value: Any) -> None:
    assert f"a link is text, not {type(value).__name__}" in complaint(value)


# Own points


def test_two_thousand_points_fit_a_link() -> None:
    xy = [((i * 7919 % 12001) / 1000 - 6, (i * 104729 % 12001) / 1000 - 6) for i in range(2000)]
    classes = Specification(dataset="points", points=[(x, y, 1 if x > y else -1) for x, y in xy])
    numbers = Specification(
        problem="regression", regression_dataset="points", points=[(x, y, x * y / 36) for x, y in xy]
    )
    for specification, most in ((classes, 19_500), (numbers, 30_000)):
        written = write_link(specification)
        assert len(written) <= most
        assert quote(written, safe="=&,-_.") == written
        assert read(written) == specification


@given(
    st.lists(
        st.tuples(
            *[st.integers(-600_000, 600_000).map(lambda n: n / 1e5)] * 2,
            st.integers(-(10**11), 10**11).map(lambda n: n / 1e5),
        ),
        max_size=30,
    )
)
def test_packed_points_are_exact(points: list[tuple[float, float, float]]) -> None:
    assert unpack(pack(points)) == tuple(points)


@given(st.text(st.sampled_from("crABCabc019-_ =é"), max_size=60))
def test_any_text_is_points_or_an_error(text: str) -> None:
    try:
        points = unpack(text)
    except LayerlabError:
        return
    assert unpack(pack([point for point in points if max(map(abs, point)) <= 5])) == tuple(
        point for point in points if max(map(abs, point)) <= 5
    )


# What is meant by a value


@pytest.mark.parametrize("text", ["spiral", "x", "100"])
def test_text_without_a_key_is_no_link_where_nobody_reads_warnings(text: str) -> None:
    with pytest.raises(LayerlabError, match=f'"{text}" is no link; expected key=value, such as dataset=spiral'):
        specification_of(text)


@pytest.mark.parametrize("text", ["", " ", "#", "https://playground.tensorflow.org/"])
def test_an_empty_link_is_the_default(text: str) -> None:
    assert specification_of(text) == Specification()


def test_a_specification_its_fields_and_a_link_mean_the_same() -> None:
    specification = Specification(seed="7", activation="elu")
    for value in (specification, specification.to_dict(), write_link(specification), "#" + write_link(specification)):
        assert specification_of(value) == specification
    with pytest.raises(LayerlabError, match="a specification, its fields or a link is expected, not list"):
        specification_of([specification])


def test_what_is_no_specification_has_no_link() -> None:
    with pytest.raises(LayerlabError, match="not int"):
        write_link(5)  # type: ignore[arg-type]
    assert read_link(write_link({"activation": "elu"})).specification == Specification(activation="elu")
