"""The messages of ``proto/pitwall.proto``, typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .wire import Bytes, Field, bytes_field, double_field, length_head, number_field, read_fields, text_field

#: Longer messages of errors are cut.
MAX_ERROR_TEXT = 16_384


class Request(NamedTuple):
    command: str
    data_type: str
    format: str
    gzip: bool
    #: JSON of the reference to the payload, where it lies in shared memory.
    reference: memoryview | None
    #: JSON of a reference to memory that the result may be written to.
    result_reference: memoryview | None
    data: memoryview
    #: Bytes of the payload before compression.
    size: int
    #: Milliseconds after which the caller waits no longer; 0: no limit.
    timeout_ms: float


_EMPTY = memoryview(b"")


def decode_request(message: memoryview) -> Request:
    """Raises ValueError for bytes that are no request."""
    fields = read_fields(message)
    timeout_ms = fields.get(9, 0.0)
    return Request(
        command=_text(fields, 1),
        data_type=_text(fields, 2),
        format=_text(fields, 3),
        gzip=fields.get(4) == 1,
        reference=_view(fields, 5),
        result_reference=_view(fields, 6),
        data=_view(fields, 7) or _EMPTY,
        size=_whole(fields, 8),
        timeout_ms=timeout_ms if isinstance(timeout_ms, float) else 0.0,
    )


class Reply(NamedTuple):
    data_type: str = ""
    format: str = ""
    worker_us: float = 0.0
    handler_us: float = 0.0
    error_code: str = ""
    error_message: str = ""
    #: Bytes of the result that were written to the offered memory; then there are no parts.
    result_length: int = 0
    #: The result's bytes, in pieces that follow one another.
    parts: Sequence[Bytes] = ()


def failed(code: str, message: str) -> Reply:
    return Reply(error_code=code, error_message=message[:MAX_ERROR_TEXT])


def encode_reply(reply: Reply) -> list[Bytes]:
    """The message in pieces: all but the result in the first, the result's own as they lie."""
    head = encode_reply_head(reply)
    total = sum(len(part) for part in reply.parts)
    return [head] if total == 0 else [head + length_head(8, total), *reply.parts]


def encode_reply_head(reply: Reply) -> bytes:
    """The message without the result."""
    return b"".join(
        (
            text_field(1, reply.data_type),
            text_field(2, reply.format),
            double_field(3, reply.worker_us),
            double_field(4, reply.handler_us),
            text_field(5, reply.error_code),
            text_field(6, reply.error_message),
            number_field(7, reply.result_length),
        )
    )


class Chunk(NamedTuple):
    """A piece of a message that travels in several: the first has the head, those that follow the data."""

    head: memoryview | None
    total: int
    data: memoryview | None


def decode_chunk(message: memoryview) -> Chunk:
    """Raises ValueError for bytes that are no chunk."""
    fields = read_fields(message)
    return Chunk(head=_view(fields, 1), total=_whole(fields, 2), data=_view(fields, 3))


def encode_chunk_head(head: bytes, total: int) -> bytes:
    return bytes_field(1, head) + number_field(2, total)


def encode_chunk_data(data: Bytes) -> bytes:
    return b"".join((length_head(3, len(data)), data))


def decode_attach(message: memoryview) -> str:
    return _text(read_fields(message), 1)


def encode_attach_reply(error: str, control_path: str) -> bytes:
    return text_field(1, error[:MAX_ERROR_TEXT]) + text_field(2, control_path)


def encode_health(commands: Sequence[str], pid: int) -> bytes:
    return b"".join(bytes_field(1, command.encode()) for command in commands) + number_field(2, pid)


def _text(fields: dict[int, Field], number: int) -> str:
    value = fields.get(number)
    return str(value, "utf-8", "replace") if isinstance(value, memoryview) else ""


def _view(fields: dict[int, Field], number: int) -> memoryview | None:
    value = fields.get(number)
    return value if isinstance(value, memoryview) else None


def _whole(fields: dict[int, Field], number: int) -> int:
    value = fields.get(number)
    return value if isinstance(value, int) else 0
