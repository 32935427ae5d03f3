"""A host's side of shared memory, as far as the tests need one."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import struct
import tempfile
import time
from typing import Any

from pitwall_worker.memory.layout import FIRST_SLICE, HEADER, HOST_MARK, HOST_MARK_CHECK, STAMP
from pitwall_worker.memory.reference import Reference, sign

_F_ADD_SEALS = 1033
_ALL_SEALS = 7


class Host:
    """One region with one slice in use: ``payload``, of generation 7."""

    generation = 7
    offset = FIRST_SLICE + HEADER

    def __init__(self, lane: str, payload: bytes, size: int = 2**20, seal: bool = True) -> None:
        self.lane = lane
        self.payload = payload
        self.size = size
        self.key = os.urandom(32)
        self.arena = os.urandom(8).hex()
        if lane == "memfd":
            self.descriptor = os.memfd_create("pitwall-test", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC)
            self.path = f"/proc/{os.getpid()}/fd/{self.descriptor}"
        else:
            self.descriptor, self.path = tempfile.mkstemp(suffix=".region", dir="/dev/shm")
        os.ftruncate(self.descriptor, size)
        if lane == "memfd" and seal:
            fcntl.fcntl(self.descriptor, _F_ADD_SEALS, _ALL_SEALS)
        self._number(STAMP, self._check("stamp", 0))
        self.mark(FIRST_SLICE)
        self._number(FIRST_SLICE, self.generation)
        os.pwrite(self.descriptor, payload, self.offset)

    def mark(self, offset: int) -> None:
        """How far pages are faulted in."""
        self._number(HOST_MARK, offset)
        self._number(HOST_MARK_CHECK, self._check("mark", offset))

    def reuse(self) -> None:
        """The slice serves another transfer from now on."""
        self._number(FIRST_SLICE, self.generation + 1)

    def attachment(self, **changes: Any) -> str:
        """What a worker is told."""
        told = {"arena": self.arena, "lane": self.lane, "path": self.path, "bytes": self.size, "key": self.key.hex()}
        return json.dumps({**told, **changes})

    def reference(self, key: bytes | None = None, **changes: Any) -> dict[str, Any]:
        """The slice's, signed after the changes."""
        fields: dict[str, Any] = {
            "arena": self.arena,
            "generation": self.generation,
            "offset": self.offset,
            "length": len(self.payload),
            "expiresAtMs": int(time.time() * 1000) + 600_000,
            **changes,
        }
        unsigned = Reference(
            fields["arena"], fields["generation"], fields["offset"], fields["length"], fields["expiresAtMs"], ""
        )
        return {**fields, "signature": sign(key or self.key, unsigned)}

    def read(self, length: int) -> bytes:
        return os.pread(self.descriptor, length, self.offset)

    def close(self) -> None:
        os.close(self.descriptor)
        if self.lane != "memfd":
            os.unlink(self.path)

    def _number(self, offset: int, value: int) -> None:
        os.pwrite(self.descriptor, struct.pack("<Q", value), offset)

    def _check(self, what: str, value: int) -> int:
        text = f"{self.arena}\n{what}\n{value}".encode()
        return int.from_bytes(hmac.digest(self.key, text, "sha256")[:6], "big")


def encoded(reference: object) -> memoryview:
    return memoryview(json.dumps(reference).encode())
