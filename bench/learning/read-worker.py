"""Reads every payload, as pitwall's own benchmark worker does, in Python: pitwall bench --trace FILE --script bench/learning/read-worker.py"""

from __future__ import annotations

from typing import Any

import numpy as np
from pitwall_worker import Table, Worker

worker = Worker()
EVERY_PAGE = 4096


@worker.handler("read")
def read(payload: Any) -> int:
    """Looks at every page of the payload, or walks through it, and says what it came to."""
    if isinstance(payload, Table):
        return len(payload)
    if isinstance(payload, np.ndarray):
        return int(payload.reshape(-1).view(np.uint8)[::EVERY_PAGE].sum())
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return int(np.frombuffer(payload, dtype=np.uint8)[::EVERY_PAGE].sum())
    return len(payload)


if __name__ == "__main__":
    worker.run()
