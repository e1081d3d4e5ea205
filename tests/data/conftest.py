"""Folders of small images, as people have them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Return a function that fills a folder with noise images: ``make_folder({"cats": 3}, size=(8, 6))``."""

    def make(
        counts: dict[str, int], *, within: str = "pets", size: tuple[int, int] = (8, 8), mode: str = "RGB"
    ) -> Path:
        folder = tmp_path / within
        for kind, (name, count) in enumerate(counts.items()):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                random = np.random.default_rng((kind, number))
                channels = () if mode == "L" else (3,)
                pixels = random.integers(0, 256, (*size, *channels), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name / f"{number:03}.png")
        return folder

    return make
