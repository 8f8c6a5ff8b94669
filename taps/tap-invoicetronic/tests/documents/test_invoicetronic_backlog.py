"""Which invoices of a list are due."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tap_invoicetronic.documents.backlog import Progress
from tap_invoicetronic.documents.invoice_list import Invoice

HOUR = timedelta(hours=1)


def invoice(number: int, minute: int) -> Invoice:
    created = f"2026-03-01T{minute // 60:02}:{minute % 60:02}:00Z"
    return Invoice("receive", number, created, f"{number}.xml", is_read=False)


@given(st.lists(st.integers(0, 1439), unique=True), st.integers(0, 30))
def test_every_invoice_is_written_once_wherever_a_run_ends(minutes: list[int], cut: int) -> None:
    listed = [invoice(number, minute) for number, minute in enumerate(sorted(minutes))]
    state: dict[str, Any] = {}
    taken: list[int] = []
    for end in (cut, None):
        state = json.loads(json.dumps(state))
        progress = Progress(state, direction="receive", lookback=HOUR, start_date=None)
        for each in [each for each in listed if progress.is_due(each)][:end]:
            progress.mark_done(each)
            taken.append(each.id)

    assert taken == [each.id for each in listed]
    assert len(state["taken"]) <= 61
    assert not [
        each for each in listed if Progress(state, direction="receive", lookback=HOUR, start_date=None).is_due(each)
    ]


def test_an_invoice_that_appears_late_is_due_within_the_lookback_only() -> None:
    progress = Progress({}, direction="receive", lookback=HOUR, start_date=None)
    progress.mark_done(invoice(1, 600))

    later = Progress(progress.state, direction="receive", lookback=HOUR, start_date=None)

    assert later.is_due(invoice(2, 540))
    assert not later.is_due(invoice(3, 539))
    assert not later.is_due(invoice(1, 600))


def test_a_postponed_invoice_that_is_written_does_not_hide_older_ones_that_were_not_reached() -> None:
    reached, not_reached, postponed = invoice(1, 0), invoice(2, 300), invoice(3, 900)
    first = Progress({}, direction="receive", lookback=HOUR, start_date=None)
    first.mark_done(reached)
    first.postpone(postponed, None)

    second = Progress(json.loads(json.dumps(first.state)), direction="receive", lookback=HOUR, start_date=None)
    second.mark_done(postponed)

    third = Progress(json.loads(json.dumps(second.state)), direction="receive", lookback=HOUR, start_date=None)
    assert third.is_due(not_reached)
    assert not third.is_due(postponed)
    assert third.postponed_invoices == []
    third.mark_done(not_reached)
    third.mark_done(invoice(4, 1000))
    last = Progress(json.loads(json.dumps(third.state)), direction="receive", lookback=HOUR, start_date=None)
    assert "postponed" not in last.state


def test_what_is_postponed_survives_a_list_that_was_not_read_completely() -> None:
    first = Progress({}, direction="receive", lookback=HOUR, start_date=None)
    first.mark_done(invoice(1, 0))
    state = json.loads(json.dumps(first.state))

    second = Progress(state, direction="receive", lookback=HOUR, start_date=None)
    second.mark_done(invoice(2, 300))
    second.postpone(invoice(3, 600), None)
    kept = second.kept(is_complete=False)

    assert kept["newest"] == invoice(1, 0).created
    assert list(kept["postponed"]) == ["3"]
