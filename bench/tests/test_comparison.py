"""When two outputs are the same."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bench.comparison import differing_columns, same_value, totals


def test_totals_do_not_depend_on_order() -> None:
    assert totals([("1", 5), ("2", None)]) == totals([("2", None), ("1", 5)])


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("1", 5), ("2", 6), ("2", 0)], id="repeated"),
        pytest.param([("1", 11)], id="lost"),
        pytest.param([("1", 5), ("2", 7)], id="another amount"),
        pytest.param([("1", 5), ("3", 6)], id="another id"),
    ],
)
def test_totals_show_a_repeated_a_lost_and_a_changed_record(rows: list[tuple[str, int]]) -> None:
    assert totals(rows) != totals([("1", 5), ("2", 6)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "x"),
        (None, None),
        ("2026-03-16T08:00:00+01:00", "2026-03-16T07:00:00.000Z"),
        ("1.50", Decimal("1.5")),
        (5, "5"),
        ([1, {"a": 2}], [1, {"a": 2}]),
    ],
)
def test_values_that_mean_the_same_are_the_same(one: object, other: object) -> None:
    assert same_value(one, other)
    assert same_value(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "X"),
        (None, ""),
        (None, 0),
        (True, 1),
        (True, "True"),
        ("2026-03-16T08:00:00+01:00", "2026-03-16T08:00:00Z"),
        ("2026-03-16T08:00:00", "2026-03-16T08:00:00Z"),
        ("1.5", Decimal("1.51")),
        ([1], ["1"]),
    ],
)
def test_values_that_mean_something_else_are_different(one: object, other: object) -> None:
    assert not same_value(one, other)
    assert not same_value(other, one)


def test_all_columns_are_compared_and_a_missing_one_counts_as_null() -> None:
    assert differing_columns({"1": {"a": 1, "b": None}}, {"1": {"a": 1, "c": None}}) == set()
    assert differing_columns({"1": {"a": 1, "b": 2}}, {"1": {"a": 2, "b": 2}}) == {"a"}
    assert differing_columns({"1": {"a": 1, "b": 2}}, {"1": {"a": 1, "c": 3}}) == {"b", "c"}


def test_a_missing_record_is_a_difference_of_its_id() -> None:
    assert differing_columns({"1": {"a": 1}}, {}) == {"id"}
