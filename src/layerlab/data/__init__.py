"""Data: every data set by name, and a person's own folders of images."""

from layerlab.data import downloaded as _downloaded  # noqa: F401  (registers its data sets)
from layerlab.data import embedded as _embedded  # noqa: F401
from layerlab.data.augmentation import AUGMENTATIONS, Augmentation, augmentation
from layerlab.data.batches import Batches, Split
from layerlab.data.dataset import Dataset
from layerlab.data.images import read_image
from layerlab.data.load import load_data
from layerlab.data.preprocessing import Preprocessing
from layerlab.data.registry import DatasetInfo, dataset_info, list_datasets

__all__ = [
    "AUGMENTATIONS",
    "Augmentation",
    "Batches",
    "Dataset",
    "DatasetInfo",
    "Preprocessing",
    "Split",
    "augmentation",
    "dataset_info",
    "list_datasets",
    "load_data",
    "read_image",
]
