"""Which requests go before others: counts, and those of a list that would hold up the end of the run."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.paging.page_fetcher import PageFetcher
from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.paging.spool import SpoolMemory
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from singer_rest_core.api.rate_limit_rules import ExpectedRequests
    from singer_rest_core.paging.list_source import ListSource
    from singer_rest_core.paging.page_fetcher import ReadersRun

_DECODER = RecordDecoder(lambda _, body: body, FlatRows(None), lambda row: row["id"])
_PATIENCE = 10.0


class _Client:
    """Answers in the order in which it is asked, once it may."""

    accepted = True

    def __init__(self) -> None:
        self.sent: list[tuple[str, bool]] = []
        self.may_answer = threading.Event()
        self.was_asked = threading.Semaphore(0)

    def send(self, request: HTTPRequest, *, first: bool = False) -> requests.Response:
        self.sent.append((request.url, first))
        self.was_asked.release()
        assert self.may_answer.wait(_PATIENCE)
        answer = requests.Response()
        vars(answer)["_content"] = b"[]"
        return answer


class _Limits:
    """Limits that make everybody wait."""

    def wait_needed(self, group: str = "", *, requests: int = 1) -> float:  # noqa: ARG002 - as it is called
        return float(requests)

    def leave_room(self, expected: ExpectedRequests) -> None:
        """Take no notice."""


class _Run:
    def __init__(self, workers: int) -> None:
        self.client = _Client()
        self.prefetcher = Prefetcher(workers)
        self.spool_memory = SpoolMemory()
        self.critical_lists = CriticalLists(_Limits(), self.prefetcher)


class _List:
    path = "/list"

    def __init__(self, name: str, position: int) -> None:
        self.name = name
        self.position = position

    def request_for(self, _query: ListQuery, token: str) -> HTTPRequest:
        return HTTPRequest(f"{self.name} {token}")

    def count_of(self, _answer: requests.Response) -> int:
        return 7


def _fetcher(run: _Run, name: str, position: int) -> PageFetcher[ListQuery]:
    source = cast("ListSource", _List(name, position))
    return PageFetcher(source, ListQuery(), _DECODER, cast("ReadersRun", run), datetime.now(UTC))


def _sent_in_order(run: _Run, *calls: Any) -> list[str]:  # noqa: ANN401 - functions without arguments
    """Make calls while the only worker is busy; return what is sent then."""
    busy = threading.Thread(target=_fetcher(run, "busy", 0).fetch, args=("page",), kwargs={"is_first": True})
    busy.start()
    assert run.client.was_asked.acquire(timeout=_PATIENCE)
    threads = [threading.Thread(target=call) for call in calls]
    for number, thread in enumerate(threads, start=1):
        thread.start()
        while len(run.prefetcher._waiting) < number:  # noqa: SLF001 - nothing else shows that it waits
            threading.Event().wait(0.001)
    run.client.may_answer.set()
    for thread in [busy, *threads]:
        thread.join(_PATIENCE)
    return [url for url, _ in run.client.sent[1:]]


@pytest.fixture
def run() -> _Run:
    return _Run(workers=1)


def test_the_first_page_of_a_list_goes_before_later_pages_of_others_and_a_count_before_both(run: _Run) -> None:
    run.critical_lists.expect(["early", "late"])
    run.critical_lists.page_came("early", rows=1, total=None, side_by_side=1, seconds=0.0)
    early, late = _fetcher(run, "early", 1), _fetcher(run, "late", 2)
    assert _sent_in_order(
        run,
        lambda: early.fetch("2", is_first=False),
        lambda: late.fetch("1", is_first=True),
        lambda: late.count(HTTPRequest("late count")),
    ) == ["late count", "late 1", "early 2"]


def test_a_list_that_would_hold_up_the_end_of_the_run_goes_before_earlier_ones(run: _Run) -> None:
    run.critical_lists.page_came("early", rows=1, total=2, side_by_side=1, seconds=1.0)
    run.critical_lists.page_came("late", rows=1, total=100, side_by_side=1, seconds=1.0)
    assert run.critical_lists.is_critical("late")
    early, late = _fetcher(run, "early", 1), _fetcher(run, "late", 2)
    order = _sent_in_order(run, lambda: early.fetch("2", is_first=False), lambda: late.fetch("2", is_first=False))
    assert order == ["late 2", "early 2"]
    assert dict(run.client.sent) == {"busy page": False, "early 2": False, "late 2": True}
