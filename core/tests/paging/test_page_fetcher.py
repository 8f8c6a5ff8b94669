"""Which requests go before others: counts, and those of a list that would hold up the end of the run."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.api.rate_limit_rules import never
from singer_rest_core.errors import ApiUnreachable
from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.paging.page_fetcher import PageFetcher
from singer_rest_core.paging.prefetch import Pending, Prefetcher
from singer_rest_core.paging.spool import SpoolMemory
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def send(self, request: HTTPRequest, *, first: Callable[[], bool] = never) -> requests.Response:
        self.sent.append((request.url, first()))
        self.was_asked.release()
        assert self.may_answer.wait(_PATIENCE)
        answer = requests.Response()
        vars(answer)["_content"] = b"[]"
        return answer


class _Limits:
    """Limits that make everybody wait."""

    def wait_needed(self, group: str = "", *, requests: int = 1) -> float:  # noqa: ARG002 - as it is called
        return float(requests)

    def leave_room(self, expected: ExpectedRequests, *, exempt_waiting: bool = False) -> None:
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


def test_a_request_goes_first_as_soon_as_its_list_would_hold_up_the_end_of_the_run(run: _Run) -> None:
    run.critical_lists.page_came("early", rows=1, total=2, side_by_side=1, seconds=1.0)
    early, late = _fetcher(run, "early", 1), _fetcher(run, "late", 2)

    def ask_ahead() -> None:
        late.ask_ahead("2", at_once=False)
        run.critical_lists.page_came("late", rows=1, total=100, side_by_side=1, seconds=1.0)
        assert run.critical_lists.is_critical("late")

    assert _sent_in_order(run, lambda: early.fetch("2", is_first=False), ask_ahead) == ["late 2", "early 2"]
    assert dict(run.client.sent) == {"busy page": False, "early 2": False, "late 2": True}


@pytest.mark.parametrize("is_far_ahead", [True, False])
def test_a_request_that_failed_long_before_its_turn_is_tried_again(run: _Run, *, is_far_ahead: bool) -> None:
    run.client.may_answer.set()
    failed = Pending(HTTPRequest("list 2"), _raises, is_far_ahead)
    failed.settle()
    if is_far_ahead:
        _fetcher(run, "list", 1).fetch("2", is_first=False, pending=failed)
    else:
        with pytest.raises(ApiUnreachable):
            _fetcher(run, "list", 1).fetch("2", is_first=False, pending=failed)
    assert len(run.client.sent) == is_far_ahead


def test_a_request_that_fails_in_its_turn_is_not_tried_again(run: _Run) -> None:
    run.client.may_answer.set()
    pending = Pending(HTTPRequest("list 2"), _raises, is_far_ahead=True)
    threading.Timer(0.2, pending.settle).start()
    with pytest.raises(ApiUnreachable):
        _fetcher(run, "list", 1).fetch("2", is_first=False, pending=pending)
    assert run.client.sent == []


def _raises(_request: HTTPRequest) -> requests.Response:
    raise ApiUnreachable("no answer")
