"""
What lies where in a region (docs/shared-memory.md). Numbers are whole, 8 bytes, little-endian::

    0       8       16       24      4096
    | mark  | check | stamp  | unused | slice | slice | ...

    slice:  | generation | padding to 64 | payload ...
                                           ^ reference.offset
"""

from __future__ import annotations

HOST_MARK = 0
HOST_MARK_CHECK = 8
STAMP = 16

#: Offset of the first slice's header.
FIRST_SLICE = 4096

#: Bytes before a payload that hold its generation.
HEADER = 64

PAGE = 4096
