"""Requests sent ahead: never too many at once, the most urgent first, errors where they are due."""

from __future__ import annotations

import threading

import pytest
import requests
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.errors import RequestFailed
from singer_rest_core.paging.prefetch import Prefetcher

_PATIENCE = 10.0


def _answer(name: str) -> requests.Response:
    answer = requests.Response()
    answer.url = name
    return answer


class _Api:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.open = threading.Event()
        self.begun = threading.Semaphore(0)
        self._lock = threading.Lock()

    def send(self, request: HTTPRequest) -> requests.Response:
        with self._lock:
            self.asked.append(request.url)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun.release()
        assert self.open.wait(_PATIENCE)
        with self._lock:
            self.at_once -= 1
        if request.url == "broken":
            raise RequestFailed("GET /broken answered 400", status=400)
        return _answer(request.url)


def _wait_for(api: _Api, begun: int) -> None:
    for _ in range(begun):
        assert api.begun.acquire(timeout=_PATIENCE)


def test_answers_are_handed_on_and_no_more_are_under_way_than_there_are_workers() -> None:
    api = _Api()
    pool = Prefetcher(3)
    pending = [pool.submit((0, number), HTTPRequest(str(number)), api.send) for number in range(10)]
    _wait_for(api, 3)
    api.open.set()

    assert [each.result().url for each in pending] == [str(number) for number in range(10)]
    assert api.most_at_once == 3
    assert sorted(api.asked, key=int) == [str(number) for number in range(10)]


def test_the_most_urgent_request_is_sent_first() -> None:
    api = _Api()
    pool = Prefetcher(1)
    first = pool.submit((0, 0), HTTPRequest("first"), api.send)
    _wait_for(api, 1)
    later = [pool.submit((stream, 0), HTTPRequest(f"stream {stream}"), api.send) for stream in (3, 2)]
    urgent = pool.submit((0, 1), HTTPRequest("next page"), api.send)
    api.open.set()

    for each in (first, urgent, *later):
        each.result()
    assert api.asked == ["first", "next page", "stream 2", "stream 3"]


def test_workers_that_are_kept_for_critical_requests_send_nothing_else() -> None:
    api = _Api()
    pool = Prefetcher(4)
    pool.reserve(1)
    others = [pool.submit((0, number), HTTPRequest(f"other {number}"), api.send) for number in range(6)]
    _wait_for(api, 3)
    critical = pool.submit((9, 0), HTTPRequest("critical"), api.send, is_critical=lambda: True)
    _wait_for(api, 1)
    assert sorted(api.asked) == ["critical", "other 0", "other 1", "other 2"]
    api.open.set()

    for each in (critical, *others):
        each.result()
    assert api.most_at_once == 4


def test_a_worker_that_is_no_longer_kept_sends_what_waits() -> None:
    api = _Api()
    pool = Prefetcher(2)
    pool.reserve(1)
    pending = [pool.submit((0, number), HTTPRequest(str(number)), api.send) for number in range(2)]
    _wait_for(api, 1)
    assert not api.begun.acquire(timeout=0.1)
    pool.reserve(0)
    _wait_for(api, 1)
    api.open.set()

    assert [each.result().url for each in pending] == ["0", "1"]


def test_an_error_is_raised_where_the_answer_is_due_and_harms_no_other() -> None:
    api = _Api()
    api.open.set()
    pool = Prefetcher(2)
    broken, fine = (
        pool.submit((0, 0), HTTPRequest("broken"), api.send),
        pool.submit((0, 1), HTTPRequest("fine"), api.send),
    )

    assert fine.result().url == "fine"
    with pytest.raises(RequestFailed, match="answered 400"):
        broken.result()


@pytest.mark.parametrize("stopped", [True, False])
def test_what_is_not_wanted_any_more_is_not_sent(*, stopped: bool) -> None:
    api = _Api()
    pool = Prefetcher(1)
    under_way = pool.submit((0, 0), HTTPRequest("under way"), api.send)
    _wait_for(api, 1)
    waiting = pool.submit((0, 1), HTTPRequest("waiting"), api.send)
    if stopped:
        pool.stop()
    else:
        waiting.drop()
    api.open.set()

    assert under_way.result().url == "under way"
    with pytest.raises(RuntimeError, match="dropped"):
        waiting.result()
    assert api.asked == ["under way"]


def test_what_is_submitted_to_a_pool_that_was_stopped_is_not_waited_for() -> None:
    api = _Api()
    api.open.set()
    pool = Prefetcher(1)
    pool.submit((0, 0), HTTPRequest("before"), api.send).result()
    pool.stop()

    with pytest.raises(RuntimeError, match="dropped"):
        pool.submit((0, 1), HTTPRequest("after"), api.send).result()
    assert api.asked == ["before"]


def test_its_threads_do_not_hold_up_the_end_of_the_run() -> None:
    api, before = _Api(), set(threading.enumerate())
    pool = Prefetcher(2)
    pool.submit((0, 0), HTTPRequest("never answered"), api.send)
    _wait_for(api, 1)

    assert [each.daemon for each in set(threading.enumerate()) - before] == [True]
    api.open.set()
