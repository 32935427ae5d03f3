"""What a worker answers without its script: whoever probes a lane must not run what a handler does."""

from __future__ import annotations

from typing import Any

import numpy as np

from .context import Context
from .table import Table

PROBE_COMMAND = "pitwall.probe"

_PAGE = 4096


def read_payload(payload: Any, _context: Context) -> int:
    """
    The least that a handler does which reads its payload: looks at every page, or walks through it. Returns a number that depends on what was
    read.
    """
    if isinstance(payload, memoryview):
        return _sum_of_pages(payload)
    if isinstance(payload, np.ndarray):
        return _sum_of_pages(np.ravel(payload, order="K").view(np.uint8).data)
    if isinstance(payload, Table):
        return _sum_of_pages(payload.data)
    return len(payload) if isinstance(payload, (str, list, dict)) else 0


def _sum_of_pages(data: memoryview) -> int:
    return int(np.frombuffer(data, np.uint8)[::_PAGE].sum()) if len(data) > 0 else 0
