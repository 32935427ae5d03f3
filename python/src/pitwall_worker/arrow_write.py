"""Writes tables of plain columns as Arrow IPC streams: numbers, bools, text, dates and times, in one batch."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .flatbuffer_write import Fields, Pairs, Scalar, Tables, flatbuffer

Array = npt.NDArray[Any]

_VERSION_5 = Scalar("h", 4)
_SCHEMA, _RECORD_BATCH = 1, 3
_INT, _FLOAT, _UTF8, _BOOL, _DATE, _TIMESTAMP = 2, 3, 5, 6, 8, 10
_PRECISIONS = {2: 0, 4: 1, 8: 2}
_UNITS = {"s": 0, "ms": 1, "us": 2, "ns": 3}
_END = struct.pack("<II", 0xFFFFFFFF, 0)


class _Column(NamedTuple):
    kind: int
    type: Fields
    nulls: int
    #: Validity, then what the type has; empty where all are valid.
    buffers: list[bytes]


def encode_columns(columns: Mapping[str, Any]) -> bytes:
    """
    Columns by name: arrays, or lists of numbers, bools or text, in which None is null.

    Raises ValueError for columns of different lengths, TypeError for values of which there are no columns.
    """
    arrays = {name: _array(name, values) for name, values in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    rows = next(iter(lengths.values()), 0)
    written = [(name, _column(name, array)) for name, array in arrays.items()]
    fields = [
        (name, Scalar("B", 1), Scalar("B", column.kind), column.type, None, Tables([])) for name, column in written
    ]
    buffers = [buffer for _, column in written for buffer in column.buffers]
    places, body = _lay_out(buffers)
    nodes = Pairs([(rows, column.nulls) for _, column in written])
    batch = (Scalar("q", rows), nodes, Pairs(places))
    return b"".join((_message(_SCHEMA, (Scalar("h", 0), Tables(fields)), b""), _message(_RECORD_BATCH, batch, body), _END))


def _message(kind: int, header: Fields, body: bytes) -> bytes:
    metadata = flatbuffer((_VERSION_5, Scalar("B", kind), header, Scalar("q", len(body))))
    return struct.pack("<II", 0xFFFFFFFF, len(metadata)) + metadata + body


def _lay_out(buffers: Sequence[bytes]) -> tuple[list[tuple[int, int]], bytes]:
    places, pieces, at = [], [], 0
    for buffer in buffers:
        places.append((at, len(buffer)))
        padding = -len(buffer) % 8
        pieces += [buffer, bytes(padding)]
        at += len(buffer) + padding
    return places, b"".join(pieces)


def _array(name: str, values: Any) -> Array:
    if isinstance(values, np.ndarray):
        array = values
    elif any(value is None or isinstance(value, str) for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
    else:
        array = np.asarray(values)
    if array.ndim != 1:
        raise TypeError(f"the column {name!r} has {array.ndim} axes, not one")
    return array


def _column(name: str, array: Array) -> _Column:
    if array.dtype.kind in "OU":
        return _column_of_objects(name, array)
    if array.dtype.kind == "M":
        return _column_of_times(name, array)
    kind, size = array.dtype.kind, array.dtype.itemsize
    content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    if kind == "b":
        return _Column(_BOOL, (), 0, [b"", np.packbits(array, bitorder="little").tobytes()])
    if kind in "iu":
        return _Column(_INT, (Scalar("i", 8 * size), Scalar("B", int(kind == "i"))), 0, [b"", content])
    if kind == "f" and size in _PRECISIONS:
        return _Column(_FLOAT, (Scalar("h", _PRECISIONS[size]),), 0, [b"", content])
    raise TypeError(f"the column {name!r} is of {array.dtype}, of which there are no columns")


def _column_of_objects(name: str, array: Array) -> _Column:
    valid = np.array([value is not None for value in array], dtype=bool)
    present = array[valid]
    if all(isinstance(value, str) for value in present):
        return _column_of_text(array, valid)
    # Numbers between which there are nulls.
    numbers = np.asarray(present.tolist())
    if numbers.dtype.kind not in "biuf":
        raise TypeError(f"the column {name!r} holds values of which there are no columns")
    filled = np.zeros(len(array), numbers.dtype)
    filled[valid] = numbers
    column = _column(name, filled)
    return column._replace(nulls=len(array) - len(present), buffers=[_validity(valid), *column.buffers[1:]])


def _column_of_text(array: Array, valid: Array) -> _Column:
    cells = [b"" if value is None else str(value).encode("utf-8", "replace") for value in array]
    offsets = np.zeros(len(cells) + 1, dtype=np.int64)
    np.cumsum([len(cell) for cell in cells], out=offsets[1:])
    if offsets[-1] >= 2**31:
        raise ValueError("text of more than 2 GB in one column")
    content = [_validity(valid), offsets.astype("<i4").tobytes(), b"".join(cells)]
    return _Column(_UTF8, (), int(len(cells) - np.count_nonzero(valid)), content)


def _column_of_times(name: str, array: Array) -> _Column:
    unit, step = np.datetime_data(array.dtype)
    valid = ~np.isnat(array)
    nulls = int(len(array) - np.count_nonzero(valid))
    if unit == "D" and step == 1:
        return _Column(_DATE, (Scalar("h", 0),), nulls, [_validity(valid), array.astype("i8").astype("<i4").tobytes()])
    if unit in _UNITS and step == 1:
        content = array.astype("<i8").tobytes()
        return _Column(_TIMESTAMP, (Scalar("h", _UNITS[unit]),), nulls, [_validity(valid), content])
    raise TypeError(f"the column {name!r} is of {array.dtype}, of which there are no columns")


def _validity(valid: Array) -> bytes:
    return b"" if valid.all() else np.packbits(valid, bitorder="little").tobytes()
