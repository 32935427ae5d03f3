"""Attaches to the memory of a host: mapped once, for as long as the worker lives."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import attach_failed, reference_refused
from ..wire import Bytes
from .first_page import Owner, has_stamp
from .follower import Follower
from .layout import HEADER
from .reference import Reference, check_reference
from .region import ByteArray, Region, open_region

_LANES = ("memfd", "file", "copy")
_KEY = re.compile(r"[0-9a-f]{64}")


def epoch_ms() -> float:
    return time.time() * 1000


def attach_arena(descriptor: str, now_ms: Callable[[], float] = epoch_ms) -> AttachedArena:
    """Raises PitwallError ``PITWALL_SHM_ATTACH`` for a descriptor that makes no sense or whose memory is not there."""
    arena, lane, path, size, key = _check_descriptor(descriptor)
    try:
        region = open_region(lane, path, size)
    except (OSError, ValueError, OverflowError) as error:
        raise attach_failed(f"{path}: {error}") from error
    owner = Owner(arena, key)
    if not has_stamp(region, owner):
        region.close()
        raise attach_failed(f"{path}: is not the memory that the descriptor names")
    return AttachedArena(region, owner, now_ms)


class AttachedArena:
    """A pool's shared memory. Its methods may be called from several threads."""

    def __init__(self, region: Region, owner: Owner, now_ms: Callable[[], float]) -> None:
        self._region = region
        self._owner = owner
        self._now_ms = now_ms
        self._follower = Follower(region, owner)
        self._closed = False
        self._lock = threading.Lock()
        # One buffer per mapping; what handlers get are views of this one, which cannot be made writable again.
        self._read_only = region.memory.data.toreadonly()

    def view(self, reference: memoryview) -> memoryview:
        """
        The bytes that a reference (JSON) names, read-only.

        Raises PitwallError ``PITWALL_SHM_REFERENCE`` for a reference that is stale, forged, expired or out of range.
        """
        checked = self._check(reference)
        start, end = checked.offset, checked.offset + checked.length
        with self._lock:
            self._follower.reach(start, end, checked.fresh)
        self._region.pull(start, end)
        return self._read_only[start:end]

    def slice_for(self, reference: memoryview) -> ArenaSlice:
        """Memory that may be written to. Raises as ``view``."""
        checked = self._check(reference)
        start, end = checked.offset, checked.offset + checked.length
        with self._lock:
            self._follower.reach(start, end, checked.fresh)
        return ArenaSlice(self, checked, self._region.memory[start:end])

    def check_generation(self, reference: Reference) -> None:
        """Raises PitwallError where the slice serves another transfer by now."""
        if self._region.read_number(reference.offset - HEADER) != reference.generation:
            raise reference_refused("generation", reference.generation)

    def push(self, reference: Reference, length: int) -> None:
        """Makes what was written visible to the host."""
        self._region.push(reference.offset, reference.offset + length)

    def close(self) -> None:
        """Views that somebody has stay valid."""
        self._closed = True
        self._follower.stop()
        self._region.close()

    def _check(self, text: memoryview) -> Reference:
        if self._closed:
            raise reference_refused("arena", "closed")
        reference = check_reference(text, self._owner.arena, self._region.bytes, self._owner.key, self._now_ms())
        self.check_generation(reference)
        return reference


class ArenaSlice:
    """Memory that the host lends for one result."""

    def __init__(self, arena: AttachedArena, reference: Reference, memory: ByteArray) -> None:
        self.memory = memory
        self._arena = arena
        self._reference = reference

    def write(self, parts: Sequence[Bytes]) -> int:
        """
        Writes pieces that follow one another, but for those that lie in their place.

        Returns how many bytes they are. Raises as ``AttachedArena.check_generation``.
        """
        total = sum(len(part) for part in parts)
        self._arena.check_generation(self._reference)
        end = total
        # From behind: what a handler built in place may have to move up to make room for another header, and is not to be written over before.
        for part in reversed(parts):
            start = end - len(part)
            if start < end:
                copy_into(self.memory[start:end], part)
            end = start
        self._arena.push(self._reference, total)
        return total


def copy_into(target: ByteArray, part: Bytes) -> None:
    source = np.frombuffer(part, np.uint8)
    if address_of(source) != address_of(target):
        target[:] = source


def address_of(array: npt.NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address


def _check_descriptor(text: str) -> tuple[str, str, str, int, bytes]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise attach_failed("the descriptor is no JSON") from None
    if not isinstance(value, dict):
        raise attach_failed("the descriptor is no object")
    arena, lane, path, size, key = (value.get(name) for name in ("arena", "lane", "path", "bytes", "key"))
    if lane not in _LANES:
        raise attach_failed(f"lane: {lane!r:.80}")
    if not isinstance(arena, str) or not isinstance(path, str):
        raise attach_failed("no text where text belongs")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise attach_failed("key: not 64 hexadecimal digits")
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise attach_failed(f"bytes: {size!r:.80}")
    return arena, str(lane), path, size, bytes.fromhex(key)
