from __future__ import annotations

from bisect import bisect_left, bisect_right


class Intervals:
    """Ranges of whole numbers, merged where they touch. With more than ``limit`` of them the smallest is forgotten."""

    def __init__(self, limit: int = 1_024) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._limit = limit

    def covers(self, start: int, end: int) -> bool:
        index = bisect_right(self._starts, start) - 1
        return index >= 0 and self._ends[index] >= end

    def add(self, start: int, end: int) -> None:
        if end <= start:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        if len(self._starts) > self._limit:
            smallest = min(range(len(self._starts)), key=lambda index: self._ends[index] - self._starts[index])
            del self._starts[smallest], self._ends[smallest]
