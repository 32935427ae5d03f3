"""Writes flatbuffers (https://flatbuffers.dev/internals) front to back: what a table refers to follows it, and its place is filled in then."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Union


class Scalar(NamedTuple):
    """A number, in the form that ``struct`` names it by."""

    form: str
    value: int


class Pairs(NamedTuple):
    """A vector of structs of two 64-bit numbers."""

    pairs: Sequence[tuple[int, int]]


class Tables(NamedTuple):
    """A vector of tables."""

    tables: Sequence[Fields]


#: A table by its fields; None where one is left out.
Fields = Sequence[Union[Scalar, Pairs, Tables, str, "Fields", None]]

_REFERENCE = "I"


def flatbuffer(root: Fields) -> bytes:
    """A buffer with one table, as long as a multiple of 8."""
    writer = _Writer()
    writer.refer(0, writer.table(root))
    writer.align(8)
    return bytes(writer.data)


class _Writer:
    def __init__(self) -> None:
        self.data = bytearray(8)

    def align(self, size: int, ahead: int = 0) -> None:
        """So that what is written ``ahead`` bytes further on lies at a multiple of ``size``."""
        self.data += bytes(-(len(self.data) + ahead) % size)

    def refer(self, at: int, target: int) -> None:
        struct.pack_into("<I", self.data, at, target - at)

    def table(self, fields: Fields) -> int:
        """Returns where it begins."""
        forms = [field.form if isinstance(field, Scalar) else _REFERENCE for field in fields]
        vtable_bytes = 4 + 2 * len(fields)
        self.align(8, vtable_bytes)
        vtable = len(self.data)
        self.data += bytes(vtable_bytes)
        start = len(self.data)
        self.data += struct.pack("<i", start - vtable)
        places = []
        for index, (field, form) in enumerate(zip(fields, forms)):
            if field is None:
                places.append(0)
                continue
            self.align(struct.calcsize("<" + form))
            places.append(len(self.data))
            struct.pack_into("<H", self.data, vtable + 4 + 2 * index, len(self.data) - start)
            self.data += struct.pack("<" + form, field.value if isinstance(field, Scalar) else 0)
        struct.pack_into("<HH", self.data, vtable, vtable_bytes, len(self.data) - start)
        for field, place in zip(fields, places):
            if field is not None and not isinstance(field, Scalar):
                self.refer(place, self._child(field))
        return start

    def _child(self, field: Pairs | Tables | str | Fields) -> int:
        if isinstance(field, str):
            text = field.encode()
            return self._vector(4, len(text), text + b"\0")
        if isinstance(field, Pairs):
            return self._vector(8, len(field.pairs), b"".join(struct.pack("<qq", *pair) for pair in field.pairs))
        if isinstance(field, Tables):
            start = self._vector(4, len(field.tables), bytes(4 * len(field.tables)))
            for index, each in enumerate(field.tables):
                self.refer(start + 4 + 4 * index, self.table(each))
            return start
        return self.table(field)

    def _vector(self, size: int, count: int, content: bytes) -> int:
        self.align(max(size, 4), 4)
        start = len(self.data)
        self.data += struct.pack("<I", count) + content
        return start
