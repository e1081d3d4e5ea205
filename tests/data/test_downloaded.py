"""The real code of torchvision downloads tiny archives, in the real formats, from a server on this machine."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import io
import json
import pickle
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from layerlab.data import list_datasets, load_data
from layerlab.data.dataset import Dataset
from layerlab.errors import LayerlabError

COUNT = 40
RANDOM = np.random.default_rng(0)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


class Server:
    """Serves a folder at ``url``."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url

    def put(self, name: str, content: bytes) -> str:
        """Serve a file; return its checksum."""
        (self.folder / name).write_bytes(content)
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    def cut(self, name: str) -> None:
        content = (self.folder / name).read_bytes()
        (self.folder / name).write_bytes(content[: len(content) // 2])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    folder = tmp_path / "served"
    folder.mkdir()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAYERLAB_DATA", str(tmp_path / "kept"))
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield Server(folder, f"http://127.0.0.1:{running.server_port}/")
        running.shutdown()
        thread.join()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def idx(array: np.ndarray) -> bytes:
    """Return an array in the format of MNIST's files."""
    shape = b"".join(int(side).to_bytes(4, "big") for side in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + shape + array.astype(np.uint8).tobytes())


def pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def jpeg(side: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(RANDOM.integers(0, 256, (side, side, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


DIGIT_IMAGES = RANDOM.integers(0, 256, (COUNT, 28, 28), np.uint8)
DIGIT_LABELS = np.arange(COUNT) % 10


def serve_mnist(server: Server, monkeypatch: pytest.MonkeyPatch, kind: type = datasets.MNIST) -> None:
    resources = []
    for part in ("train", "t10k"):
        for what, array in (("images-idx3", DIGIT_IMAGES), ("labels-idx1", DIGIT_LABELS)):
            name = f"{part}-{what}-ubyte.gz"
            resources.append((name, server.put(name, idx(array))))
    monkeypatch.setattr(kind, "mirrors", [server.url])
    monkeypatch.setattr(kind, "resources", resources)


def serve_cifar10(server: Server, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    images = RANDOM.integers(0, 256, (COUNT, 3 * 32 * 32), np.uint8)
    batch = pickle.dumps({"data": images, "labels": list(range(10)) * (COUNT // 10)}, protocol=2)
    names = pickle.dumps({"label_names": [f"kind {number}" for number in range(10)]}, protocol=2)
    files = {"data_batch_1": batch, "test_batch": batch, "batches.meta": names}
    sums = {name: hashlib.md5(content, usedforsecurity=False).hexdigest() for name, content in files.items()}
    archive = pack({f"cifar-10-batches-py/{name}": content for name, content in files.items()})
    kind = datasets.CIFAR10
    monkeypatch.setattr(kind, "tgz_md5", server.put("cifar-10-python.tar.gz", archive))
    monkeypatch.setattr(kind, "url", server.url + "cifar-10-python.tar.gz")
    monkeypatch.setattr(kind, "train_list", [["data_batch_1", sums["data_batch_1"]]])
    monkeypatch.setattr(kind, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(kind, "meta", {**kind.meta, "md5": sums["batches.meta"]})
    return images.reshape(-1, 3, 32, 32)


def refusal(name: str, **how: object) -> str:
    with pytest.raises(LayerlabError) as caught:
        load_data(name, **how)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def nothing_left(kept: Path) -> bool:
    return not kept.exists() or not list(kept.iterdir())


@pytest.mark.parametrize(
    ("name", "kind"), [("mnist", datasets.MNIST), ("fashion_mnist", datasets.FashionMNIST), ("kmnist", datasets.KMNIST)]
)
def test_mnist_and_its_kin(name: str, kind: type, server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_mnist(server, monkeypatch, kind)
    data = load_data(name)
    assert data.shape == (1, 28, 28)
    assert data.classes == list(data.info.classes)  # type: ignore[arg-type]
    assert len(data.train) + len(data.validation) == len(data.test) == COUNT
    assert torch.equal(data.test.images(range(COUNT)), torch.from_numpy(DIGIT_IMAGES).unsqueeze(1))
    assert data.test.labels.tolist() == DIGIT_LABELS.tolist()
    assert [entry.name for entry in kept.iterdir()] == [name]
    # The second time, nothing is asked of the server, nor is it with the root that torchvision itself would use.
    monkeypatch.setattr(kind, "mirrors", [])
    assert load_data(name, download=False).fingerprint == data.fingerprint
    assert load_data(name, download=False, root=kept / name).fingerprint == data.fingerprint


def test_emnist_is_turned_upright_and_its_letters_start_at_0(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    labels = {"letters": np.arange(52) % 26 + 1, "balanced": np.arange(94) % 47}
    images = RANDOM.integers(0, 256, (94, 28, 28), np.uint8)
    with zipfile.ZipFile(buffer, "w") as archive:
        for split, numbers in labels.items():
            for part in ("train", "test"):
                archive.writestr(f"gzip/emnist-{split}-{part}-images-idx3-ubyte.gz", idx(images[: len(numbers)]))
                archive.writestr(f"gzip/emnist-{split}-{part}-labels-idx1-ubyte.gz", idx(numbers))
    monkeypatch.setattr(datasets.EMNIST, "md5", server.put("gzip.zip", buffer.getvalue()))
    monkeypatch.setattr(datasets.EMNIST, "url", server.url + "gzip.zip")
    balanced, letters = load_data("emnist"), load_data("emnist_letters", download=False)
    assert torch.equal(balanced.test.images([7])[0, 0], torch.from_numpy(images[7].T))
    assert len(balanced.classes) == 47 and "".join(balanced.classes[10:12]) == "AB"
    assert "".join(letters.classes) == "abcdefghijklmnopqrstuvwxyz"
    assert letters.test.labels.tolist() == (labels["letters"] - 1).tolist()


def test_cifar10(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    images = serve_cifar10(server, monkeypatch)
    data = load_data("cifar10")
    assert data.shape == (3, 32, 32)
    assert data.classes == [f"kind {number}" for number in range(10)]
    assert torch.equal(data.test.images(range(COUNT)), torch.from_numpy(images))
    assert load_data(**data.reproduce).fingerprint == data.fingerprint
    assert data.augmentation("standard").flip is True  # type: ignore[union-attr]


def test_svhn(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    images = RANDOM.integers(0, 256, (32, 32, 3, COUNT), np.uint8)
    lists = {}
    for split in ("train", "test"):
        buffer = io.BytesIO()
        savemat(buffer, {"X": images, "y": (np.arange(COUNT) % 10 + 1)[:, None]})
        name = f"{split}_32x32.mat"
        lists[split] = [server.url + name, name, server.put(name, buffer.getvalue())]
    monkeypatch.setattr(datasets.SVHN, "split_list", lists)
    data = load_data("svhn")
    assert torch.equal(data.test.images([3])[0], torch.from_numpy(images[..., 3].transpose(2, 0, 1).copy()))
    assert data.test.labels[8:11].tolist() == [9, 0, 1]  # a "10" is a zero
    assert data.augmentation("standard").flip is False  # type: ignore[union-attr]


def test_stl10(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    images = RANDOM.integers(0, 256, (20, 3, 96, 96), np.uint8)
    labels = (np.arange(20) % 10 + 1).astype(np.uint8)
    files = {}
    for part in ("train", "test"):
        files[f"{part}_X.bin"] = images.transpose(0, 1, 3, 2).tobytes()
        files[f"{part}_y.bin"] = labels.tobytes()
    sums = [[name, hashlib.md5(content, usedforsecurity=False).hexdigest()] for name, content in files.items()]
    archive = pack({f"stl10_binary/{name}": content for name, content in files.items()})
    kind = datasets.STL10
    monkeypatch.setattr(kind, "tgz_md5", server.put("stl10_binary.tar.gz", archive))
    monkeypatch.setattr(kind, "url", server.url + "stl10_binary.tar.gz")
    monkeypatch.setattr(kind, "train_list", sums[:2])
    monkeypatch.setattr(kind, "test_list", sums[2:])
    data = load_data("stl10")
    assert torch.equal(data.test.images(range(20)), torch.from_numpy(images))
    assert data.test.labels.tolist() == (labels - 1).tolist()


def serve_food101(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    train = {kind: [f"{kind}/{number}" for number in range(10)] for kind in ("apple_pie", "waffles")}
    test = {kind: [f"{kind}/{number}" for number in range(10, 13)] for kind in train}
    files = {
        "food-101/meta/train.json": json.dumps(train).encode(),
        "food-101/meta/test.json": json.dumps(test).encode(),
    }
    for listed in (train, test):
        files |= {f"food-101/images/{name}.jpg": jpeg() for names in listed.values() for name in names}
    monkeypatch.setattr(datasets.Food101, "_MD5", server.put("food-101.tar.gz", pack(files)))
    monkeypatch.setattr(datasets.Food101, "_URL", server.url + "food-101.tar.gz")


@pytest.mark.parametrize("limit", [2**28, 0])
def test_food101(limit: int, server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_food101(server, monkeypatch)
    monkeypatch.setattr("layerlab.data.assembly.MEMORY_LIMIT", limit)
    data = load_data("food101", size=32, workers=0)
    assert data.classes == ["apple_pie", "waffles"]
    assert (len(data.train), len(data.validation), len(data.test)) == (18, 2, 6)
    assert data.test.name_of(0) == "food-101/images/apple_pie/10.jpg"
    images, _ = next(iter(data.test.batches(4)))
    assert images.shape == (4, 3, 32, 32)
    assert load_data(**data.reproduce).fingerprint == data.fingerprint
    assert load_data("food101", root=kept / "food101").shape == (3, 224, 224)


def test_oxford_pets(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [(f"{kind}_{number}", label) for label, kind in ((1, "great_cat"), (2, "pug")) for number in range(9)]
    listing = "".join(f"{name} {label} 1 1\n" for name, label in names).encode()
    images = pack({f"images/{name}.jpg": jpeg() for name, _ in names})
    notes = pack({"annotations/trainval.txt": listing, "annotations/test.txt": listing})
    resources = tuple(
        (server.url + name, server.put(name, content))
        for name, content in (("images.tar.gz", images), ("annotations.tar.gz", notes))
    )
    monkeypatch.setattr(datasets.OxfordIIITPet, "_RESOURCES", resources)
    data = load_data("oxford_pets", size=24)
    assert data.classes == ["Great Cat", "Pug"]
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 2, 18)


def test_archives_put_there_by_hand_are_used(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_mnist(server, monkeypatch)
    (kept / "mnist").mkdir(parents=True)
    for file in server.folder.iterdir():
        file.rename(kept / "mnist" / file.name)
    assert len(load_data("mnist").test) == COUNT


# What goes wrong -----------------------------------------------------------------------------------------------


def test_a_cut_download_leaves_nothing(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_cifar10(server, monkeypatch)
    whole = (server.folder / "cifar-10-python.tar.gz").read_bytes()
    server.cut("cifar-10-python.tar.gz")
    assert refusal("cifar10") == (
        "cifar10 could not be fetched from 127.0.0.1 (what came is not what was published: its checksum differs, as "
        f'when a download is cut short); put its files into "{kept}/cifar10", pass --data-root FOLDER where they '
        "are, or use mnist5k or digits, which need no network"
    )
    assert nothing_left(kept)
    (server.folder / "cifar-10-python.tar.gz").write_bytes(whole)
    assert len(load_data("cifar10").test) == COUNT


def test_a_cut_last_file_leaves_nothing(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_mnist(server, monkeypatch)
    server.cut("t10k-labels-idx1-ubyte.gz")
    assert "its checksum differs" in refusal("mnist")
    assert nothing_left(kept)


def test_a_changed_pickle_is_never_opened(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_cifar10(server, monkeypatch)
    load_data("cifar10")
    touched = kept / "touched"
    evil = f"cposix\nsystem\n(S'touch {touched}'\ntR.".encode()
    (kept / "cifar10" / "cifar-10-batches-py" / "data_batch_1").write_bytes(evil)
    assert "is not, or not whole, in" in refusal("cifar10", download=False)
    assert len(load_data("cifar10").train) == 30  # the true file is taken out of the archive again
    assert not touched.exists()


def test_a_damaged_extracted_file_is_fetched_again(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_mnist(server, monkeypatch)
    expected = load_data("mnist").fingerprint
    raw = kept / "mnist" / "MNIST" / "raw" / "train-images-idx3-ubyte"
    raw.write_bytes(raw.read_bytes()[:100])
    assert "not whole" in refusal("mnist", download=False)
    assert load_data("mnist").fingerprint == expected


@pytest.mark.parametrize("info", [info for info in list_datasets() if "download" in info.needs], ids=lambda i: i.name)
def test_without_a_network_each_says_what_from_where_and_what_to_do(
    info, kept: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    """Every connection is refused, as there is nothing at its end."""
    import socket

    def refused(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    text = refusal(info.name)
    hosts = r"[\w-]+\.[\w.-]+( or [\w.-]+)?"
    name = info.name.removesuffix("_letters")  # both parts of EMNIST are one download
    assert re.match(rf"{name} could not be fetched from {hosts} \(Name or service not known\); ", text)
    assert "pass --data-root FOLDER" in text and "use mnist5k or digits" in text
    assert nothing_left(kept)
    assert "downloading is off" in refusal(info.name, download=False)


def test_a_full_disk(server: Server, kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve_mnist(server, monkeypatch)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("torchvision.datasets.utils._save_response_content", full, raising=False)
    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", full)
    assert "(No space left on device)" in refusal("mnist")
    assert nothing_left(kept)


# ImageNet ------------------------------------------------------------------------------------------------------


def test_imagenet_is_a_folder(make_folder, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make_folder({"n01": 20, "n02": 20}, within="imagenet/train")
    make_folder({"n01": 5, "n02": 5}, within="imagenet/val")
    for root in (tmp_path, tmp_path / "imagenet"):
        data = load_data("imagenet", root=root, size=16, workers=0)
        assert isinstance(data, Dataset)
        assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 10)
        assert data.info.licence.startswith("for non-commercial research")
        assert load_data(**data.reproduce).fingerprint == data.fingerprint
    assert load_data("imagenet", root=tmp_path, workers=0).shape == (3, 224, 224)


def test_imagenet_absent(tmp_path: Path) -> None:
    text = refusal("imagenet", root=tmp_path)
    assert text.startswith(f'imagenet needs its train/ and val/ folders of class folders in "{tmp_path}/imagenet"')
