"""A file that host and worker have in common, and how its bytes are reached. A worker opens what its host made, and never removes it."""

from __future__ import annotations

import fcntl
import mmap
import os
import stat
import struct
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ..errors import reference_refused
from .layout import PAGE

ByteArray = npt.NDArray[np.uint8]

_WORD = struct.Struct("<Q")
# Linux 5.14; asked for by number, since Python has no name for them.
_MADV_POPULATE_READ = 22
_F_GET_SEALS = 1034
_F_SEAL_SHRINK = 2


class Region(Protocol):
    """What an attached arena needs of its memory."""

    bytes: int
    #: The region itself, mapped; or ordinary memory of the same shape, brought in step by ``push`` and ``pull``.
    memory: ByteArray

    def populate(self, start: int, end: int) -> None:
        """Faults in what is about to be used, in one call."""

    def pull(self, start: int, end: int) -> None:
        """Makes what the host wrote visible here."""

    def push(self, start: int, end: int) -> None:
        """Makes what was written here visible to the host."""

    def read_number(self, offset: int) -> int:
        """A whole number of 8 bytes."""

    def close(self) -> None:
        """Lets go of the file. Views stay valid for as long as somebody has them."""


def open_region(lane: str, path: str, size: int) -> Region:
    """Raises OSError or ValueError where it is not what it should be."""
    # Without O_NONBLOCK, a path that names a pipe would wait for its other end.
    descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("is no file")
        # A mapping beyond the file's end would be SIGBUS at the first look, as would one whose file is cut later.
        if found.st_size < size:
            raise ValueError(f"has {found.st_size} bytes, not {size}")
        if lane == "copy":
            return _CopyRegion(os.dup(descriptor), size)
        if lane == "memfd" and not fcntl.fcntl(descriptor, _F_GET_SEALS) & _F_SEAL_SHRINK:
            raise ValueError("is not sealed")
        return _MappedRegion(descriptor, size)
    finally:
        os.close(descriptor)


class _MappedRegion:
    """Mapped once. The mapping ends when nobody has a view of it any more, never before: a view of unmapped memory ends the process."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.bytes = size
        self._map = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self.memory: ByteArray = np.frombuffer(self._map, np.uint8)

    def populate(self, start: int, end: int) -> None:
        start -= start % PAGE
        try:
            self._map.madvise(_MADV_POPULATE_READ, start, end - start)
        except OSError:
            # An older kernel: the first look does it, page by page.
            pass

    def pull(self, start: int, end: int) -> None:
        """One memory."""

    def push(self, start: int, end: int) -> None:
        """One memory."""

    def read_number(self, offset: int) -> int:
        number: int = _WORD.unpack_from(self._map, offset)[0]
        return number

    def close(self) -> None:
        """The last view lets go."""


class _CopyRegion:
    """Without a mapping: the file is read and written."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.bytes = size
        self._descriptor = descriptor
        # Kept, and of the same shape: fresh memory would cost more in page faults than the copy does.
        self.memory: ByteArray = np.frombuffer(mmap.mmap(-1, size), np.uint8)

    def populate(self, start: int, end: int) -> None:
        """The copy does."""

    def pull(self, start: int, end: int) -> None:
        view = self.memory.data
        while start < end:
            count = os.preadv(self._opened(), [view[start:end]], start)
            if count == 0:
                raise reference_refused("range", "shared memory is shorter than it was")
            start += count

    def push(self, start: int, end: int) -> None:
        view = self.memory.data
        while start < end:
            start += os.pwrite(self._opened(), view[start:end], start)

    def read_number(self, offset: int) -> int:
        word = os.pread(self._opened(), _WORD.size, offset)
        if len(word) < _WORD.size:
            raise reference_refused("range", "shared memory is shorter than it was")
        number: int = _WORD.unpack(word)[0]
        return number

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _opened(self) -> int:
        # The number of a closed descriptor may be another file's by now.
        if self._descriptor < 0:
            raise reference_refused("arena", "closed")
        return self._descriptor
