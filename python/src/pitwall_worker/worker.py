"""What a worker's script says of itself."""

from __future__ import annotations

import sys
from collections.abc import Callable

from .registry import H, Registry


class Worker:
    """
    The worker of a pool: handlers by name.

    A handler is a plain function of the payload, or of the payload and a :class:`Context`. Its payload is an array (of a tensor), a :class:`Table` (of a
    dataframe), a ``memoryview`` (of bytes), a ``str``, or what JSON says. Over the zero-copy lane it is a read-only view of shared memory that is
    only good until the handler returns: copy what is to be kept.

    ``threads``: handlers that run at a time, 1 to 256. More than one where they wait for something, and share nothing that two may not touch.

    >>> worker = Worker()
    >>> @worker.handler("mean")
    ... def mean(tensor):
    ...     return tensor.mean()
    """

    def __init__(self, *, threads: int = 1) -> None:
        if not isinstance(threads, int) or not 1 <= threads <= 256:
            raise ValueError(f"threads: a whole number in 1..256, not {threads!r}")
        self.threads = threads
        self.registry = Registry()

    def handler(self, command: str) -> Callable[[H], H]:
        """
        Registers a function as the handler of a command. Returns it unchanged.

        Raises ValueError for a name that is empty or taken; TypeError for a function that takes other arguments, or is a coroutine's.
        """

        def register(function: H) -> H:
            self.registry.add(command, function)
            return function

        return register

    def run(self, address: str | None = None) -> None:
        """
        Serves a host until that ends or sends SIGTERM; does not return. For scripts that are a pool's ``command`` themselves:
        ``command: ['python3', 'worker.py', '{address}']``. A pool that is given a ``script`` calls it by itself.
        """
        from .serve import serve  # gRPC takes its time to load: a test of the handlers alone needs none.

        chosen = address if address is not None else (sys.argv[1] if len(sys.argv) > 1 else None)
        if chosen is None:
            raise SystemExit("usage: worker.py ADDRESS, where ADDRESS is unix:PATH or HOST:PORT; a pool gives it for {address}")
        serve(chosen, lambda: self)
