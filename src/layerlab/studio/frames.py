"""Binary frames: ``uint32 header length | header JSON | body``, aligned so that a page reads the arrays in place."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["finite", "pack", "paint", "to_json", "unpack"]

ALIGNMENT: Final = 8
_NAMES: Final = {"|u1": "u1", "<f4": "f4", "<f8": "f8"}
_TYPES: Final = {"u1": np.uint8, "f4": np.float32, "f8": np.float64}


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return one frame.

    Args:
        header: JSON values, ``kind`` among them; numbers that are not finite are written as null.
        arrays: by name; of unsigned bytes, float32 or float64, any shape.

    Raises:
        TypeError: an array of another type.
    """
    entries, parts, offset = [], [], 0
    for name, array in arrays.items():
        body = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        if body.dtype.str not in _NAMES:
            raise TypeError(f"a frame holds u1, f4 and f8, not {array.dtype} ({name})")
        entries.append({"name": name, "dtype": _NAMES[body.dtype.str], "shape": array.shape, "offset": offset})
        padding = -body.nbytes % ALIGNMENT
        parts += [body.tobytes(), bytes(padding)]
        offset += body.nbytes + padding
    text = to_json({**header, "arrays": entries}).encode()
    text += b" " * (-(4 + len(text)) % ALIGNMENT)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def unpack(frame: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return header and arrays of a frame, as a page reads them."""
    (length,) = struct.unpack_from("<I", frame)
    header = json.loads(frame[4 : 4 + length])
    arrays = {}
    for entry in header["arrays"]:
        count = math.prod(entry["shape"])
        start = 4 + length + entry["offset"]
        arrays[entry["name"]] = np.frombuffer(frame, _TYPES[entry["dtype"]], count, start).reshape(entry["shape"])
    return header, arrays


def paint(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values of [-1, 1] as 0 to 255; what lies outside is clamped, what is no number becomes the middle."""
    scaled = 127.5 * (np.clip(values, -1, 1) + 1)
    painted: NDArray[np.uint8] = np.nan_to_num(np.rint(scaled), nan=128).astype(np.uint8)
    return painted


def to_json(value: Any) -> str:
    """Return ``value`` as JSON, all in ASCII; numbers that JSON does not have are written as null."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError):  # a number that is not finite, or one of NumPy's
        return json.dumps(finite(value), separators=(",", ":"), allow_nan=False)


def finite(value: Any) -> Any:
    """Return a JSON value with None in the place of every number that JSON does not have."""
    if isinstance(value, dict):
        return {name: finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
