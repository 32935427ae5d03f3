"""Failures that have a code of pitwall's. The codes are those of the Node side: docs/errors.md lists them."""

from __future__ import annotations


class PitwallError(Exception):
    """A failure with a stable ``code``; its message may change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Cancelled(Exception):
    """Raised by ``Context.raise_if_cancelled`` where nobody waits for the answer any more."""


def reference_refused(what: str, given: object) -> PitwallError:
    return PitwallError("PITWALL_SHM_REFERENCE", f"a reference to shared memory is refused: {what}: {given!r:.80}")


def attach_failed(why: str) -> PitwallError:
    return PitwallError("PITWALL_SHM_ATTACH", f"shared memory cannot be attached: {why}")
