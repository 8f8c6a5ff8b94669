"""What incremental streams read again, and what they find."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.streams import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, Reading
    from lists.conftest import ReadInvoicetronic
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

    Warnings = Callable[[], list[str]]
    Queries = Callable[[str], list[dict[str, str]]]


def bookmark_of(reading: Reading, stream: str) -> str:
    return str(reading.state["bookmarks"][stream]["replication_key_value"])


@pytest.mark.parametrize(
    ("stream", "key"),
    [("update", "last_update"), ("log", "date_time"), ("receive", "created"), ("send", "last_update")],
)
def test_a_second_run_with_nothing_new_reads_only_the_lookback_in_one_request_for_each_list(
    queries: Queries, sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic, stream: str, key: str
) -> None:
    first = read_invoicetronic(stream)
    sandbox.admin.clear_requests()

    second = read_invoicetronic(stream, state=first.state)

    newest = {"log": "date_time"}.get(stream, "created")
    again = [
        record["id"]
        for record in first.records[stream]
        if (record[key] and instant(record[key]) >= instant(bookmark_of(first, stream)) - timedelta(hours=1))
        or (stream in {"send", "receive"} and _is_of_the_last_hour(record[newest], first.records[stream]))
    ]
    if stream == "log":  # the first run left rows of its own
        assert set(again) <= set(second.ids(stream))
    else:
        assert sorted(set(second.ids(stream))) == sorted(again)
        assert bookmark_of(second, stream) == bookmark_of(first, stream)
    assert len(queries(stream)) == (2 if stream == "send" else 1)


def _is_of_the_last_hour(created: str, records: list[dict[str, Any]]) -> bool:
    newest = max(instant(record["created"]) for record in records)
    return instant(created) >= newest - timedelta(hours=1)


def test_a_run_requests_changes_by_filter_and_new_rows_newest_first(
    queries: Queries, sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("send receive update")
    assert {query["sort"] for query in queries("receive")} == {"-created"}
    assert {query["sort"] for query in queries("send")} == {"last_update"}
    sandbox.admin.clear_requests()
    read_invoicetronic("send receive update", state=first.state)

    page = {"page": "1", "page_size": "200"}
    since = f"{instant(bookmark_of(first, 'send')) - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    assert sorted(queries("send"), key=len) == [
        {"sort": "-created", **page},
        {"sort": "last_update", "last_update_from": since, **page},
    ]
    assert queries("receive") == [{"sort": "-created", **page}]
    (updates,) = queries("update")
    assert updates["sort"] == "last_update"
    assert {"last_update_from", "last_update_to"} <= updates.keys()


def test_an_invoice_is_read_when_it_is_new_and_again_when_the_sdi_has_answered(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("send update")
    sandbox.admin.advance_clock(86_400)
    sent = live.create("send")
    assert sent["last_update"] is None

    second = read_invoicetronic("send update", state=first.state)
    assert sent["id"] in second.ids("send")
    third = read_invoicetronic("send update", state=second.state)
    sandbox.admin.advance_clock(86_400)
    update = live.post("sdi_updates", {"send_id": sent["id"], "state": "Inviato"})
    fourth = read_invoicetronic("send update", state=third.state)

    (row,) = [record for record in fourth.records["send"] if record["id"] == sent["id"]]
    assert row["latest_state"] == "Inviato"
    assert row["last_update"] is not None
    assert update["id"] in fourth.ids("update")
    assert bookmark_of(fourth, "send") == bookmark_of(fourth, "update") > bookmark_of(first, "send")


def test_an_old_invoice_without_an_update_is_not_read_again(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    waiting = live.create("send")["id"]
    sandbox.admin.advance_clock(10 * 86_400)
    live.create("send")
    first = read_invoicetronic("send")
    assert waiting in first.ids("send")

    assert waiting not in read_invoicetronic("send", state=first.state).ids("send")


def test_an_invoice_without_an_update_is_not_lost_where_the_first_run_was_cut_short(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    waiting = live.create("send", {"created": "2020-01-01T00:00:00Z"})["id"]
    sandbox.admin.add_fault("*/send", query="page=3", status=404, times=1)
    first = read_invoicetronic("send", page_size=50)
    assert len(first.ids("send")) == 100
    assert waiting not in first.ids("send"), "where rows without a value come first, this shows nothing"

    assert waiting in read_invoicetronic("send", page_size=50, state=first.state).ids("send")


def test_a_received_invoice_is_read_when_it_is_new(
    queries: Queries, sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    sandbox.admin.advance_clock(86_400)
    new = [live.create("receive")["id"] for _ in range(3)]
    sandbox.admin.clear_requests()

    second = read_invoicetronic("receive", state=first.state, page_size=2)

    assert set(new) <= set(second.ids("receive"))
    assert len(queries("receive")) == 3
    assert bookmark_of(second, "receive") > bookmark_of(first, "receive")


def test_a_row_that_appears_late_is_found_within_the_lookback(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    before = (instant(bookmark_of(first, "receive")) - timedelta(minutes=90)).isoformat()
    late = live.create("receive", {"created": before.replace("+00:00", "Z")})["id"]

    assert late not in read_invoicetronic("receive", state=first.state).ids("receive")
    assert late in read_invoicetronic("receive", state=first.state, lookback_minutes=120).ids("receive")


def test_the_log_is_read_up_to_the_start_of_the_run(
    queries: Queries, read_invoicetronic: ReadInvoicetronic, clock: FakeClock
) -> None:
    started = clock.now().replace(microsecond=0)

    reading = read_invoicetronic("company log", page_size=20)

    moments = [instant(record["date_time"]) for record in reading.records["log"]]
    assert moments == sorted(moments)
    assert moments[-1] < started
    assert instant(queries("log")[0]["date_time_to"]) >= started
    assert instant(bookmark_of(reading, "log")) == moments[-1]


def test_requests_of_an_earlier_run_are_in_the_log_of_the_next(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_invoicetronic("company log")
    later = datetime.now(UTC) + timedelta(days=1000)  # the sandbox's clock may have been moved by other tests
    monkeypatch.setattr(Log, "started", later)

    second = read_invoicetronic("log", state=first.state)

    new = [record for record in second.records["log"] if record["id"] not in first.ids("log")]
    assert {"/company", "/log"} <= {record["endpoint"] for record in new}
    assert {record["id"] for record in new} <= {row["id"] for row in live.records("log")}


def test_start_date_bounds_the_first_run(read_invoicetronic: ReadInvoicetronic) -> None:
    everything = read_invoicetronic("send receive update").records

    some = read_invoicetronic("send receive update", start_date="2026-02-01")

    bound = instant("2026-02-01")
    keys = {"send": ("last_update", "created"), "receive": ("created",), "update": ("last_update",)}
    for stream, columns in keys.items():
        due = {
            record["id"]
            for record in everything[stream]
            if any(record[column] and instant(record[column]) >= bound for column in columns)
        }
        assert set(some.ids(stream)) == due, stream
        assert 0 < len(due) < len(everything[stream])
