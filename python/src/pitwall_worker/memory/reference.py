"""References: what travels instead of the payload, signed with the arena's key. Checked before a byte of the slice is read."""

from __future__ import annotations

import hmac
import json
from typing import NamedTuple

from ..errors import reference_refused
from .layout import FIRST_SLICE, HEADER


class Reference(NamedTuple):
    arena: str
    #: Counts the uses of the slice: a stale reference names an older one.
    generation: int
    offset: int
    length: int
    #: Milliseconds since the epoch after which it is refused.
    expires_at_ms: int
    signature: str
    #: The slice's pages are new ones: what was faulted in at its place before is gone. A hint, not signed.
    fresh: bool = False


_MAX_TEXT = 128
#: The largest whole number that the host's language holds exactly.
_MAX_WHOLE = 2**53 - 1
_SIGNATURE_DIGITS = 32


def sign(key: bytes, reference: Reference) -> str:
    """HMAC-SHA-256 over the fields, one a line, cut to 128 bits, hexadecimal."""
    arena, generation, offset, length, expires_at_ms, _, _ = reference
    text = f"{arena}\n{generation}\n{offset}\n{length}\n{expires_at_ms}"
    return hmac.digest(key, text.encode(), "sha256").hex()[:_SIGNATURE_DIGITS]


def check_reference(text: memoryview, arena: str, region_bytes: int, key: bytes, now_ms: float) -> Reference:
    """
    The checks that need no look into memory.

    Raises PitwallError ``PITWALL_SHM_REFERENCE`` naming what is wrong.
    """
    reference = _read_reference(text)
    if reference.arena != arena:
        raise reference_refused("arena", reference.arena)
    offset, length = reference.offset, reference.length
    if offset < FIRST_SLICE + HEADER or length < 1 or offset + length > region_bytes:
        raise reference_refused("range", f"{offset}+{length}")
    if not hmac.compare_digest(sign(key, reference).encode(), reference.signature.encode("utf-8", "replace")):
        raise reference_refused("signature", "another one")
    if reference.expires_at_ms < now_ms:
        raise reference_refused("expiry", f"{now_ms - reference.expires_at_ms:.0f} ms ago")
    return reference


def _read_reference(text: memoryview) -> Reference:
    try:
        value = json.loads(bytes(text))
    # A text nested deeper than Python recurses is no reference either.
    except (ValueError, RecursionError):
        raise reference_refused("form", "no JSON") from None
    if not isinstance(value, dict):
        raise reference_refused("form", "no object")
    arena, signature = value.get("arena"), value.get("signature")
    if not isinstance(arena, str) or not isinstance(signature, str):
        raise reference_refused("form", "no text where text belongs")
    if len(arena) > _MAX_TEXT or len(signature) > _MAX_TEXT:
        raise reference_refused("form", "a long text")
    generation = _whole(value.get("generation"))
    if generation < 1:
        raise reference_refused("form", "no generation")
    return Reference(
        arena=arena,
        generation=generation,
        offset=_whole(value.get("offset")),
        length=_whole(value.get("length")),
        expires_at_ms=_whole(value.get("expiresAtMs")),
        signature=signature,
        fresh=value.get("fresh") is True,
    )


def _whole(value: object) -> int:
    # A bool is an int to Python.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_WHOLE:
        return value
    raise reference_refused("form", "no whole number")
