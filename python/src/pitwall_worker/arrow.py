"""
Reads Arrow IPC streams and files (https://arrow.apache.org/docs/format/Columnar.html) as far as tables of plain columns go: numbers, bools, text, bytes,
dates and times, and dictionaries of those. Nested columns and compressed bodies are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .flatbuffer import FlatTable
from .table import Chunk, Column, Table

Array = npt.NDArray[Any]

_FILE_MAGIC = b"ARROW1"
_CONTINUATION = 0xFFFFFFFF
_Message = tuple[int, FlatTable, memoryview]

_SCHEMA, _DICTIONARY_BATCH, _RECORD_BATCH = 1, 2, 3
_UNITS = ("s", "ms", "us", "ns")
_INDEX_TYPES = {(8, 1): "i1", (16, 1): "i2", (32, 1): "i4", (64, 1): "i8", (8, 0): "u1", (16, 0): "u2", (32, 0): "u4"}
_FLOATS = ("<f2", "<f4", "<f8")


@dataclass(frozen=True)
class _Type:
    name: str
    #: numpy's name of what lies in the buffer; empty: it is not one array.
    stored: str = ""
    #: What it becomes.
    meant: str = ""
    #: Offsets before the bytes of text.
    offsets: str = ""


@dataclass(frozen=True)
class _Field:
    name: str
    type: _Type
    dictionary_id: int | None
    index_type: _Type | None


def decode_table(data: memoryview) -> Table:
    """Raises ValueError for bytes that are no Arrow table, or one of kinds that are not read here."""
    messages = _messages_of_file(data) if bytes(data[:6]) == _FILE_MAGIC else _messages(data, 0)
    kind, schema, _ = next(messages, (0, None, None))
    if kind != _SCHEMA or schema is None:
        raise ValueError("no Arrow table: no schema comes first")
    fields = [_field_of(each) for each in schema.tables(1)]
    chunks: list[list[Chunk]] = [[] for _ in fields]
    dictionaries: dict[int, list[Any]] = {}
    rows = 0
    for kind, header, body in messages:
        if kind == _DICTIONARY_BATCH:
            _read_dictionary(header, body, fields, dictionaries)
        elif kind == _RECORD_BATCH:
            batch = _Batch(header, body)
            rows += batch.rows
            for column, each in zip(chunks, fields):
                column.append(_read_column(batch, each, dictionaries))
    columns = [Column(each.name, _kind_of(each), column, rows) for each, column in zip(fields, chunks)]
    return Table(columns, rows, data)


def _messages_of_file(data: memoryview) -> Iterator[_Message]:
    """The schema may stand in the footer only; what lies between is a stream."""
    end = len(data) - len(_FILE_MAGIC) - 4
    if end < 8 or bytes(data[end + 4 :]) != _FILE_MAGIC:
        raise ValueError("no Arrow table: a file without its end")
    (length,) = struct.unpack_from("<I", data, end)
    schema = FlatTable.root(_cut(data, end - length, length)).table(1)
    if schema is None:
        raise ValueError("no Arrow table: a file without a schema")
    yield _SCHEMA, schema, data[:0]
    yield from _messages(data, 8)


def _messages(data: memoryview, at: int) -> Iterator[_Message]:
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if length == _CONTINUATION:
            if at + 4 > len(data):
                raise ValueError("no Arrow table: it is cut off")
            (length,) = struct.unpack_from("<I", data, at)
            at += 4
        if length == 0:
            return
        message = FlatTable.root(_cut(data, at, length))
        at += length
        header = message.table(2)
        if header is None:
            raise ValueError("no Arrow table: a message without a header")
        body = _cut(data, at, message.number(3, "q"))
        at += len(body)
        yield message.number(1, "B"), header, body


def _field_of(table: FlatTable) -> _Field:
    name = table.text(0)
    if next(table.tables(5), None) is not None:
        raise ValueError(f"the Arrow column {name!r} is nested: send it as bytes, and read it with pyarrow")
    kind = _type_of(name, table.number(2, "B"), table.table(3))
    dictionary = table.table(4)
    if dictionary is None:
        return _Field(name, kind, None, None)
    index = dictionary.table(1)
    key = (32, 1) if index is None else (index.number(0, "i"), index.number(1, "B"))
    if key not in _INDEX_TYPES:
        raise ValueError(f"the Arrow column {name!r} has codes of {key[0]} bits")
    return _Field(name, kind, dictionary.number(0, "q"), _Type("codes", "<" + _INDEX_TYPES[key]))


def _kind_of(each: _Field) -> str:
    return each.type.name if each.dictionary_id is None else f"dictionary<{each.type.name}>"


def _type_of(name: str, number: int, table: FlatTable | None) -> _Type:
    simple = {1: _Type("null"), 4: _Type("binary", offsets="<i4"), 5: _Type("utf8", offsets="<i4"), 6: _Type("bool")}
    simple.update({19: _Type("binary", offsets="<i8"), 20: _Type("utf8", offsets="<i8")})
    if number in simple:
        return simple[number]
    found = None if table is None else _number_type(number, table)
    if found is None:
        raise ValueError(f"the Arrow column {name!r} is of type {number}: send it as bytes, and read it with pyarrow")
    return found


def _number_type(number: int, table: FlatTable) -> _Type | None:
    if number == 2:
        bits, signed = table.number(0, "i"), table.number(1, "B")
        code = f"{'i' if signed else 'u'}{bits // 8}"
        return _Type(f"{'' if signed else 'u'}int{bits}", "<" + code) if bits in (8, 16, 32, 64) else None
    if number == 3:
        precision = table.number(0, "h")
        return _Type(f"float{16 << precision}", _FLOATS[precision]) if 0 <= precision <= 2 else None
    if number == 8:
        days = table.number(0, "h", 1) == 0
        return _Type("date32", "<i4", "M8[D]") if days else _Type("date64", "<i8", "M8[ms]")
    unit_number = table.number(0, "h", 0 if number == 10 else 1)
    if not 0 <= unit_number < len(_UNITS):
        return None
    unit = _UNITS[unit_number]
    if number == 9:
        bits = table.number(1, "i", 32)
        return _Type(f"time{bits}[{unit}]", f"<i{bits // 8}") if bits in (32, 64) else None
    if number == 10:
        return _Type(f"timestamp[{unit}]", "<i8", f"M8[{unit}]")
    return _Type(f"duration[{unit}]", "<i8", f"m8[{unit}]") if number == 18 else None


class _Batch:
    """A record batch, whose nodes and buffers are read in the order of its columns."""

    def __init__(self, header: FlatTable, body: memoryview) -> None:
        if header.table(3) is not None:
            raise ValueError("the Arrow table is compressed: send it as bytes, and read it with pyarrow")
        self.rows = header.number(0, "q")
        self._nodes = iter(header.pairs(1))
        self._buffers = iter(header.pairs(2))
        self._body = body

    def node(self) -> tuple[int, int]:
        """Length and nulls of the next column."""
        found = next(self._nodes, None)
        if found is None or found[0] != self.rows or self.rows < 0:
            raise ValueError("no Arrow table: a batch that lacks a column")
        return found

    def buffer(self) -> memoryview:
        offset, length = next(self._buffers, (0, -1))
        return _cut(self._body, offset, length)

    def array(self, dtype: str, count: int) -> Array:
        data = self.buffer()
        needed = count * np.dtype(dtype).itemsize
        if len(data) < needed:
            raise ValueError("no Arrow table: a buffer that is too short")
        if needed == 0:
            return np.empty(0, dtype)
        found = np.frombuffer(data[:needed], dtype)
        return found if found.flags.aligned else found.copy()

    def bits(self, count: int) -> Array:
        packed = self.array("u1", -(-count // 8))
        return np.unpackbits(packed, count=count, bitorder="little").view(bool)


def _read_column(batch: _Batch, each: _Field, dictionaries: dict[int, list[Any]]) -> Chunk:
    if each.dictionary_id is None or each.index_type is None:
        return _read_values(batch, each.type)
    codes = _read_values(batch, each.index_type)
    if each.dictionary_id not in dictionaries:
        raise ValueError(f"no Arrow table: the dictionary of {each.name!r} is missing")
    return codes._replace(categories=dictionaries[each.dictionary_id])


def _read_values(batch: _Batch, kind: _Type) -> Chunk:
    rows, nulls = batch.node()
    if kind.name == "null":
        # One for all: there may be any number of them, at no cost to who sends them.
        return Chunk(np.broadcast_to(np.array(None, dtype=object), rows), np.broadcast_to(np.array(False), rows))
    if nulls > 0:
        valid: Array | None = batch.bits(rows)
    else:
        batch.buffer()
        valid = None
    if kind.name == "bool":
        return Chunk(batch.bits(rows), valid)
    if kind.offsets:
        return Chunk(_read_text(batch, kind, rows), valid)
    stored = batch.array(kind.stored, rows)
    if not kind.meant:
        return Chunk(stored, valid)
    # Numbers of 64 bits are viewed as what they mean, those of 32 have to be widened.
    return Chunk(stored.view(kind.meant) if stored.itemsize == 8 else stored.astype(kind.meant), valid)


def _read_text(batch: _Batch, kind: _Type, rows: int) -> Array:
    # A column without rows may have no offsets.
    offsets = batch.array(kind.offsets, rows + 1 if rows else 0).tolist()
    data = bytes(batch.buffer())
    if offsets and (offsets[0] < 0 or offsets[-1] > len(data)):
        raise ValueError("no Arrow table: text outside its buffer")
    cells = [data[start:end] for start, end in zip(offsets, offsets[1:])]
    values = np.empty(rows, dtype=object)
    values[:] = [cell.decode("utf-8", "replace") for cell in cells] if kind.name == "utf8" else cells
    return values


def _read_dictionary(
    header: FlatTable, body: memoryview, fields: list[_Field], dictionaries: dict[int, list[Any]]
) -> None:
    identity = header.number(0, "q")
    kind = next((each.type for each in fields if each.dictionary_id == identity), None)
    inner = header.table(1)
    if kind is None or inner is None:
        raise ValueError("no Arrow table: a dictionary that no column has")
    chunk = _read_values(_Batch(inner, body), kind)
    values = chunk.values.tolist()
    if chunk.valid is not None:
        values = [value if good else None for value, good in zip(values, chunk.valid.tolist())]
    known = dictionaries.get(identity, []) if header.number(2, "B") else []
    # A new list each time: earlier batches keep theirs.
    dictionaries[identity] = known + values


def _cut(data: memoryview, start: int, length: int) -> memoryview:
    if start < 0 or length < 0 or start + length > len(data):
        raise ValueError("no Arrow table: it is cut off")
    return data[start : start + length]
