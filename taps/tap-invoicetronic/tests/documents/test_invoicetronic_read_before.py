"""What the state says of documents that earlier runs have come to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_invoicetronic.documents.invoice_list import Invoice
from tap_invoicetronic.documents.read_before import ReadBefore, read_once_more

if TYPE_CHECKING:
    from tap_invoicetronic.documents.invoice_list import Direction

HOUR = timedelta(hours=1)
STATE: dict[str, Any] = {
    "receive": {
        "newest": "2026-03-01T12:00:00Z",
        "taken": {"7": "2026-03-01T12:00:00Z"},
        "postponed": {
            "3": {"created": "2026-03-01T09:00:00Z", "file_name": "3.xml", "failures": 1},
            "9": {"created": "2026-03-01T15:00:00Z", "is_written": True},
        },
    },
    "exported": ["2026-02-both"],
}
"""A stream that has written 7 and, by itself, 9, and waits for 3."""


def invoice(row_id: int, hour: int, direction: Direction = "receive") -> Invoice:
    return Invoice(direction, row_id, f"2026-03-01T{hour:02}:00:00Z", None, is_read=True)


@pytest.mark.parametrize("is_read_once_more", [False, True])
def test_invoices_before_the_position_are_read_unless_they_are_waited_for(
    is_read_once_more: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    state = read_once_more(STATE, version="2.0") if is_read_once_more else STATE
    before = ReadBefore([{}, state], lookback=HOUR)

    assert before.includes(invoice(1, 8))
    assert not before.includes(invoice(3, 9))  # waited for
    assert not before.includes(invoice(6, 11))  # may have appeared late
    assert before.includes(invoice(7, 12))
    assert not before.includes(invoice(8, 14))
    assert before.includes(invoice(9, 15))
    assert not before.includes(invoice(1, 8, "send"))
    assert before.includes_export("2026-02-both")
    assert not before.includes_export("2026-03-both")


def test_a_state_is_read_once_more_from_the_start_and_only_once() -> None:
    changes = read_once_more(STATE, version="2.0")

    assert "newest" not in changes["receive"]
    assert list(changes["receive"]["postponed"]) == ["3"]
    assert changes["exported"] == []
    assert read_once_more({**STATE, **changes}, version="3.0") == {}
