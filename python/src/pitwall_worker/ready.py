"""What a worker says to its host when it starts, on the descriptor that the host listens on. Imports nothing that may be missing."""

from __future__ import annotations

import json
import os
import sys

_READY_FD = 3


def tell_host(*, port: int | None = None, problem: str | None = None) -> None:
    """Ready, with the port of TCP; or why not."""
    message: dict[str, object] = {"ready": problem is None}
    if problem is not None:
        message["problem"] = problem
    if port is not None:
        message["port"] = port
    line = json.dumps(message) + "\n"
    try:
        os.write(_READY_FD, line.encode())
        os.close(_READY_FD)
    except OSError:
        # Started by hand.
        print(line, end="", file=sys.stderr, flush=True)
