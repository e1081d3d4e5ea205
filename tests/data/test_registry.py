import pytest

from layerlab.data import dataset_info, list_datasets, load_data
from layerlab.data.registry import register
from layerlab.errors import LayerlabError

NAMES = (
    *("mnist5k", "digits", "mnist", "fashion_mnist", "kmnist", "emnist", "emnist_letters"),
    *("cifar10", "cifar100", "svhn", "stl10", "food101", "oxford_pets", "imagenet"),
)


def test_everything_promised_is_there() -> None:
    assert {info.name for info in list_datasets()} == set(NAMES)
    assert [info.name for info in list_datasets()][:2] == ["digits", "mnist5k"]  # what needs nothing comes first


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_says_everything(name: str) -> None:
    info = dataset_info(name)
    for value in (info.title, info.licence, info.source, info.needs, info.line):
        assert value.strip() == value and value and "\n" not in value
    assert info.number_of_classes >= 10
    assert info.sizes is not None and min(info.sizes) > 0
    assert info.shape is None or (info.shape[0] in (1, 3) and min(info.shape) > 0)


@pytest.mark.parametrize("name", ["mnist5k", "digits"])
def test_what_is_said_is_true(name: str) -> None:
    data = load_data(name)
    assert data.info.sizes == (len(data.train), len(data.validation), len(data.test))
    assert data.info.shape == data.shape
    assert list(data.info.classes) == data.classes  # type: ignore[arg-type]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match='"digits" is registered twice'):
        register(dataset_info("digits"))(lambda options: None)  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mnsit5k", 'no dataset "mnsit5k"; did you mean "mnist5k"? (a path to a folder of class folders also works)'),
        ("CIFAR10", 'no dataset "CIFAR10"; did you mean "cifar10"?'),
        ("zzzzzz", 'no dataset "zzzzzz"; known: cifar10, cifar100, digits'),
        ("", 'no dataset ""'),
    ],
)
def test_misspelt_names(name: str, said: str) -> None:
    with pytest.raises(LayerlabError) as caught:
        load_data(name)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"channels": 4}, r"images have 1 channel \(grey\) or 3"),
        ({"seed": -1}, "the seed must be an integer from 0, not -1"),
        ({"seed": 1.5}, "the seed must be an integer from 0, not 1.5"),
        ({"validation": 0}, "the validation share must lie between 0 and 1, not be 0"),
        ({"validation": 1.5}, "the validation share must lie between 0 and 1"),
        ({"validation": float("nan")}, "the validation share must lie between 0 and 1"),
        ({"workers": -1}, "the number of workers must be an integer from 0, not -1"),
        ({"size": 0}, "the image size must be a side or"),
        ({"size": (1, 2, 3)}, "the image size must be a side or"),
        ({"size": "28"}, "the image size must be a side or"),
        ({"size": (28, 1.5)}, "the image size must be a side or"),
    ],
)
def test_arguments_out_of_range(how: dict[str, object], said: str) -> None:
    with pytest.raises(LayerlabError, match=said):
        load_data("digits", **how)  # type: ignore[arg-type]
