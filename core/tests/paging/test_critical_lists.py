"""Which lists go first: those that need as long as everything else that is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import NOTHING_EXPECTED, ExpectedRequests, Window
from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.prefetch import Prefetcher

_PAGE = 200


class _Limits(RateLimiter):
    """Remembers the room it was asked for."""

    def __init__(self, *, spent: int = 0) -> None:
        super().__init__({"": [Window(100, 10)]}, clock=FakeClock())
        for _ in range(spent):
            self.acquire()
        self.rooms: list[ExpectedRequests] = []

    def leave_room(self, expected: ExpectedRequests, *, exempt_waiting: bool = False) -> None:
        self.rooms.append(expected)
        super().leave_room(expected, exempt_waiting=exempt_waiting)


def _come(lists: CriticalLists, name: str, pages: int, *, side_by_side: int = 1, seconds: float = 1.0) -> None:
    """Let the first page of a list come."""
    lists.page_came(name, rows=_PAGE, total=(pages + 1) * _PAGE, side_by_side=side_by_side, seconds=seconds)


def test_a_list_is_critical_as_soon_as_its_pages_need_as_long_as_all_requests_do() -> None:
    limits = _Limits(spent=100)
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "many", 1_000, side_by_side=0)
    _come(lists, "line_items", 50)
    # 1,050 requests need 105 s, 50 pages 50 s.
    assert not lists.is_critical("line_items")
    lists.page_came("many", rows=650 * _PAGE, total=1_001 * _PAGE, side_by_side=0, seconds=1.0)
    # 400 requests need 40 s.
    assert lists.is_critical("line_items")
    assert not lists.is_critical("many")
    assert limits.rooms[-1] == ExpectedRequests(50, 1.0, at_once=1)


@pytest.mark.parametrize(("windows", "is_critical"), [(2, True), (3, True), (6, False)])
def test_windows_count_as_long_as_the_longest_of_them_may_be(windows: int, *, is_critical: bool) -> None:
    lists = CriticalLists(_Limits(spent=100), Prefetcher(16))
    _come(lists, "many", 400, side_by_side=0)
    # 440 requests need 44 s; of 40 pages, one of six windows holds 20 at most, one of three all.
    _come(lists, "tasks", 40, side_by_side=windows)
    assert lists.is_critical("tasks") is is_critical


def test_room_is_left_for_all_windows_of_a_critical_list() -> None:
    limits = _Limits(spent=100)
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "tasks", 60, side_by_side=2)
    assert limits.rooms[-1] == ExpectedRequests(60, 0.5, at_once=2)


def test_the_others_may_go_on_when_the_critical_list_has_ended() -> None:
    limits = _Limits(spent=100)
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "many", 100, side_by_side=0)
    _come(lists, "line_items", 50)
    assert lists.is_critical("line_items")
    lists.ended("line_items")
    assert not lists.is_critical("line_items")
    assert limits.rooms[-1] == NOTHING_EXPECTED


def test_no_list_is_critical_where_the_limits_make_nobody_wait() -> None:
    limits = _Limits()
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "line_items", 50)
    assert not lists.is_critical("line_items")
    assert limits.rooms == []


def test_no_list_is_critical_where_one_request_is_sent_after_the_other() -> None:
    lists = CriticalLists(_Limits(spent=100), None)
    _come(lists, "line_items", 50)
    assert not lists.is_critical("line_items")


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(0, 64), st.floats(0, 5)), min_size=1, max_size=30),
    st.integers(0, 300),
)
def test_something_is_always_left_for_the_others(pages: list[tuple[int, int, float]], spent: int) -> None:
    limits = _Limits(spent=spent)
    pool = Prefetcher(16)
    lists = CriticalLists(limits, pool)
    lists.expect(str(number) for number in range(len(pages)))
    for number, (count, side_by_side, seconds) in enumerate(pages):
        _come(lists, str(number), count, side_by_side=side_by_side, seconds=seconds)
    # One window of the limit later at most.
    assert limits.acquire(longest=11) <= 11
