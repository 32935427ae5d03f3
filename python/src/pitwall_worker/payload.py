"""From payloads to bytes and back."""

from __future__ import annotations

import json
import math
import zlib
from typing import Any, NamedTuple

import numpy as np

from .arrow import decode_table
from .table import Table
from .tensor import encode_tensor, decode_tensor
from .wire import Bytes

_GZIP = 31


class Encoded(NamedTuple):
    data_type: str
    format: str
    #: The bytes, in pieces that follow one another.
    parts: list[Bytes]

    @property
    def size(self) -> int:
        return sum(len(part) for part in self.parts)


def decode_payload(data_type: str, form: str, data: memoryview) -> Any:
    """
    What a handler gets: an array for ``numpy``, a Table for ``arrow``, what JSON says for ``json``, text for text, else the bytes. Views of ``data`` where that
    is possible.

    Raises ValueError for bytes of another form.
    """
    if form == "numpy":
        return decode_tensor(data)
    if form == "arrow":
        return decode_table(data)
    if form == "json":
        return json.loads(bytes(data)) if len(data) > 0 else None
    return str(data, "utf-8", "replace") if data_type == "text" else data


def decompress(data: memoryview, size: int) -> memoryview:
    """
    Bounded by what the sender said: a small message must not grow to fill the worker's memory.

    Raises ValueError for what is no gzip, and beyond ``size``.
    """
    unpacker = zlib.decompressobj(_GZIP)
    try:
        # One byte more than allowed, so that too much shows.
        unpacked = unpacker.decompress(data, size + 1)
    except zlib.error as error:
        raise ValueError(f"no gzip: {error}") from None
    if len(unpacked) > size or not unpacker.eof:
        raise ValueError(f"no gzip of {size} bytes")
    return memoryview(unpacked)


def encode_payload(value: Any) -> Encoded:
    """
    Arrays become ``.npy``, tables stay as they came, bytes stay bytes, text becomes UTF-8, everything else JSON.

    Raises TypeError or ValueError for what JSON cannot say, and for arrays of what the host has no array for.
    """
    if isinstance(value, np.ndarray):
        return Encoded("tensor", "numpy", encode_tensor(value))
    if isinstance(value, Table):
        return Encoded("dataframe", "arrow", [value.data])
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Encoded("binary", "raw", [_flat(memoryview(value))])
    if isinstance(value, str):
        return Encoded("text", "raw", [value.encode("utf-8", "replace")])
    return Encoded("json", "json", [_json_of(value).encode("utf-8", "replace")])


def _flat(view: memoryview) -> memoryview:
    if view.format == "B" and view.ndim == 1 and view.contiguous:
        return view
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def _json_of(value: Any) -> str:
    try:
        return _dump(value)
    except ValueError:
        # NaN and infinity, most likely: null, as the host's own JSON has it. A cycle fails here again.
        try:
            return _dump(_without_non_finite(value))
        except RecursionError:
            raise ValueError("a value that contains itself") from None


def _dump(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """numpy's numbers, and small arrays inside a document."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} cannot be sent")


def _without_non_finite(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_non_finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_non_finite(each) for each in value]
    if isinstance(value, np.ndarray):
        return _without_non_finite(value.tolist())
    return value
