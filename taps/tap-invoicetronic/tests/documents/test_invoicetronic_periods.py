"""Periods of exports."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tap_invoicetronic.documents.periods import Period


@pytest.mark.parametrize(
    ("text", "first", "last", "asked"),
    [
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31), {"year": "2026", "month": "3"}),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), {"year": "2024", "month": "2"}),
        ("2025-12", date(2025, 12, 1), date(2025, 12, 31), {"year": "2025", "month": "12"}),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31), {"year": "2026", "quarter": "1"}),
        ("2025-q4", date(2025, 10, 1), date(2025, 12, 31), {"year": "2025", "quarter": "4"}),
    ],
)
def test_a_period_is_a_month_or_a_quarter(text: str, first: date, last: date, asked: dict[str, str]) -> None:
    period = Period.parse(text)

    assert (period.first, period.last, period.parameters) == (first, last, asked)
    assert period.contains_any((str(first),))
    assert period.contains_any(("1999-01-01", str(last)))
    assert not period.contains_any((str(first - timedelta(days=1)), str(last + timedelta(days=1))))
    assert not period.contains_any(())


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-3", "2026-Q5", "26-03", "2026-03-01", "", "2026-Q1\n"])
def test_anything_else_is_not_a_period(text: str) -> None:
    with pytest.raises(ValueError, match="write it like 2026-03 or 2026-Q1"):
        Period.parse(text)
