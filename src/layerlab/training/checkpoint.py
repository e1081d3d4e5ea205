"""Checkpoints and weights on disk: each written in one step, each read without unpickling anything foreign."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch
from torch import Tensor, nn

from layerlab.errors import LayerlabError
from layerlab.files import atomic_path, atomic_write

__all__ = ["load_weights", "read_checkpoint", "read_tensors", "write_checkpoint", "write_tensors", "write_weights"]

_HEADER_LENGTH = 8


class _Sink:
    """A file that remembers why a write failed: torch replaces the reason by one of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        """Write ``data``."""
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Write what is buffered."""
        self._file.flush()


def write_checkpoint(path: Path, content: dict[str, Any]) -> None:
    """Write ``content`` (tensors, numbers, text, lists, dictionaries) to ``path`` in one step.

    Raises:
        LayerlabError: the disk is full; the old file is untouched.
    """
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        sink = _Sink(file)
        try:
            torch.save(content, cast(IO[bytes], sink))
            sink.flush()
        except RuntimeError as error:
            raise sink.error or OSError(errno.EIO, str(error)) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return what :func:`write_checkpoint` wrote.

    Raises:
        LayerlabError: the file is missing, cut or something else.
    """
    _require_file(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds for a file that is cut or foreign
        size = path.stat().st_size
        raise LayerlabError(f'"{path}" is cut or no checkpoint of Layerlab ({size:,} bytes)') from error
    if not isinstance(content, dict):
        raise LayerlabError(f'"{path}" is no checkpoint of Layerlab: it holds {type(content).__name__}')
    return content


def write_weights(path: Path, model: nn.Module) -> None:
    """Write the parameters and buffers of ``model`` as safetensors; a tensor that two names share is kept once."""
    seen: set[tuple[Any, ...]] = set()
    kept: dict[str, Tensor] = {}
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor):
            continue
        if value.numel():
            key = _identity(value)
            if key in seen:
                continue
            seen.add(key)
        kept[name] = value
    write_tensors(path, kept)


def load_weights(path: Path, model: nn.Module) -> None:
    """Load into ``model`` what :func:`write_weights` wrote.

    Raises:
        LayerlabError: the file is missing, cut or foreign, or belongs to another network.
    """
    load_state(path, model, read_tensors(path))


def load_state(path: Path, model: nn.Module, state: dict[str, Any]) -> None:
    """Load ``state`` into ``model``; ``path`` is where it came from. Raises as :func:`load_weights`."""
    try:
        missing, unexpected = model.load_state_dict(state, strict=False)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2] or [str(error)]
        raise LayerlabError(f'"{path}" belongs to another network: {first[0].strip()}') from error
    own = model.state_dict()
    loaded = {_identity(own[name]) for name in state if isinstance(own.get(name), Tensor)}
    missing = [name for name in missing if not isinstance(own[name], Tensor) or _identity(own[name]) not in loaded]
    if missing or unexpected:
        problem = f'it lacks "{missing[0]}"' if missing else f'the network has no "{unexpected[0]}"'
        raise LayerlabError(f'"{path}" belongs to another network: {problem}')


def write_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write named tensors as safetensors in one step."""
    from safetensors.torch import save

    atomic_write(path, save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return named tensors. Raises LayerlabError: the file is missing, cut or foreign."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    _require_file(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        size, expected = path.stat().st_size, _expected_size(path)
        if expected is not None and size < expected:
            raise LayerlabError(f'"{path}" is cut: expected {expected:,} bytes, has {size:,}') from error
        raise LayerlabError(f'"{path}" is cut or no safetensors file ({size:,} bytes)') from error


def _identity(value: Tensor) -> tuple[Any, ...]:
    """Return what is equal for two names of one tensor."""
    return value.device, value.data_ptr(), tuple(value.shape), value.stride(), value.dtype


def _expected_size(path: Path) -> int | None:
    """Return the size that the header of a safetensors file announces, where it can be read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_HEADER_LENGTH), "little")
        if not 0 < length <= max(path.stat().st_size, 1 << 20):
            return None
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None
    return int(_HEADER_LENGTH + length + max(ends, default=0))


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise LayerlabError(f'"{path}" is missing')
