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
        progress = Progress(state, lookback=HOUR, start_date=None)
        for each in [each for each in listed if progress.is_due(each)][:end]:
            progress.mark_done(each)
            taken.append(each.id)

    assert taken == [each.id for each in listed]
    assert len(state["taken"]) <= 61
    assert not [each for each in listed if Progress(state, lookback=HOUR, start_date=None).is_due(each)]


def test_an_invoice_that_appears_late_is_due_within_the_lookback_only() -> None:
    progress = Progress({}, lookback=HOUR, start_date=None)
    progress.mark_done(invoice(1, 600))

    later = Progress(progress.state, lookback=HOUR, start_date=None)

    assert later.is_due(invoice(2, 540))
    assert not later.is_due(invoice(3, 539))
    assert not later.is_due(invoice(1, 600))
