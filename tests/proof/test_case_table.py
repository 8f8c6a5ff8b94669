"""The table of cases in the documentation is that of the record, and names enough of each kind."""

from __future__ import annotations

from collections import Counter

from scripts.all_taps import tap_names
from tests.proof.case_record import AS_PROMISED, FAILED, CaseSum, kept_sums
from tests.proof.case_table import PAGE, table, with_table

LEAST: dict[str, int] = {"hostile rows": 25}
"""How many cases of a kind there have to be for each tap, at least."""


def test_the_table_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")

    assert with_table(text, kept_sums()) == text


def test_there_are_enough_cases_of_each_kind_and_none_failed() -> None:
    cases = Counter({(each.kind, each.tap): 0 for each in kept_sums()})
    for each in kept_sums():
        assert each.outcome != FAILED, each
        cases[each.kind, each.tap] += each.cases
    short = {(kind, tap) for kind, least in LEAST.items() for tap in tap_names() if cases[kind, tap] < least}
    assert short == set()


def test_a_row_of_the_table_sums_up_the_outcomes_of_a_kind() -> None:
    sums = [
        CaseSum("tap-a", "moving", AS_PROMISED, 1200, ["1", "2"], "2026-01-02", "2026-01-03"),
        CaseSum("tap-a", "moving", "cut short", 3, ["7"], "2026-01-01", "2026-01-02"),
    ]

    assert table(sums).splitlines()[2:] == [
        "| moving | tap-a | 1,203 | 1,200 as promised; 3 cut short | 1, 2, 7 | 2026-01-01 to 2026-01-03 |"
    ]
