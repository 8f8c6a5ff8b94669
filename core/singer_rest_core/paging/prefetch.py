"""Requests sent ahead of their turn by a small pool, their answers handed on in order.

A worker sends what is most urgent: pages of the stream that is being written before those of the streams after it.
"""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Self

from singer_rest_core.api.rate_limit_rules import never

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.paginators import PageParams

    Send = Callable[[HTTPRequest], requests.Response]
    """Sends a request, and raises what ends it."""


@dataclass(eq=False)
class Pending:
    """A request on its way.

    Args:
        request: What is requested.
        send: Sends it, and raises what ends it.
        is_far_ahead: Whether the answer may be used long after it came.
    """

    request: HTTPRequest
    send: Send = field(repr=False)
    is_far_ahead: bool = False
    _answer: requests.Response | None = field(default=None, init=False)
    _error: BaseException | None = field(default=None, init=False)
    _settled: threading.Event = field(default_factory=threading.Event, init=False)
    _dropped: bool = field(default=False, init=False)

    def settle(self) -> None:
        """Send the request, unless it was dropped; whatever happens is kept for `result`."""
        if not self._dropped:
            try:
                self._answer = self.send(self.request)
            except BaseException as error:  # noqa: BLE001 - raised again by `result`
                self._error = error
        self._settled.set()

    @property
    def is_settled(self) -> bool:
        """Whether its answer, or what ended it, is there."""
        return self._settled.is_set()

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
        """Leave the request unsent if it was not sent yet; its answer is not needed."""
        self._dropped = True


class Prefetcher:
    """A pool of daemon threads that sends requests; being daemons, they never hold up the end of the run.

    Args:
        workers: How many requests may be under way at once.
    """

    def __init__(self, workers: int) -> None:
        """Start no thread yet."""
        self.workers = workers
        self._waiting: list[_Waiting] = []
        """A heap."""
        self._changed = threading.Condition()
        self._order = itertools.count()
        self._threads: list[threading.Thread] = []
        self._reserved = 0
        self._busy_with_others = 0
        self._is_stopped = False

    @property
    def window(self) -> int:
        """How many pages of a list may be under way or unread: what bounds the memory."""
        return self.workers + 2

    def submit(
        self,
        urgency: tuple[int, int],
        request: HTTPRequest,
        send: Send,
        *,
        is_critical: Callable[[], bool] = never,
        is_far_ahead: bool = False,
    ) -> Pending:
        """Send a request when a worker is free; not any more once the pool was stopped.

        Args:
            urgency: Lower is sent first: the position of the stream, then that of the page.
            request: What to request.
            send: Sends it; called from one of the pool's threads.
            is_critical: Returns whether it is sent before all that are not, by a worker that may be kept for it; asked
                now and by `reorder`.
            is_far_ahead: Whether the answer may be used long after it came.

        Returns:
            What its answer can be waited for with.
        """
        pending = Pending(request, send, is_far_ahead)
        with self._changed:
            is_stopped = self._is_stopped
            if not is_stopped:
                heappush(self._waiting, _Waiting(urgency, next(self._order), pending, is_critical))
                self._changed.notify()
                if len(self._threads) < self.workers:
                    thread = threading.Thread(target=self._work, name=f"prefetch-{len(self._threads)}", daemon=True)
                    self._threads.append(thread)
                    thread.start()
        if is_stopped:
            pending.drop()
            pending.settle()
        return pending

    def reserve(self, workers: int) -> None:
        """Keep some workers for critical requests.

        Args:
            workers: How many, fewer than there are.
        """
        with self._changed:
            if workers != self._reserved:
                self._reserved = workers
                self._changed.notify_all()

    def reorder(self) -> None:
        """Ask again of all requests that wait whether they are critical."""
        with self._changed:
            for waiting in self._waiting:
                waiting.update_rank()
            heapify(self._waiting)
            self._changed.notify_all()

    def stop(self) -> None:
        """Send no further request, and end the threads; requests under way are left to end by themselves."""
        with self._changed:
            self._is_stopped = True
            for waiting in self._waiting:
                waiting.pending.drop()
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work)
                if not self._waiting:
                    return
                waiting = heappop(self._waiting)
                is_other, pending = waiting.is_other, waiting.pending
                del waiting
                self._busy_with_others += is_other
            if self._is_stopped:
                pending.drop()
            pending.settle()
            del pending  # nor its answer to be kept while the next request is waited for
            with self._changed:
                self._busy_with_others -= is_other
                self._changed.notify()

    def _has_work(self) -> bool:
        """Whether a worker may go on: with a request that waits, or to its end."""
        if self._is_stopped:
            return True
        if not self._waiting:
            return False
        return not self._waiting[0].is_other or self._busy_with_others < self.workers - self._reserved


class _Waiting:
    """A request that waits for a worker.

    Args:
        urgency: As in `submit`.
        order: When it came.
        pending: The request.
        is_critical: As in `submit`.
    """

    __slots__ = ("_is_critical", "_order", "_urgency", "is_other", "pending", "rank")

    def __init__(self, urgency: tuple[int, int], order: int, pending: Pending, is_critical: Callable[[], bool]) -> None:
        self._urgency = urgency
        self._order = order
        self._is_critical = is_critical
        self.pending = pending
        self.update_rank()

    def update_rank(self) -> None:
        """Find out whether it is critical, and so its rank."""
        self.is_other = not self._is_critical()
        self.rank = (self.is_other, self._urgency if self.is_other else (0, 0), self._order)

    def __lt__(self, other: _Waiting) -> bool:
        """Whether it is sent before another one."""
        return self.rank < other.rank


class PagePrefetcher:
    """Requests pages of one list ahead of their turn, and drops what was not used in the end.

    Args:
        pool: Sends the requests; without one, nothing is requested ahead.
        send: Sends one, from a thread of the pool.
        position: Where the stream stands among those of the run.
    """

    def __init__(self, pool: Prefetcher | None, send: Send, *, position: int) -> None:
        """Request nothing yet."""
        self._pool = pool
        self._send = send
        self._position = position
        self._under_way: dict[str, Pending] = {}

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the requests whose answers were not used."""
        for pending in self._under_way.values():
            pending.drop()

    @property
    def window(self) -> int:
        """How many pages may be requested ahead."""
        return 0 if self._pool is None else self._pool.window

    def request(self, pages: Iterable[PageParams], request_for: Callable[[PageParams], HTTPRequest]) -> None:
        """Request pages that were not requested yet.

        Args:
            pages: The parameters of the pages to come, in order.
            request_for: Builds the request for one.
        """
        for turn, page in enumerate(pages, start=1):
            if self._pool is not None and str(page) not in self._under_way:
                request = request_for(page)
                self._under_way[str(page)] = self._pool.submit(
                    (self._position, turn), request, self._send, is_far_ahead=True
                )

    def take(self, page: object) -> Pending | None:
        """Return the request for a page, if it was sent ahead.

        Args:
            page: Its token.

        Returns:
            What its answer can be waited for with, or None.
        """
        return self._under_way.pop(str(page), None)
