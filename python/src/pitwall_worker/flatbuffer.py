"""Reads flatbuffers (https://flatbuffers.dev/internals), as Arrow's metadata are. Every read is bounded: bytes from elsewhere may say anything."""

from __future__ import annotations

import struct
from collections.abc import Iterator


class FlatTable:
    """A table inside a buffer. Its methods raise ValueError for bytes that are no such table."""

    def __init__(self, buffer: memoryview, position: int) -> None:
        self._buffer = buffer
        self._position = position
        self._vtable = position - _read("<i", buffer, position)
        self._vtable_bytes = _read("<H", buffer, self._vtable)

    @staticmethod
    def root(buffer: memoryview) -> FlatTable:
        return FlatTable(buffer, _read("<I", buffer, 0))

    def number(self, field: int, form: str, default: int = 0) -> int:
        """A scalar, in the form that ``struct`` names it by."""
        at = self._field(field)
        return default if at is None else _read("<" + form, self._buffer, at)

    def table(self, field: int) -> FlatTable | None:
        at = self._field(field)
        return None if at is None else FlatTable(self._buffer, at + _read("<I", self._buffer, at))

    def text(self, field: int) -> str:
        at = self._field(field)
        if at is None:
            return ""
        start, length = self._vector(at)
        return str(_cut(self._buffer, start, length), "utf-8", "replace")

    def tables(self, field: int) -> Iterator[FlatTable]:
        at = self._field(field)
        if at is None:
            return
        start, count = self._vector(at)
        for index in range(count):
            offset_at = start + 4 * index
            yield FlatTable(self._buffer, offset_at + _read("<I", self._buffer, offset_at))

    def pairs(self, field: int) -> list[tuple[int, int]]:
        """A vector of structs of two 64-bit numbers."""
        at = self._field(field)
        if at is None:
            return []
        start, count = self._vector(at)
        return [(first, second) for first, second in struct.iter_unpack("<qq", _cut(self._buffer, start, 16 * count))]

    def _field(self, field: int) -> int | None:
        entry = 4 + 2 * field
        if entry + 2 > self._vtable_bytes:
            return None
        offset = _read("<H", self._buffer, self._vtable + entry)
        return self._position + offset if offset else None

    def _vector(self, at: int) -> tuple[int, int]:
        start = at + _read("<I", self._buffer, at)
        return start + 4, _read("<I", self._buffer, start)


def _read(form: str, buffer: memoryview, at: int) -> int:
    if at < 0:
        raise ValueError("metadata point outside themselves")
    try:
        value: int = struct.unpack_from(form, buffer, at)[0]
    except struct.error:
        raise ValueError("metadata are cut off") from None
    return value


def _cut(buffer: memoryview, start: int, length: int) -> memoryview:
    if start < 0 or length < 0 or start + length > len(buffer):
        raise ValueError("metadata point outside themselves")
    return buffer[start : start + length]
