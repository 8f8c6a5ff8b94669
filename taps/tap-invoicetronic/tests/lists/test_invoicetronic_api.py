"""How lists are read from an API that refuses, ignores or breaks off, and within its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import RunIncomplete
from singer_rest_core.api import Bucket, Window
from tap_invoicetronic.streams import Update
from tap_invoicetronic.tap import TapInvoicetronic

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, Reading
    from lists.conftest import ReadInvoicetronic
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox
    from singer_rest_core import PageParams
    from tap_invoicetronic.client import InvoicetronicQuery

    Warnings = Callable[[], list[str]]
    Queries = Callable[[str], list[dict[str, str]]]


def bookmark_of(reading: Reading, stream: str) -> str:
    return str(reading.state["bookmarks"][stream]["replication_key_value"])


def test_a_restricted_key_skips_what_it_may_not_read(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    live.put("restricted_keys", {"ik_live_bookkeeper": {"permissions": {"send": "Read", "update": "Read"}}})

    reading = read_invoicetronic(api_key="ik_live_bookkeeper")

    assert reading.error is None
    assert reading.records.keys() == {"send", "update"}
    line = "receive: skipped: GET /invoicetronic/v1/receive answered 403: Forbidden: The key has no access to receive "
    assert f"{line}(subkey_not_allowed): the API key has no permission for it" in warnings()


@pytest.mark.parametrize("shape", ["problem", "wrapped"])
def test_an_empty_balance_that_stops_reading_fails_the_stream_and_says_what_to_do(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, shape: str
) -> None:
    live.put("behaviour", {"problem_shape": shape})
    live.put("billing", {"operation_left": 0, "refused_at_zero": "receive"})

    reading = read_invoicetronic()

    assert isinstance(reading.error, RunIncomplete)
    assert "receive" not in reading.records
    assert reading.records.keys() >= {"send", "update", "status"}
    (line,) = warnings()
    assert "No operations left" in line
    assert "the account has no operations left (usage_limit_exceeded). Buy operations, then run again" in line


def test_a_list_whose_sort_is_refused_is_read_without_it(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive send update")
    refused = {"receive": ["created"], "send": ["created", "last_update"], "update": ["last_update"]}
    live.put("behaviour", {"refused_sorts": refused})
    new = {stream: live.create(stream, {"created": "2026-03-20T00:00:00Z"})["id"] for stream in ("receive", "send")}

    second = read_invoicetronic("receive send update", state=first.state)

    assert second.error is None
    for stream, row_id in new.items():
        assert row_id in second.ids(stream)
        assert len(set(second.ids(stream))) == len(first.ids(stream)) + 1, "it is read completely"
    told = warnings()
    assert "receive: rows do not come in descending order of created: it is read completely" in told
    for stream, names in refused.items():
        for name in names:
            refusal = f"GET /invoicetronic/v1/{stream} answered 400: Bad Request: Cannot sort by {name}"
            assert f"{stream}: {refusal}; the list is read without a sort" in told
    assert bookmark_of(second, "receive") == "2026-03-20T00:00:00Z"
    assert bookmark_of(second, "update") == bookmark_of(first, "update")


def test_an_ignored_sort_is_detected(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive update")
    live.put("behaviour", {"ignored_sorts": {"receive": ["created"], "update": ["last_update"]}})
    new = live.create("receive", {"created": "2026-03-20T00:00:00Z"})["id"]

    second = read_invoicetronic("receive", state=first.state, page_size=50)

    assert second.error is None
    assert new in second.ids("receive")
    assert len(set(second.ids("receive"))) == len(first.ids("receive")) + 1
    assert "receive: rows do not come in descending order of created, as was asked for: it is read completely" in (
        warnings()
    )


def test_an_ignored_filter_is_detected_and_loses_nothing(
    warnings: Warnings, read_invoicetronic: ReadInvoicetronic, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = read_invoicetronic("update")
    # As if the API did not know the parameters: it ignores names that it does not know.
    request_for = Update.request_for

    def misspelt(self: Update, query: InvoicetronicQuery, token: PageParams | None) -> HTTPRequest:
        request = request_for(self, query, token)
        request.params = {
            f"x_{name}" if name.endswith(("_from", "_to")) else name: value for name, value in request.params.items()
        }
        return request

    monkeypatch.setattr(Update, "request_for", misspelt)
    second = read_invoicetronic("update", state=first.state)

    assert second.error is None
    assert sorted(second.ids("update")) == sorted(first.ids("update"))
    assert bookmark_of(second, "update") == bookmark_of(first, "update")
    assert "update: the API does not keep to the filter last_update_from: older rows come again" in warnings()


def test_no_row_is_lost_when_rows_appear_between_two_pages(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    first = read_invoicetronic("receive")
    expected = {live.create("receive", {"created": f"2026-03-20T00:00:{each:02}Z"})["id"] for each in range(10)}
    removed = min(expected)
    live.script_changes(
        "/receive",
        after_request=1,
        changes=[
            {"action": "create", "resource": "receive", "attributes": {"created": "2026-03-21T00:00:00Z"}},
            {"action": "delete", "resource": "receive", "id": str(max(expected))},
        ],
    )

    second = read_invoicetronic("receive", state=first.state, page_size=3)

    assert second.error is None
    assert expected - {removed} <= set(second.ids("receive"))


def test_a_run_that_fails_between_pages_is_continued_where_it_stopped(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    sandbox.admin.add_fault("*/update", query="page=3", times=100, status=500)
    first = read_invoicetronic("update", page_size=100)
    assert isinstance(first.error, RunIncomplete)
    assert len(first.ids("update")) == 200
    assert bookmark_of(first, "update") == first.records["update"][-1]["last_update"]
    sandbox.admin.clear_faults()

    second = read_invoicetronic("update", page_size=100, state=first.state)

    everything = {row["id"] for row in live.records("update")}
    assert set(first.ids("update")) | set(second.ids("update")) == everything
    assert len(second.ids("update")) < len(everything) - 100


def test_a_first_read_of_send_that_fails_loses_no_invoice_without_an_update(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    sandbox.admin.add_fault("*/send", query="page=3", times=100, status=500)
    runs = [read_invoicetronic("send", page_size=100)]
    assert isinstance(runs[0].error, RunIncomplete)
    sandbox.admin.clear_faults()

    runs.append(read_invoicetronic("send", page_size=100, state=runs[-1].state))
    runs.append(read_invoicetronic("send", page_size=100, state=runs[-1].state))

    assert any(row["last_update"] is None for row in live.records("send"))
    assert {row_id for run in runs for row_id in run.ids("send")} == {row["id"] for row in live.records("send")}


def test_the_older_wrapper_of_errors_is_understood(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    live.put("behaviour", {"problem_shape": "wrapped"})
    live.put("restricted_keys", {"ik_live_bookkeeper": {"permissions": {"company": "Read"}}})

    read_invoicetronic("company send", api_key="ik_live_bookkeeper")

    assert any("Forbidden: The key has no access to send (subkey_not_allowed)" in line for line in warnings())


def test_without_a_total_the_list_ends_at_a_page_that_is_not_full(
    read_invoicetronic: ReadInvoicetronic, live: SystemAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_invoicetronic.client.TOTAL_COUNT", "X-No-Such-Header")

    reading = read_invoicetronic("send update", page_size=45)

    assert reading.error is None
    for stream in ("send", "update"):
        assert sorted(reading.ids(stream)) == sorted(row["id"] for row in live.records(stream))


def test_half_of_the_documented_limits_is_used_and_the_busier_lists_share_a_bucket() -> None:
    tap = TapInvoicetronic(config={"api_key": "ik_live_sandbox"}, setup_mapper=False)

    assert tap.rate_limits[""] == (Window(100, 1), Window(2000, 60), Window(100_000, 86_400))
    assert tap.rate_limits["invoices"] == (Bucket(200, 60, 60),)
    url = tap.config["api_url"]
    groups = {
        path: tap.route_group(HTTPRequest(url=f"{url}{path}", headers={}))
        for path in ("/send", "/receive/12", "/status", "/export")
    }
    assert groups == {"/send": "invoices", "/receive/12": "invoices", "/status": "", "/export": ""}
    allowed = {usage.rule: usage.allowed for usage in tap.rate_limiter.used}
    assert allowed[Bucket(200, 60, 60)] == 100
    assert allowed[Window(100, 1)] == 50


def test_a_429_is_waited_for(sandbox: RunningSandbox, read_invoicetronic: ReadInvoicetronic, clock: FakeClock) -> None:
    sandbox.admin.add_fault("*/company", status=429, headers={"Retry-After": "1"})
    reading = read_invoicetronic("company")

    assert reading.error is None
    assert reading.records["company"]
    assert 1 <= sum(clock.waits) < 2
