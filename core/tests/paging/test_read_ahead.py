"""Which lists are read ahead of their turn, and in which order their reads begin."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.paging.read_ahead import ReadAhead
from singer_rest_core.paging.spool import SpoolMemory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_rest_core.paging.page import Page


class _List:
    """A list that notes when its read begins."""

    logger = logging.getLogger("test")

    def __init__(
        self, begun: list[str], name: str, position: int, *, expected_rows: int = 0, turn_ahead: int = 0
    ) -> None:
        self.name = name
        self.position = position
        self.expected_rows = expected_rows
        self.turn_ahead = turn_ahead
        self._begun = begun

    def start_ahead(self) -> Iterator[Page]:
        self._begun.append(self.name)
        return iter(())


def _read_ahead(*, is_accepted: bool = True) -> ReadAhead:
    return ReadAhead(Prefetcher(2), SpoolMemory(), may_start=lambda: is_accepted)


def test_reads_of_more_rows_are_begun_first_and_the_others_in_their_order() -> None:
    begun: list[str] = []
    rows = {"read now": 9, "few": 1, "unknown": 0, "unknown, too": 0, "many": 500}
    lists = [_List(begun, name, place, expected_rows=count) for place, (name, count) in enumerate(rows.items())]
    ahead = _read_ahead()
    ahead.begin(lists)

    ahead.start_after(0, 0)

    assert begun == ["many", "few", "unknown", "unknown, too"]


def test_a_read_begins_with_the_turn_from_which_it_may_be_read_ahead_and_once() -> None:
    begun: list[str] = []
    lists = [_List(begun, "now", 0), _List(begun, "next", 1), _List(begun, "late", 2, turn_ahead=1)]
    ahead = _read_ahead()
    ahead.begin(lists)

    ahead.start_after(0, 0)
    assert begun == ["next"]
    ahead.start_after(0, 0)
    ahead.start_after(1, 1)
    assert begun == ["next", "late"]


def test_nothing_is_begun_before_the_api_has_accepted_a_request() -> None:
    begun: list[str] = []
    ahead = _read_ahead(is_accepted=False)
    ahead.begin([_List(begun, "now", 0), _List(begun, "next", 1)])

    ahead.start_after(0, 0)

    assert begun == []
