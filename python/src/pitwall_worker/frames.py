"""
Frames of the control channel (``proto/pitwall.proto``, ``AttachReply.control_path``)::

    | length u32le, of what follows | kind u8 | id u32le | body ... |
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence

from .wire import Bytes

REQUEST = 1
REPLY = 2
CANCEL = 3

_HEAD = struct.Struct("<IBI")
_LENGTH_BYTES = 4
_HEAD_BYTES = 5
#: Requests hold references, no payloads.
MAX_REQUEST_BYTES = 2**20
_PIECE = 64 * 1024
#: Smaller frames go out in one piece: joining them costs less than a list of pieces does.
_SMALL = 64 * 1024


def read_frames(connection: socket.socket) -> Iterator[tuple[int, int, memoryview]]:
    """
    Kind, id and body of each frame, until the peer closes. A body is good for as long as somebody has it.

    Raises ValueError for a length that no frame has; OSError where the connection breaks.
    """
    pending = bytearray()
    while True:
        piece = connection.recv(_PIECE)
        if not piece:
            return
        if pending:
            pending += piece
            piece = bytes(pending)
            pending.clear()
        view = memoryview(piece)
        at = 0
        while len(view) - at >= _LENGTH_BYTES:
            length = int.from_bytes(view[at : at + _LENGTH_BYTES], "little")
            if not _HEAD_BYTES <= length <= MAX_REQUEST_BYTES:
                raise ValueError(f"a frame of {length} bytes")
            end = at + _LENGTH_BYTES + length
            if end > len(view):
                break
            _, kind, identity = _HEAD.unpack_from(view, at)
            yield kind, identity, view[at + _HEAD.size : end]
            at = end
        if at < len(view):
            pending += view[at:]


def write_frame(connection: socket.socket, kind: int, identity: int, body: Sequence[Bytes]) -> None:
    """One writer at a time. Raises OSError where the connection breaks."""
    bytes_in_body = sum(len(part) for part in body)
    head = _HEAD.pack(_HEAD_BYTES + bytes_in_body, kind, identity)
    if bytes_in_body <= _SMALL:
        connection.sendall(b"".join((head, *body)))
    else:
        _send_pieces(connection, [memoryview(head), *(memoryview(part) for part in body if len(part) > 0)])


def _send_pieces(connection: socket.socket, pieces: list[memoryview]) -> None:
    while pieces:
        sent = connection.sendmsg(pieces)
        while pieces and sent >= len(pieces[0]):
            sent -= len(pieces.pop(0))
        if sent:
            pieces[0] = pieces[0][sent:]
