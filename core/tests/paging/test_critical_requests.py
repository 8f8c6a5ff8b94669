"""Requests of critical lists, in the limits and with the workers of a run: none waits for room that is left for it."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import requests
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Window, never
from singer_rest_core.clock import Clock
from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.paging.page_fetcher import PageFetcher
from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.paging.spool import SpoolMemory
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page_fetcher import ReadersRun
    from singer_rest_core.paging.prefetch import Pending

_DECODER = RecordDecoder(lambda _, body: body, FlatRows(None), lambda row: row["id"])
_WORKERS = 16


class _SteppedClock(Clock):
    """A clock that the test sets forward."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        until = math.inf if seconds is None else self.seconds + seconds
        while self.seconds < until and not event.wait(0.001):
            pass
        return event.is_set()

    def seconds_until(self, ended: Callable[[], bool]) -> float:
        """Set it forward, slowly enough for threads to follow, until something has happened."""
        began = self.seconds
        while not ended():
            self.seconds += 1
            time.sleep(0.02)
        return self.seconds - began


class _Client:
    """Answers at once what the limits let through."""

    accepted = True

    def __init__(self, limiter: RateLimiter) -> None:
        self._limiter = limiter
        self.answered: list[str] = []

    def send(self, request: HTTPRequest, *, first: Callable[[], bool] = never) -> requests.Response:
        self._limiter.acquire(first=first)
        self.answered.append(request.url)
        answer = requests.Response()
        vars(answer)["_content"] = b"[]"
        return answer


class _Run:
    """Productive's limits, in an account of which 3,000 requests were sent in the last 1,100 seconds."""

    def __init__(self) -> None:
        clock = _SteppedClock()
        self.clock = clock
        self.limiter = RateLimiter({"": [Window(100, 10), Window(4_000, 1_800)]}, clock=clock)
        for _ in range(3_000):
            self.limiter.acquire()
            clock.seconds += 1_100 / 3_000
        self.client = _Client(self.limiter)
        self.prefetcher = Prefetcher(_WORKERS)
        self.spool_memory = SpoolMemory()
        self.critical_lists = CriticalLists(self.limiter, self.prefetcher)

    def long_list(self) -> PageFetcher[ListQuery]:
        source = cast("ListSource", _List())
        return PageFetcher(source, ListQuery(), _DECODER, cast("ReadersRun", self), datetime.now(UTC))

    def use_up_ten_seconds(self) -> None:
        while not self.limiter.wait_needed():
            self.limiter.acquire()

    def wait_for_limits(self, requests_that_wait: int) -> None:
        deadline = time.monotonic() + 20
        while self.limiter._waiting < requests_that_wait:  # noqa: SLF001 - nothing else shows it
            assert time.monotonic() < deadline
            time.sleep(0.001)

    def let_it_be_critical(self) -> None:
        self.critical_lists.page_came(_List.name, rows=200, total=1_501 * 200, side_by_side=1, seconds=0.5)
        assert self.critical_lists.is_critical(_List.name)

    def end(self, left: Sequence[Pending]) -> None:
        for each in left:
            each.drop()
        self.limiter.stop()


class _List:
    path = "/list"
    name = "long"
    position = 5

    def request_for(self, _query: ListQuery, token: str) -> HTTPRequest:
        return HTTPRequest(f"long {token}")


def test_a_request_that_waits_for_the_limits_when_its_list_becomes_critical_goes_before_the_others() -> None:
    run = _Run()
    run.use_up_ten_seconds()
    others = [run.prefetcher.submit((1, number), HTTPRequest(str(number)), run.client.send) for number in range(8)]
    run.wait_for_limits(8)
    pending = run.long_list().ask_ahead("2", at_once=False)
    assert pending is not None
    run.wait_for_limits(9)
    run.let_it_be_critical()
    # Ten seconds; the room that others leave is of minutes.
    assert run.clock.seconds_until(lambda: pending.is_settled) < 100
    assert run.client.answered[0] == "long 2"
    run.end(others)


def test_a_critical_list_does_not_wait_for_workers_whose_requests_leave_it_room() -> None:
    run = _Run()
    others = [run.prefetcher.submit((1, number), HTTPRequest(str(number)), run.client.send) for number in range(200)]
    run.wait_for_limits(_WORKERS)
    run.let_it_be_critical()
    pending = run.long_list().ask_ahead("2", at_once=False)
    assert pending is not None
    assert run.clock.seconds_until(lambda: pending.is_settled) < 100
    run.end(others)
