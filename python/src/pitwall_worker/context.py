"""What a handler may know and do beside its payload."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .errors import Cancelled

Lane = Literal["grpc", "zero_copy"]
Allocate = Callable[["np.dtype[Any]", "tuple[int, ...]"], "npt.NDArray[Any] | None"]


class Context:
    """One command on its way."""

    #: Name of the command.
    command: str
    #: Which lane the payload came through.
    lane: Lane

    def __init__(self, command: str, lane: Lane, timeout_ms: float) -> None:
        self.command = command
        self.lane = lane
        self._cancel = threading.Event()
        self._deadline_s = time.monotonic() + timeout_ms / 1000 if timeout_ms > 0 else None
        self._allocate: Allocate | None = None

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the answer any more: the caller gave up, its time is over, or the worker is to stop."""
        return self._cancel.is_set() or self.expired

    @property
    def expired(self) -> bool:
        """Whether the caller's time is over."""
        return self._deadline_s is not None and time.monotonic() >= self._deadline_s

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the caller still waits; None for no limit."""
        return None if self._deadline_s is None else max(0.0, self._deadline_s - time.monotonic())

    def wait(self, seconds: float) -> bool:
        """Sleeps, but not beyond the moment from which nobody waits any more. Returns ``cancelled``."""
        remaining_s = self.remaining_s
        self._cancel.wait(seconds if remaining_s is None else min(seconds, remaining_s))
        return self.cancelled

    def raise_if_cancelled(self) -> None:
        """For long loops. Raises Cancelled."""
        if self.cancelled:
            raise Cancelled("nobody waits for the answer any more")

    def empty(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
        """
        An array for the result, its contents undefined. In the host's shared memory where that offers room, so that returning it copies nothing;
        else in ordinary memory. Good until the handler returns.
        """
        axes = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = np.dtype(dtype)
        allocate, self._allocate = self._allocate, None
        offered = allocate(kind, axes) if allocate is not None else None
        return np.empty(axes, kind) if offered is None else offered

    def cancel(self) -> None:
        """The caller gave up. Called by the worker."""
        self._cancel.set()

    @property
    def cancelled_by_caller(self) -> bool:
        return self._cancel.is_set()

    def offer(self, allocate: Allocate) -> None:
        """Memory that the host lends for the result. Called by the worker."""
        self._allocate = allocate
