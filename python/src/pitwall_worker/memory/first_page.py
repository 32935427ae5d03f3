"""
The first page of a region: whose it is, and how far the host has faulted pages in. Both carry a keyed check, since whoever shares memory can write
into it by mistake.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from .layout import FIRST_SLICE, HOST_MARK, HOST_MARK_CHECK, STAMP
from .region import Region


class Owner(NamedTuple):
    arena: str
    key: bytes


def has_stamp(region: Region, owner: Owner) -> bool:
    """Whether a region is the one that a descriptor names: a descriptor's number, or its process's, may have passed to another."""
    return region.read_number(STAMP) == _check_of(owner, "stamp", 0)


def read_mark(region: Region, owner: Owner, before: int) -> int:
    """How far the host's mark has come; ``before`` where it is not the host's, or half written: the next look will tell."""
    mark = region.read_number(HOST_MARK)
    if mark == before or not FIRST_SLICE <= mark <= region.bytes:
        return before
    return mark if region.read_number(HOST_MARK_CHECK) == _check_of(owner, "mark", mark) else before


def _check_of(owner: Owner, what: str, value: int) -> int:
    """The first six bytes of HMAC-SHA-256."""
    text = f"{owner.arena}\n{what}\n{value}"
    return int.from_bytes(hmac.digest(owner.key, text.encode(), "sha256")[:6], "big")
