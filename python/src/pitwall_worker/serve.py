"""The worker process: listens, tells the host that it is ready, serves until the host goes or says stop."""

from __future__ import annotations

import asyncio
import atexit
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from .control import ControlServer
from .grpc_server import GrpcServer
from .host_watch import watch_host
from .ready import tell_host
from .runner import Runner
from .worker import Worker

_UNIX = "unix:"
#: How long handlers may take to end once they are told to; the host kills what is left after two seconds.
_STOP_S = 1.0
#: How long the last answers may take to leave.
_FLUSH_S = 0.05


def serve(address: str, load: Callable[[], Worker]) -> NoReturn:
    """``load`` returns the worker; what it raises is told to the host."""
    # What a script starts in turn has no business with it.
    token = os.environ.pop("PITWALL_WORKER_TOKEN", None)
    # A pool has it end where standard error does: seen at once, not when a buffer is full.
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(line_buffering=True)
    # A terminal's interrupt is for the host; it ends its workers when it has finished.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        ended = asyncio.run(_Process(address, token).run(load))
    except BaseException as error:
        traceback.print_exc()
        tell_host(problem=f"{type(error).__name__}: {error}")
        _exit(1, orderly=True)
    _exit(0, orderly=ended)


class _Process:
    def __init__(self, address: str, token: str | None) -> None:
        self._address = address
        self._token = token
        self._socket_path = address[len(_UNIX) :] if address.startswith(_UNIX) else ""
        self._control_path = f"{self._socket_path}.control" if self._socket_path else ""
        self._control: ControlServer | None = None

    async def run(self, load: Callable[[], Worker]) -> bool:
        """Serves until it is told to stop. Returns whether every handler has ended."""
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        self._watch_host(lambda: loop.call_soon_threadsafe(stop.set))
        worker = load()
        runner = Runner(worker.registry, worker.threads)
        server = GrpcServer(runner, lambda descriptor: self._attach(runner, descriptor), self._token)
        port = await server.listen(self._address)
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        tell_host(port=None if self._socket_path else port)
        await stop.wait()
        if runner.idle:
            return True
        # In a thread: what ends in time is still answered. The server itself is not stopped, since gRPC's way to cut off calls is taken for a fault of
        # the connection; that the process ends is not.
        ended = await loop.run_in_executor(None, runner.stop, _STOP_S)
        await asyncio.sleep(_FLUSH_S)
        return ended

    def _attach(self, runner: Runner, descriptor: str) -> str:
        runner.attach(descriptor)
        if self._control_path and self._control is None:
            self._control = ControlServer(self._control_path, runner)
        return self._control_path

    def _watch_host(self, on_gone: Callable[[], object]) -> None:
        files = [self._socket_path, self._control_path] if self._socket_path else []
        # A pool's sockets lie in a folder of the pool's, and that in one of the host's.
        folder = os.path.dirname(self._socket_path)
        folders = [folder, os.path.dirname(folder)] if self._socket_path else []
        watch_host(files, folders, on_gone)


def _exit(code: int, orderly: bool) -> NoReturn:
    """Past the interpreter's own end, which waits for threads that gRPC and handlers may have left; what the script asked for is done."""
    if orderly:
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(code)
