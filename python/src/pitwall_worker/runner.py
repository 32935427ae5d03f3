"""What a worker does with one request, however it came: unpack, run the handler, pack."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .context import Context, Lane
from .errors import PitwallError
from .memory.arena import ArenaSlice, AttachedArena, attach_arena
from .messages import Reply, Request, failed
from .payload import Encoded, decode_payload, decompress, encode_payload
from .probe import PROBE_COMMAND, read_payload
from .registry import Registry
from .tensor import header_of
from .threads import HandlerThreads

#: Results of at least so many bytes go into shared memory where the host offers some; smaller ones travel in the reply. Both sides go by it.
LARGE_RESULT = 64 * 1024

_log = logging.getLogger("pitwall_worker")

Deliver = Callable[[Reply], None]


class Runner:
    def __init__(self, registry: Registry, threads: int) -> None:
        self._registry = registry
        self._threads = HandlerThreads(threads)
        self._arena: AttachedArena | None = None
        self._running: set[Running] = set()
        self._stopping = False

    @property
    def commands(self) -> tuple[str, ...]:
        return self._registry.commands

    def attach(self, descriptor: str) -> None:
        """Maps the pool's shared memory in place of what was mapped before. Raises PitwallError ``PITWALL_SHM_ATTACH``."""
        attached = attach_arena(descriptor)
        before, self._arena = self._arena, attached
        if before is not None:
            before.close()

    def start(self, request: Request, deliver: Deliver) -> Running:
        """``deliver`` is called once, from any thread, with what came of it; it does not raise."""
        running = Running(request, deliver)
        self._running.add(running)
        self._threads.put(lambda: self._run(running))
        return running

    def when_able(self, call: Callable[[], None]) -> None:
        self._threads.when_able(call)

    @property
    def idle(self) -> bool:
        return not self._running

    def stop(self, timeout_s: float) -> bool:
        """Tells all handlers that nobody waits any more, and waits for them; whether all have ended."""
        self._stopping = True
        for running in list(self._running):
            running.cancel()
        return self._threads.drain(timeout_s)

    def _run(self, running: Running) -> None:
        try:
            if not running.claim():
                return
            reply = self._answer(running.request, running.context)
            # A handler that was told to stop has not failed: its caller hears that the worker went away.
            if not (self._stopping and reply.error_code):
                running.deliver(reply)
        finally:
            self._running.discard(running)

    def _answer(self, request: Request, context: Context) -> Reply:
        started = time.perf_counter()
        command = request.command
        handler = read_payload if command == PROBE_COMMAND else self._registry.find(command)
        if handler is None:
            known = ", ".join(self.commands)
            return failed("PITWALL_UNKNOWN_COMMAND", f'no handler "{command}" (there are: {known})')
        try:
            payload = self._unpack(request)
        except PitwallError as error:
            return failed(error.code, str(error))
        except Exception as error:
            return failed("PITWALL_PAYLOAD_UNREADABLE", _describe(error))
        offer = _Offer(self._arena, request.result_reference)
        context.offer(offer.allocate)
        handler_started = time.perf_counter()
        try:
            result = handler(payload, context)
        except BaseException as error:  # A handler that calls sys.exit() has failed, no more.
            _log.info("the handler %r failed", command, exc_info=True)
            if context.expired and not context.cancelled_by_caller:
                timeout_ms = round(request.timeout_ms)
                return failed("PITWALL_TRANSFER_TIMEOUT", f'"{command}" had no answer within {timeout_ms} ms')
            return failed("PITWALL_HANDLER_FAILED", f"{command}: {_describe(error)}")
        handled = time.perf_counter()
        try:
            reply = _pack(encode_payload(result), offer)
        except Exception as error:
            return failed("PITWALL_RESULT_UNSENDABLE", f"{command}: {_describe(error)}")
        return reply._replace(
            handler_us=(handled - handler_started) * 1e6, worker_us=(time.perf_counter() - started) * 1e6
        )

    def _unpack(self, request: Request) -> Any:
        if request.reference is not None:
            arena = self._arena
            if arena is None:
                raise PitwallError("PITWALL_SHM_UNAVAILABLE", "no shared memory is attached")
            return decode_payload(request.data_type, request.format, arena.view(request.reference))
        data = decompress(request.data, request.size) if request.gzip else request.data
        return decode_payload(request.data_type, request.format, data.toreadonly())


class Running:
    """One request on its way through the worker."""

    def __init__(self, request: Request, deliver: Deliver) -> None:
        lane: Lane = "grpc" if request.reference is None else "zero_copy"
        self.request = request
        self.deliver = deliver
        self.context = Context(request.command, lane, request.timeout_ms)
        self._once = threading.Lock()

    def claim(self) -> bool:
        """Whether the caller may go on with it: once, and not where nobody waits any more."""
        if not self._once.acquire(blocking=False):
            return False
        if not self.context.cancelled:
            return True
        self._give_up()
        return False

    def cancel(self) -> None:
        """The caller gave up. What has not begun is answered at once, so that its memory is free."""
        self.context.cancel()
        if self._once.acquire(blocking=False):
            self._give_up()

    def _give_up(self) -> None:
        command = self.request.command
        self.deliver(failed("PITWALL_TRANSFER_TIMEOUT", f'"{command}" did not run: nobody waited any more'))


class _Offer:
    """The memory that the host offers for the result, if it does. Where it is not good, the result travels in the reply."""

    def __init__(self, arena: AttachedArena | None, reference: memoryview | None) -> None:
        self._arena = arena
        self._reference = reference
        self._slice: ArenaSlice | None = None

    def allocate(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> npt.NDArray[Any] | None:
        """An array where it would lie in the reply; None where there is no room, or it would be too small to go there."""
        try:
            header = len(header_of(dtype, shape))
        except TypeError:
            return None
        size = header + math.prod(shape) * dtype.itemsize
        found = self._open()
        if found is None or size < LARGE_RESULT or size > len(found.memory):
            return None
        return found.memory[header:size].view(dtype).reshape(shape)

    def write(self, encoded: Encoded) -> bool:
        size = encoded.size
        if size < LARGE_RESULT:
            return False
        found = self._open()
        if found is None or size > len(found.memory):
            return False
        try:
            found.write(encoded.parts)
        except (PitwallError, OSError):
            return False
        return True

    def _open(self) -> ArenaSlice | None:
        if self._slice is None and self._arena is not None and self._reference is not None:
            try:
                self._slice = self._arena.slice_for(self._reference)
            except (PitwallError, OSError):
                self._reference = None
        return self._slice


def _pack(encoded: Encoded, offer: _Offer) -> Reply:
    reply = Reply(data_type=encoded.data_type, format=encoded.format)
    if offer.write(encoded):
        return reply._replace(result_length=encoded.size)
    # What was built in memory that the host lent must not change there while it is sent.
    return reply._replace(parts=encoded.parts)


def _describe(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:
        text = "an error that cannot say what it is"
    name = type(error).__name__
    if type(error) in (Exception, PitwallError):
        return text
    return f"{name}: {text}" if text else name
