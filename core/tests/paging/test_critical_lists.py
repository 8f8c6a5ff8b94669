"""Which lists go first: those that need as long as everything else that is left."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import FakeClock
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Window
from singer_rest_core.paging.critical_lists import CriticalLists
from singer_rest_core.paging.prefetch import Prefetcher

_PAGE = 200


class _Limits(RateLimiter):
    """Remembers the pace it was given."""

    def __init__(self, *, spent: int = 0) -> None:
        super().__init__({"": [Window(100, 10)]}, clock=FakeClock())
        for _ in range(spent):
            self.acquire()
        self.paces: list[float] = []

    def pace(self, seconds: float) -> None:
        self.paces.append(seconds)
        super().pace(seconds)


def _come(lists: CriticalLists, name: str, pages: int, *, is_walk: bool = True, seconds: float = 1.0) -> None:
    """Let the first page of a list come."""
    lists.page_came(name, rows=_PAGE, total=(pages + 1) * _PAGE, is_walk=is_walk, seconds=seconds)


def test_a_list_is_critical_as_soon_as_its_pages_need_as_long_as_all_requests_do() -> None:
    limits = _Limits(spent=100)
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "many", 1_000, is_walk=False)
    _come(lists, "line_items", 50)
    # 1,050 requests need 105 s, 50 pages 50 s.
    assert not lists.is_critical("line_items")
    lists.page_came("many", rows=650 * _PAGE, total=1_001 * _PAGE, is_walk=False, seconds=1.0)
    # 400 requests need 40 s.
    assert lists.is_critical("line_items")
    assert not lists.is_critical("many")
    # Of 10 requests a second, the list needs one, and the others share nine.
    assert limits.paces[-1] == pytest.approx(1 / 9, rel=0.05)


def test_the_others_may_go_on_when_the_critical_list_has_ended() -> None:
    limits = _Limits(spent=100)
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "many", 100, is_walk=False)
    _come(lists, "line_items", 50)
    assert lists.is_critical("line_items")
    lists.ended("line_items")
    assert not lists.is_critical("line_items")
    assert limits.paces[-1] == 0


def test_no_list_is_critical_where_the_limits_make_nobody_wait() -> None:
    limits = _Limits()
    lists = CriticalLists(limits, Prefetcher(16))
    _come(lists, "line_items", 50)
    assert not lists.is_critical("line_items")
    assert limits.paces == []


def test_no_list_is_critical_where_one_request_is_sent_after_the_other() -> None:
    lists = CriticalLists(_Limits(spent=100), None)
    _come(lists, "line_items", 50)
    assert not lists.is_critical("line_items")


@given(
    st.lists(st.tuples(st.integers(1, 500), st.booleans(), st.floats(0, 5)), min_size=1, max_size=30),
    st.integers(0, 300),
)
def test_something_is_always_left_for_the_others(pages: list[tuple[int, bool, float]], spent: int) -> None:
    limits = _Limits(spent=spent)
    pool = Prefetcher(16)
    lists = CriticalLists(limits, pool)
    lists.expect(str(number) for number in range(len(pages)))
    for number, (count, is_walk, seconds) in enumerate(pages):
        _come(lists, str(number), count, is_walk=is_walk, seconds=seconds)
    assert all(0 <= pace <= 10 for pace in limits.paces)
