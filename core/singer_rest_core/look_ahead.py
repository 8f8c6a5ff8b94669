"""Requests sent ahead of their turn by a small pool, their answers handed on in order.

A worker sends what is most urgent: pages of the stream that is being read before first pages of the streams after it.
"""

from __future__ import annotations

import itertools
import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests
    from singer_sdk.streams.rest import HTTPRequest


@dataclass(eq=False)
class Pending:
    """A request on its way.

    Args:
        request: What is asked for.
        send: Sends it, and raises what ends it.
    """

    request: HTTPRequest
    send: Callable[[HTTPRequest], requests.Response] = field(repr=False)
    _answer: requests.Response | None = field(default=None, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _settled: threading.Event = field(default_factory=threading.Event, init=False)
    _dropped: bool = field(default=False, init=False)

    def settle(self) -> None:
        """Send the request, unless nobody wants it any more; whatever happens is kept for `result`."""
        if not self._dropped:
            try:
                self._answer = self.send(self.request)
            except BaseException as error:  # noqa: BLE001 - it is raised where the answer is due
                self._error = error
        self._settled.set()

    def result(self) -> requests.Response:
        """Wait for the answer.

        Returns:
            The answer.

        Raises:
            BaseException: What ended the request.
            RuntimeError: If it was dropped.
        """
        self._settled.wait()
        if self._error is not None:
            raise self._error
        if self._answer is None:
            msg = "a request that was dropped has no answer"
            raise RuntimeError(msg)
        return self._answer

    def drop(self) -> None:
        """Say that the answer is not wanted any more."""
        self._dropped = True


class LookAhead:
    """A pool of daemon threads: it never holds up the end of the run.

    Args:
        workers: How many requests may be under way at once.
    """

    def __init__(self, workers: int) -> None:
        """Start no thread yet."""
        self.workers = workers
        self._waiting: queue.PriorityQueue[tuple[tuple[int, int], int, Pending]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._stopped = threading.Event()

    @property
    def window(self) -> int:
        """How many pages of a list may be under way or wait for their turn: what bounds the memory."""
        return self.workers + 2

    def submit(
        self, urgency: tuple[int, int], request: HTTPRequest, send: Callable[[HTTPRequest], requests.Response]
    ) -> Pending:
        """Send a request when a worker is free.

        Args:
            urgency: What comes first: the position of its stream, then of its page.
            request: What to ask for.
            send: Sends it; called from one of the pool's threads.

        Returns:
            What its answer can be waited for with.
        """
        pending = Pending(request, send)
        self._waiting.put((urgency, next(self._order), pending))
        if len(self._threads) < self.workers:
            thread = threading.Thread(target=self._work, name=f"look-ahead-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return pending

    def stop(self) -> None:
        """Send nothing more; requests under way are left to themselves."""
        self._stopped.set()

    def _work(self) -> None:
        while True:
            _, _, pending = self._waiting.get()
            if self._stopped.is_set():
                pending.drop()
            pending.settle()
