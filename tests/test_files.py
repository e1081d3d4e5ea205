"""Atomic writes: the old file or the new one, never half of either."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from layerlab.errors import LayerlabError
from layerlab.files import atomic_path, atomic_write


def test_writes_text_and_bytes_and_makes_folders(tmp_path: Path) -> None:
    atomic_write(tmp_path / "a" / "b.txt", "zażółć")
    assert (tmp_path / "a" / "b.txt").read_text(encoding="utf-8") == "zażółć"
    atomic_write(tmp_path / "a" / "b.txt", b"\x00\xff")
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"\x00\xff"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]


def test_respects_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "file", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_failure_half_way_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, "old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "file"
    atomic_write(path, "old")
    with pytest.raises(LayerlabError, match=r'cannot write ".*file": the disk is full'), atomic_path(path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(LayerlabError, match="cannot write"):
        atomic_write(tmp_path / "file" / "inside", "y")
