"""Simulated time for many threads."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from typing_extensions import override

from singer_rest_core.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable


class SimulatedTime(Clock):
    """A clock that stands still while any thread works, and jumps to the next event when all wait."""

    def __init__(self) -> None:
        """Start at a moment that is not zero."""
        self.seconds = 1_000.0
        self._turn = threading.Condition()
        self._busy = 1
        self._sleeping: dict[object, tuple[float, threading.Event]] = {}

    @override
    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let time pass for the calling thread."""
        self.wait(threading.Event(), seconds)

    @override
    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        with self._turn:
            me = object()
            self._sleeping[me] = (math.inf if seconds is None else self.seconds + seconds, event)
            self._one_less_busy()
            assert self._turn.wait_for(lambda: me not in self._sleeping, timeout=20), "all threads wait forever"
        return event.is_set()

    def run(self, *workers: Callable[[], None]) -> None:
        """Run workers to their end, each in a thread; they start in their order."""
        failures: list[BaseException] = []

        def work(worker: Callable[[], None]) -> None:
            try:
                worker()
            except BaseException as failure:  # noqa: BLE001 - raised again in the test's own thread
                failures.append(failure)
            finally:
                with self._turn:
                    self._one_less_busy()

        threads = [threading.Thread(target=work, args=(worker,), daemon=True) for worker in workers]
        with self._turn:
            self._busy += len(threads) - 1
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
            assert not thread.is_alive()
        self._busy = 1
        for failure in failures:
            raise failure

    def _one_less_busy(self) -> None:
        self._busy -= 1
        if self._busy or not self._sleeping:
            return
        awake = [me for me, (_, event) in self._sleeping.items() if event.is_set()]
        if not awake:
            self.seconds = max(self.seconds, min(until for until, _ in self._sleeping.values()))
            awake = [me for me, (until, _) in self._sleeping.items() if until <= self.seconds]
        for me in awake:
            del self._sleeping[me]
        self._busy = len(awake)
        self._turn.notify_all()
