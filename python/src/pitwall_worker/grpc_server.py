"""The gRPC face of a worker: ``pitwall.v1.Worker`` of ``proto/pitwall.proto``."""

from __future__ import annotations

import asyncio
import hmac
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import grpc
import grpc.aio
import numpy as np
import numpy.typing as npt

from .errors import PitwallError
from .messages import (
    Reply,
    Request,
    decode_attach,
    decode_chunk,
    decode_request,
    encode_attach_reply,
    encode_chunk_data,
    encode_chunk_head,
    encode_health,
    encode_reply,
    encode_reply_head,
    failed,
)
from .runner import Runner

#: How much a peer may send ahead on one call; gRPC's default of 64 KiB has it wait for us every 64 KiB.
WINDOW_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**20

_OPTIONS = [
    # No limit of gRPC's own: the payload's size is what the pool decides on, not what breaks it.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    ("grpc.http2.max_frame_size", 2**20),
    # Nobody else listens on our port.
    ("grpc.so_reuseport", 0),
    # The host pings when it has been silent for long; by default that is taken for abuse.
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.keepalive_permit_without_calls", 1),
]

Attach = Callable[[str], str]
#: grpc.aio.ServicerContext: grpcio has no types.
Call = Any


class GrpcServer:
    def __init__(self, runner: Runner, attach: Attach, token: str | None) -> None:
        """``attach`` maps the shared memory and returns the path of the control channel, or an empty text; callers must show ``token``."""
        self._runner = runner
        self._attach = attach
        self._expected = None if token is None else f"Bearer {token}".encode()
        self._server: grpc.aio.Server | None = None

    async def listen(self, address: str) -> int:
        """Returns the port (of a Unix socket: some number) when calls are taken. Raises RuntimeError where it cannot listen."""
        server = grpc.aio.server(options=_OPTIONS)
        methods = {
            "Execute": grpc.unary_unary_rpc_method_handler(self._guarded(self._execute)),
            "ExecuteStream": grpc.stream_stream_rpc_method_handler(self._execute_stream),
            "Attach": grpc.unary_unary_rpc_method_handler(self._guarded(self._attach_memory)),
            "Health": grpc.unary_unary_rpc_method_handler(self._guarded(self._health)),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("pitwall.v1.Worker", methods),))
        port: int = server.add_insecure_port(address)
        await server.start()
        self._server = server
        return port

    async def _execute(self, message: bytes) -> bytes:
        try:
            request = decode_request(memoryview(message))
        except ValueError as error:
            return b"".join(encode_reply(failed("PITWALL_PAYLOAD_UNREADABLE", str(error))))
        answer: Future[bytes] = Future()
        # Joined in the handler's thread: what it returned may change once it is done.
        await self._run(request, answer, lambda reply: answer.set_result(b"".join(encode_reply(reply))))
        return answer.result()

    async def _execute_stream(self, chunks: AsyncIterator[bytes], context: Call) -> None:
        await self._check_token(context)
        sent: Future[None] = Future()
        answer: Future[Reply] = Future()

        def deliver(reply: Reply) -> None:
            answer.set_result(reply)
            # The handler's thread waits: what it returned may change once it is done.
            if reply.parts:
                sent.result()

        try:
            try:
                request = await _collect(chunks)
            except ValueError as error:
                answer.set_result(failed("PITWALL_PAYLOAD_UNREADABLE", str(error)))
            else:
                await self._run(request, answer, deliver)
            await _write_chunks(context, answer.result())
        finally:
            sent.set_result(None)

    async def _run(self, request: Request, answer: Future[Any], deliver: Callable[[Reply], None]) -> None:
        """Waits for the answer. A caller that gives up cancels this coroutine, and so the handler hears of it."""
        running = self._runner.start(request, deliver)
        try:
            await asyncio.shield(asyncio.wrap_future(answer))
        except asyncio.CancelledError:
            running.cancel()
            raise

    async def _attach_memory(self, message: bytes) -> bytes:
        try:
            return encode_attach_reply("", self._attach(decode_attach(memoryview(message))))
        except (PitwallError, OSError, ValueError) as error:
            return encode_attach_reply(str(error) or type(error).__name__, "")

    async def _health(self, _message: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        able = loop.create_future()

        def answer() -> None:
            if not able.done():
                able.set_result(None)

        self._runner.when_able(lambda: _call_in(loop, answer))
        await able
        return encode_health(self._runner.commands, os.getpid())

    def _guarded(self, serve: Callable[[bytes], Awaitable[bytes]]) -> Callable[[bytes, Call], Awaitable[bytes]]:
        async def guarded(message: bytes, context: Call) -> bytes:
            await self._check_token(context)
            return await serve(message)

        return guarded

    async def _check_token(self, context: Call) -> None:
        if self._expected is None:
            return
        given = next((value for key, value in context.invocation_metadata() or () if key == "authorization"), "")
        shown = given.encode() if isinstance(given, str) else bytes(given)
        if not hmac.compare_digest(shown, self._expected):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "the token is missing or wrong")


def _call_in(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        # The worker is ending.
        pass


async def _collect(chunks: AsyncIterator[bytes]) -> Request:
    """Puts what comes in chunks together, in memory that is allocated once. Raises ValueError for chunks that do not make one message."""
    head: memoryview | None = None
    data = np.empty(0, np.uint8)
    filled = 0
    async for message in chunks:
        chunk = decode_chunk(memoryview(message))
        if chunk.head is not None:
            if head is not None:
                raise ValueError("a second head")
            head = chunk.head
            data = _allocate(chunk.total)
        if chunk.data is None:
            continue
        end = filled + len(chunk.data)
        if end > len(data):
            raise ValueError("more data than was said")
        data[filled:end] = np.frombuffer(chunk.data, np.uint8) if end > filled else 0
        filled = end
    if head is None:
        raise ValueError("no head")
    if filled < len(data):
        raise ValueError("less data than was said")
    return decode_request(head)._replace(data=data.data)


def _allocate(size: int) -> npt.NDArray[np.uint8]:
    try:
        return np.empty(size, np.uint8)
    except (MemoryError, ValueError, OverflowError):
        raise ValueError(f"there is no memory for {size} bytes") from None


async def _write_chunks(context: Call, reply: Reply) -> None:
    total = sum(len(part) for part in reply.parts)
    await context.write(encode_chunk_head(encode_reply_head(reply), total))
    for part in reply.parts:
        view = memoryview(part)
        for at in range(0, len(view), _CHUNK_BYTES):
            await context.write(encode_chunk_data(view[at : at + _CHUNK_BYTES]))
