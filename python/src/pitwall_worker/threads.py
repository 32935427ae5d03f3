"""The threads that run handlers, and those who ask whether these are well."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable


class HandlerThreads:
    """Takes jobs in their order; as many run at a time as there are threads."""

    def __init__(self, count: int) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._count = count
        self._lock = threading.Lock()
        self._waiting = 0
        self._askers: list[Callable[[], None]] = []
        for index in range(count):
            threading.Thread(target=self._work, name=f"pitwall-handler-{index}", daemon=True).start()

    def put(self, job: Callable[[], None]) -> None:
        """``job`` does not raise."""
        with self._lock:
            self._waiting += 1
        self._jobs.put(job)

    def when_able(self, call: Callable[[], None]) -> None:
        """Calls back as soon as a thread has nothing to do, or has done something: a worker whose handlers all hang is not well."""
        with self._lock:
            if self._waiting >= self._count:
                self._askers.append(call)
                return
        call()

    def drain(self, timeout_s: float) -> bool:
        """Waits until nothing runs or waits; whether that came about."""
        end_s = time.monotonic() + timeout_s
        while self._waiting > 0:
            if time.monotonic() >= end_s:
                return False
            time.sleep(0.005)
        return True

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._waiting -= 1
                askers, self._askers = self._askers, []
            for call in askers:
                call()
