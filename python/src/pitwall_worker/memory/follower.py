"""
Faults a worker's pages in ahead of use, as far as the host has: a first look at 100 MiB costs ten times a second one. In small steps between other
work.
"""

from __future__ import annotations

import threading

from .first_page import Owner, read_mark
from .intervals import Intervals
from .layout import FIRST_SLICE, PAGE
from .region import Region

#: About a millisecond's work.
_STEP = 2**20
_BUSY_S = 0.01
_IDLE_S = 0.25


class Follower:
    def __init__(self, region: Region, owner: Owner) -> None:
        self._region = region
        self._owner = owner
        self._reached = Intervals()
        self._mark = FIRST_SLICE
        self._done = FIRST_SLICE
        self._stopped = threading.Event()
        threading.Thread(target=self._follow, name="pitwall-follower", daemon=True).start()

    def reach(self, start: int, end: int, fresh: bool) -> None:
        """Faults in what is about to be used, all at once; next to nothing where that was done before, unless the pages are ``fresh`` ones."""
        if not fresh and (end <= self._done or self._reached.covers(start, end)):
            return
        self._region.populate(start, end)
        self._reached.add(start, end)

    def stop(self) -> None:
        self._stopped.set()

    def _follow(self) -> None:
        while not self._stopped.wait(_BUSY_S if self._mark > self._done else _IDLE_S):
            try:
                self._step()
            except Exception:  # It only saves time; what keeps it from that is told by the next use.
                return

    def _step(self) -> None:
        self._mark = read_mark(self._region, self._owner, self._mark)
        end = min(self._mark, self._done + _STEP)
        if end > self._done:
            self._region.populate(self._done, end)
            # Where page tables are shadowed, the first look from user space still costs: one byte of each page.
            self._region.memory[self._done : end : PAGE].max()
            self._done = end
