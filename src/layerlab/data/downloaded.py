"""Data sets that torchvision downloads, and ImageNet, which everybody has to fetch for themselves.

CIFAR's archives hold Python pickles, which can run code when they are opened. torchvision compares every one
of these files with its published checksum before it opens it, so that only the authors' own pickles ever are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from layerlab.data.assembly import FileParts, assemble_files, assemble_tensors
from layerlab.data.dataset import Dataset
from layerlab.data.examples import Examples
from layerlab.data.fetch import fetch
from layerlab.data.folder import load_folder
from layerlab.data.options import LoadOptions, default_root
from layerlab.data.registry import DatasetInfo, register
from layerlab.errors import LayerlabError

__all__: list[str] = []

Part = tuple[Tensor, Tensor]
"""uint8 images (N, C, H, W) and int64 labels (N,)."""

_NUMERALS = tuple("0123456789")
_UNSTATED = "not stated by its authors; for research"


MNIST = DatasetInfo(
    name="mnist",
    title="MNIST",
    shape=(1, 28, 28),
    classes=_NUMERALS,
    sizes=(54_001, 5_999, 10_000),
    licence="CC BY-SA 3.0",
    source="LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document recognition, 1998",
    needs="a download of 12 MB",
    line="70,000 handwritten digits in grey",
    light_on_dark=True,
)


@register(MNIST)
def load_mnist(options: LoadOptions) -> Dataset:
    """Load MNIST."""
    return _load_mnist_like(MNIST, options, "MNIST")


FASHION_MNIST = DatasetInfo(
    name="fashion_mnist",
    title="Fashion-MNIST",
    shape=(1, 28, 28),
    classes=(
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
    sizes=(54_000, 6_000, 10_000),
    licence="MIT",
    source="Xiao, Rasul, Vollgraf: Fashion-MNIST, 2017",
    needs="a download of 31 MB",
    line="70,000 articles of clothing in grey, made as a harder MNIST",
    flip=True,
    light_on_dark=True,
)


@register(FASHION_MNIST)
def load_fashion_mnist(options: LoadOptions) -> Dataset:
    """Load Fashion-MNIST."""
    return _load_mnist_like(FASHION_MNIST, options, "FashionMNIST")


KMNIST = DatasetInfo(
    name="kmnist",
    title="Kuzushiji-MNIST",
    shape=(1, 28, 28),
    classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
    sizes=(54_000, 6_000, 10_000),
    licence="CC BY-SA 4.0",
    source="Clanuwat and others: Deep learning for classical Japanese literature, 2018",
    needs="a download of 21 MB",
    line="70,000 cursive Japanese characters in grey, of ten kinds",
    light_on_dark=True,
)


@register(KMNIST)
def load_kmnist(options: LoadOptions) -> Dataset:
    """Load Kuzushiji-MNIST."""
    return _load_mnist_like(KMNIST, options, "KMNIST")


_EMNIST_SOURCE = "Cohen, Afshar, Tapson, van Schaik: EMNIST, 2017; from NIST Special Database 19"
EMNIST = DatasetInfo(
    name="emnist",
    title="EMNIST balanced",
    shape=(1, 28, 28),
    classes=47,
    sizes=(101_520, 11_280, 18_800),
    licence=_UNSTATED,
    source=_EMNIST_SOURCE,
    needs="a download of 562 MB",
    line="131,600 handwritten digits and letters; letters alike in both cases are one class",
    light_on_dark=True,
)
EMNIST_LETTERS = DatasetInfo(
    name="emnist_letters",
    title="EMNIST letters",
    shape=(1, 28, 28),
    classes=tuple("abcdefghijklmnopqrstuvwxyz"),
    sizes=(112_320, 12_480, 20_800),
    licence=_UNSTATED,
    source=_EMNIST_SOURCE,
    needs="a download of 562 MB",
    line="145,600 handwritten letters, both cases of a letter as one class",
    light_on_dark=True,
)


@register(EMNIST)
def load_emnist(options: LoadOptions) -> Dataset:
    """Load the balanced part of EMNIST."""
    return _load_emnist(EMNIST, options, "balanced")


@register(EMNIST_LETTERS)
def load_emnist_letters(options: LoadOptions) -> Dataset:
    """Load the letters of EMNIST."""
    return _load_emnist(EMNIST_LETTERS, options, "letters")


CIFAR10 = DatasetInfo(
    name="cifar10",
    title="CIFAR-10",
    shape=(3, 32, 32),
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    sizes=(45_000, 5_000, 10_000),
    licence=_UNSTATED,
    source="Krizhevsky: Learning multiple layers of features from tiny images, 2009",
    needs="a download of 170 MB",
    line="60,000 small colour photographs of vehicles and animals, of ten kinds",
    flip=True,
)
CIFAR100 = DatasetInfo(
    name="cifar100",
    title="CIFAR-100",
    shape=(3, 32, 32),
    classes=100,
    sizes=(45_000, 5_000, 10_000),
    licence=_UNSTATED,
    source="Krizhevsky: Learning multiple layers of features from tiny images, 2009",
    needs="a download of 169 MB",
    line="60,000 small colour photographs, of a hundred kinds",
    flip=True,
)


@register(CIFAR10)
def load_cifar10(options: LoadOptions) -> Dataset:
    """Load CIFAR-10."""
    return _load_cifar(CIFAR10, options, "CIFAR10")


@register(CIFAR100)
def load_cifar100(options: LoadOptions) -> Dataset:
    """Load CIFAR-100, with its hundred fine classes."""
    return _load_cifar(CIFAR100, options, "CIFAR100")


SVHN = DatasetInfo(
    name="svhn",
    title="Street View House Numbers",
    shape=(3, 32, 32),
    classes=_NUMERALS,
    sizes=(65_931, 7_326, 26_032),
    licence="for non-commercial use only",
    source="Netzer, Wang, Coates, Bissacco, Wu, Ng: Reading digits in natural images, 2011",
    needs="a download of 246 MB",
    line="99,289 digits of house numbers in colour, cut from street photographs",
)


@register(SVHN)
def load_svhn(options: LoadOptions) -> Dataset:
    """Load the cropped digits of SVHN."""
    from torchvision import datasets

    def read(folder: Path, download: bool) -> tuple[Part, Part]:
        return _both(lambda split: datasets.SVHN(folder, split=split, download=download), ("train", "test"), "labels")

    lists = datasets.SVHN.split_list
    train, test = fetch("svhn", options, read, [lists[split][0] for split in ("train", "test")])
    return assemble_tensors(SVHN, options, _NUMERALS, train, test)


STL10 = DatasetInfo(
    name="stl10",
    title="STL-10",
    shape=(3, 96, 96),
    classes=("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
    sizes=(4_500, 500, 8_000),
    licence=_UNSTATED,
    source="Coates, Lee, Ng: An analysis of single-layer networks in unsupervised feature learning, 2011",
    needs="a download of 2640 MB",
    line="13,000 colour photographs of 96x96 pixels, few of them for training",
    flip=True,
)


@register(STL10)
def load_stl10(options: LoadOptions) -> Dataset:
    """Load the labelled part of STL-10."""
    from torchvision import datasets

    def read(folder: Path, download: bool) -> tuple[Part, Part]:
        return _both(lambda split: datasets.STL10(folder, split=split, download=download), ("train", "test"), "labels")

    train, test = fetch("stl10", options, read, [datasets.STL10.url])
    return assemble_tensors(STL10, options, _names(STL10), train, test)


FOOD101 = DatasetInfo(
    name="food101",
    title="Food-101",
    shape=None,
    classes=101,
    sizes=(68_175, 7_575, 25_250),
    licence="the photographs are their makers'; for scientific fair use",
    source="Bossard, Guillaumin, Van Gool: Food-101, 2014",
    needs="a download of 4996 MB",
    line="101,000 photographs of dishes, of 101 kinds; the training labels have errors on purpose",
    flip=True,
)


@register(FOOD101)
def load_food101(options: LoadOptions) -> Dataset:
    """Load Food-101."""
    from torchvision import datasets

    def read(folder: Path, download: bool) -> tuple[Examples, Examples, list[str]]:
        train, test = (datasets.Food101(folder, split=split, download=download) for split in ("train", "test"))
        return (
            _listed(train._image_files, train._labels, folder),
            _listed(test._image_files, test._labels, folder),
            train.classes,
        )

    return _load_photographs(FOOD101, options, read, [datasets.Food101._URL])


OXFORD_PETS = DatasetInfo(
    name="oxford_pets",
    title="Oxford-IIIT Pet",
    shape=None,
    classes=37,
    sizes=(3_312, 368, 3_669),
    licence="CC BY-SA 4.0",
    source="Parkhi, Vedaldi, Zisserman, Jawahar: Cats and dogs, 2012",
    needs="a download of 811 MB",
    line="7,349 photographs of cats and dogs, of 37 breeds",
    flip=True,
)


@register(OXFORD_PETS)
def load_oxford_pets(options: LoadOptions) -> Dataset:
    """Load the Oxford-IIIT pets, with their breeds as classes."""
    from torchvision import datasets

    def read(folder: Path, download: bool) -> tuple[Examples, Examples, list[str]]:
        train, test = (datasets.OxfordIIITPet(folder, split=split, download=download) for split in ("trainval", "test"))
        return (
            _listed(train._images, train._labels, folder),
            _listed(test._images, test._labels, folder),
            train.classes,
        )

    urls = [url for url, _ in datasets.OxfordIIITPet._RESOURCES]
    return _load_photographs(OXFORD_PETS, options, read, urls, archives_in="oxford-iiit-pet")


IMAGENET = DatasetInfo(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    shape=None,
    classes=1000,
    sizes=(1_153_051, 128_116, 50_000),
    licence="for non-commercial research, after registration",
    source="Russakovsky and others: ImageNet large scale visual recognition challenge, 2015",
    needs="a folder",
    line="1.3 million photographs, of a thousand kinds; fetched by you, as its licence asks",
    flip=True,
)


@register(IMAGENET)
def load_imagenet(options: LoadOptions) -> Dataset:
    """Load ImageNet from a folder with ``train/`` and ``val/`` folders of class folders."""
    root = options.root or default_root()
    for folder in (root / "imagenet", root):
        if (folder / "train").is_dir() and (folder / "val").is_dir():
            return load_folder(folder, options, IMAGENET, trusted=True)
    raise LayerlabError(
        f'imagenet needs its train/ and val/ folders of class folders in "{root / "imagenet"}", which are not there; '
        "fetch it as its licence asks and pass --data-root FOLDER where they are"
    )


def _load_mnist_like(info: DatasetInfo, options: LoadOptions, class_name: str) -> Dataset:
    from torchvision import datasets

    kind: Any = getattr(datasets, class_name)
    urls = [f"{mirror}{file}" for mirror in kind.mirrors for file, _ in kind.resources]

    def read(folder: Path, download: bool) -> tuple[Part, Part]:
        return _both(lambda train: kind(folder, train=train, download=download), (True, False))

    train, test = fetch(info.name, options, read, urls, archives_in=f"{class_name}/raw")
    return assemble_tensors(info, options, _names(info), train, test)


def _load_emnist(info: DatasetInfo, options: LoadOptions, split: str) -> Dataset:
    from torchvision import datasets

    def read(folder: Path, download: bool) -> tuple[Part, Part]:
        return _both(lambda train: datasets.EMNIST(folder, split=split, train=train, download=download), (True, False))

    # Both names share one archive, hence one folder.
    train, test = fetch("emnist", options, read, [datasets.EMNIST.url], archives_in="EMNIST/raw")
    classes = datasets.EMNIST.classes_split_dict[split]
    first = 1 if classes[0] == "N/A" else 0  # the letters are numbered from 1
    # The images are stored column by column.
    train, test = ((images.transpose(2, 3).contiguous(), labels - first) for images, labels in (train, test))
    return assemble_tensors(info, options, classes[first:], train, test)


def _load_cifar(info: DatasetInfo, options: LoadOptions, class_name: str) -> Dataset:
    from torchvision import datasets

    kind: Any = getattr(datasets, class_name)

    def read(folder: Path, download: bool) -> tuple[Part, Part, list[str]]:
        made = [kind(folder, train=train, download=download) for train in (True, False)]
        return _part(made[0].data, made[0].targets), _part(made[1].data, made[1].targets), made[0].classes

    train, test, classes = fetch(info.name, options, read, [kind.url])
    return assemble_tensors(info, options, classes, train, test)


def _load_photographs(
    info: DatasetInfo,
    options: LoadOptions,
    read: Callable[[Path, bool], tuple[Examples, Examples, list[str]]],
    urls: Sequence[str],
    archives_in: str = "",
) -> Dataset:
    train, test, classes = fetch(info.name, options, read, urls, archives_in)
    parts = FileParts(classes, train, test=test, trusted=True)
    return assemble_files(info, options, parts, info.name)


def _both(make: Callable[[Any], Any], which: Sequence[Any], labels: str = "targets") -> tuple[Part, Part]:
    train, test = (make(part) for part in which)
    return _part(train.data, getattr(train, labels)), _part(test.data, getattr(test, labels))


def _part(images: Any, labels: Any) -> Part:
    """Return torchvision's images (N, H, W), (N, H, W, 3) or (N, 3, H, W) in our layout."""
    pixels = torch.as_tensor(images)
    if pixels.dim() == 3:
        pixels = pixels.unsqueeze(1)
    elif pixels.shape[1] != 3:
        pixels = pixels.permute(0, 3, 1, 2)
    return pixels.contiguous(), torch.as_tensor(labels, dtype=torch.int64)


def _listed(paths: Sequence[Path], labels: Sequence[int], folder: Path) -> Examples:
    names = [str(path.relative_to(folder)) for path in paths]
    return Examples(list(paths), torch.tensor(labels, dtype=torch.int64), names)


def _names(info: DatasetInfo) -> tuple[str, ...]:
    return info.classes if isinstance(info.classes, tuple) else tuple(map(str, range(info.classes)))
