"""The worker's end of the control channel: a Unix socket that takes requests whose payload lies in shared memory."""

from __future__ import annotations

import os
import socket
import threading

from .frames import CANCEL, REPLY, REQUEST, read_frames, write_frame
from .messages import Reply, decode_request, encode_reply
from .runner import Runner, Running

#: The host has one; what else can reach the socket is the same user.
_MAX_CONNECTIONS = 16


class ControlServer:
    def __init__(self, path: str, runner: Runner) -> None:
        """Listens when it returns. Raises OSError where it cannot."""
        self._runner = runner
        self._places = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        threading.Thread(target=self._accept, name="pitwall-control", daemon=True).start()

    def _accept(self) -> None:
        while True:
            self._places.acquire()
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), name="pitwall-control", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            _Connection(connection, self._runner).serve()
        finally:
            connection.close()
            self._places.release()


class _Connection:
    def __init__(self, connection: socket.socket, runner: Runner) -> None:
        self._connection = connection
        self._runner = runner
        self._running: dict[int, Running] = {}
        #: One reply at a time is written; guards the table too.
        self._lock = threading.Lock()

    def serve(self) -> None:
        """Until the peer goes. One that sends nonsense is cut off, nothing else happens to it or to us."""
        try:
            for kind, identity, body in read_frames(self._connection):
                self._take(kind, identity, body)
        except (ValueError, OSError):
            pass
        finally:
            with self._lock:
                left = list(self._running.values())
            for running in left:
                running.cancel()

    def _take(self, kind: int, identity: int, body: memoryview) -> None:
        if kind == CANCEL:
            running = self._running.get(identity)
            if running is not None:
                running.cancel()
        elif kind == REQUEST and identity not in self._running:
            self._start(identity, body)
        else:
            raise ValueError("a frame that makes no sense here")

    def _start(self, identity: int, body: memoryview) -> None:
        request = decode_request(body)
        # The answer may be there before `start` returns: it waits for the lock, and finds what it has to forget.
        with self._lock:
            self._running[identity] = self._runner.start(request, lambda reply: self._answer(identity, reply))

    def _answer(self, identity: int, reply: Reply) -> None:
        with self._lock:
            self._running.pop(identity, None)
            try:
                write_frame(self._connection, REPLY, identity, encode_reply(reply))
            except OSError:
                # The host is gone, or going.
                pass
