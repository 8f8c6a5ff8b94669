"""The table of cases in the documentation is that of the record, and names enough of each kind."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scripts.all_taps import tap_names
from tests.proof.case_record import (
    AS_PROMISED,
    CRASH_AND_RESUME,
    FAILED,
    FAULTS,
    FULL_DISK,
    LARGE_PAGES,
    LASTING_FAILURES,
    MELTANO_KILLED,
    MOVING_DATA,
    MOVING_DATA_LOADED,
    PROCESSES_KILLED,
    CaseSum,
    kept_sums,
)
from tests.proof.case_table import PAGE, table, with_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEAST: Mapping[str, int] = {
    "hostile rows": 25,
    MOVING_DATA: 5,
    MOVING_DATA_LOADED: 4,
    CRASH_AND_RESUME: 2,
    FAULTS: 5,
    LASTING_FAILURES: 5,
    PROCESSES_KILLED: 2,
    MELTANO_KILLED: 4,
    FULL_DISK: 1,
    LARGE_PAGES: 1,
}
"""How many cases of a kind there have to be for each tap, at least."""

OF_SOME_TAPS: Mapping[str, Sequence[str]] = {
    FULL_DISK: ("tap-covage", "tap-invobi", "tap-invoicetronic"),
    LARGE_PAGES: ("tap-invobi",),
}
"""Kinds that not every tap has: which read documents, and one for what core does for all."""


def test_the_table_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert with_table(text, kept_sums()) == text


def test_there_are_enough_cases_of_each_kind_and_none_failed() -> None:
    cases = Counter({(each.kind, each.tap): 0 for each in kept_sums()})
    for each in kept_sums():
        assert each.outcome != FAILED, each
        cases[each.kind, each.tap] += each.cases
    wanted = {(kind, tap): least for kind, least in LEAST.items() for tap in OF_SOME_TAPS.get(kind, tap_names())}
    assert {place for place, least in wanted.items() if cases[place] < least} == set()
    assert {each.kind for each in kept_sums()} == LEAST.keys()


def test_a_row_of_the_table_sums_up_the_outcomes_of_a_kind() -> None:
    sums = [
        CaseSum("tap-a", "moving", AS_PROMISED, 1200, ["1", "2"], "2026-01-02", "2026-01-03"),
        CaseSum("tap-a", "moving", "cut short", 3, ["7"], "2026-01-01", "2026-01-02"),
    ]

    assert table(sums).splitlines()[2:] == [
        "| moving | tap-a | 1,203 | 1,200 as promised; 3 cut short | 1, 2, 7 | 2026-01-01 to 2026-01-03 |"
    ]
