"""
The messages of ``proto/pitwall.proto`` in protobuf's wire format (https://protobuf.dev/programming-guides/encoding), by hand: a payload is read as a
view of its message, and sent as it lies, where a general library would copy it twice.
"""

from __future__ import annotations

import struct

Bytes = bytes | bytearray | memoryview
Field = int | float | memoryview

_VARINT = 0
_FIXED64 = 1
_LENGTH_DELIMITED = 2
_FIXED32 = 5
_MAX_VARINT_BYTES = 10


def read_fields(message: memoryview) -> dict[int, Field]:
    """
    Fields by number, the last one of each, as proto3 says; values of bytes are views of the message.

    Raises ValueError for bytes that are no message.
    """
    fields: dict[int, Field] = {}
    at = 0
    end = len(message)
    while at < end:
        tag, at = _read_varint(message, at)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == _LENGTH_DELIMITED:
            length, at = _read_varint(message, at)
            if at + length > end:
                raise ValueError("a field is longer than its message")
            fields[number] = message[at : at + length]
            at += length
        elif wire_type == _VARINT:
            fields[number], at = _read_varint(message, at)
        elif wire_type == _FIXED64:
            if at + 8 > end:
                raise ValueError("a number is cut off")
            fields[number] = struct.unpack_from("<d", message, at)[0]
            at += 8
        elif wire_type == _FIXED32:
            at += 4
        else:
            raise ValueError(f"wire type {wire_type} is unknown")
    return fields


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    for index in range(at, min(at + _MAX_VARINT_BYTES, len(message))):
        byte = message[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    raise ValueError("a number is cut off, or too long")


def text_field(number: int, value: str) -> bytes:
    return bytes_field(number, value.encode("utf-8", "replace")) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    return length_head(number, len(value)) + value if value else b""


def length_head(number: int, length: int) -> bytes:
    """What stands before ``length`` bytes of a field."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(length)


def number_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value) if value else b""


def double_field(number: int, value: float) -> bytes:
    return _varint(number << 3 | _FIXED64) + struct.pack("<d", value) if value else b""


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes((value,))
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
