"""The memory of a program and all that it starts, together."""

from __future__ import annotations

import os
import threading
from typing import Self

import psutil

_SECONDS_BETWEEN = 0.1
_MEGABYTE = 1e6


class MemoryWatch:
    """Adds up the memory of processes for the length of a block, and keeps the largest sum.

    What several processes share counts once, divided among them (PSS). Children of this process that run already, such
    as servers, do not count.

    Args:
        seconds: Between two sums.
    """

    def __init__(self, seconds: float = _SECONDS_BETWEEN) -> None:
        """Record which processes run already."""
        self.peak_mb = 0.0
        """Megabytes: the largest sum so far."""
        self._seconds = seconds
        self._this = psutil.Process(os.getpid())
        self._earlier = set(self._this.children())
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Watch all that this process starts from now on."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            self.peak_mb = max(self.peak_mb, self._sum() / _MEGABYTE)

    def _sum(self) -> int:
        left, total = [child for child in self._this.children() if child not in self._earlier], 0
        while left:
            process = left.pop()
            try:
                total += process.memory_full_info().pss
                left += process.children()
            except psutil.Error:
                continue  # it has ended meanwhile
        return total
