"""Details: one request a record, only when selected."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CONCURRENCY, discover, read, warnings_of, with_rescued, without_nulls
from singer_rest_core import RunIncomplete
from tap_2invoice.streams import DETAILS
from tap_2invoice.tap import Tap2Invoice
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from conftest import FakeClock
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

run = partial(read, Tap2Invoice)
DETAIL_NAMES = [str(vars(stream)["name"]) for stream in DETAILS]
PAGED = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}


def requested(sandbox: RunningSandbox, stream: str = "") -> list[str]:
    """The paths and pages that were requested, below the API's root."""
    paths = [
        request["path"].removeprefix("/2invoice/") + "".join(f"?{name}={value}" for name, value in request["query"])
        for request in sandbox.admin.requests()
    ]
    return [path for path in paths if path.split("?")[0].startswith(stream.replace("_", "-"))]


@pytest.mark.parametrize("form", ["bare", "keyed"])
def test_details_are_read_one_by_one_when_they_are_selected(
    sandbox: RunningSandbox, two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], form: str
) -> None:
    two_invoice.put("details", {"invoices": form, "clients": form})

    reading = run(two_invoice_settings, select=" ".join(DETAIL_NAMES))

    assert reading.error is None
    clients = [without_nulls(row) for row in two_invoice.records("clients")]
    assert [with_rescued(record) for record in reading.records["client_details"]] == clients
    receipts = [record["receipts"] for record in reading.records["invoice_details"]]
    assert sum(map(len, receipts)) == PAGED["receipts"]
    assert reading.activated == ["client_details"]  # the list of invoices has several pages
    assert len(requested(sandbox, "invoices/")) == 1 + PAGED["invoices"]


def test_details_are_not_read_unless_they_are_selected(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    roots = {
        entry["tap_stream_id"]: metadata["metadata"]
        for entry in catalog["streams"]
        for metadata in entry["metadata"]
        if metadata["breadcrumb"] == []
    }
    sandbox.admin.clear_requests()

    run(two_invoice_settings, catalog=catalog)

    assert {name for name, root in roots.items() if not root["selected"]} == set(DETAIL_NAMES)
    assert not [path for path in requested(sandbox) if path.count("/") and "token" not in path]


def test_a_detail_that_is_not_found_is_left_out_and_nothing_is_taken_as_deleted(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.add_fault("*/clients/7", status=404)

    reading = run(two_invoice_settings, select="client_details", catalog=catalog)

    assert reading.error is None
    assert len(reading.ids("client_details")) == 39
    assert 7 not in reading.ids("client_details")
    assert reading.activated == []
    assert "client_details: 1 rows of the list were not found (404): requested again later" in warnings_of(caplog)


@pytest.mark.parametrize("number", ["1", "20"])
def test_a_detail_that_is_refused_does_not_hold_up_the_others(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], number: str
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.add_fault(f"*/clients/{number}", status=403)

    reading = run(two_invoice_settings, select="client_details templates", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert set(reading.ids("client_details")) == {*range(1, 41)} - {int(number)}
    assert reading.activated == ["templates"]


def test_details_that_are_all_refused_are_skipped(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.add_fault("*/clients/*", times=1000, status=403, body='{"message": "Not your plan."}')

    # One at a time: requests that are given up would reach the sandbox during the next test.
    reading = run(two_invoice_settings | {"concurrency": 1}, select="client_details templates", catalog=catalog)

    assert reading.error is None
    assert reading.activated == ["templates"]
    assert warnings_of(caplog) == ["client_details: skipped: GET /2invoice/clients/1 answered 403: Not your plan"]


def test_details_of_a_deleted_record_are_marked_once_two_reads_of_the_list_missed_it(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    details = partial(run, two_invoice_settings, select=" ".join(DETAIL_NAMES), catalog=catalog)
    tables, reading = LoadedTables(), details()
    tables.load(reading.messages)
    two_invoice.delete("invoices", 7)
    two_invoice.delete("clients", 7)

    reading = details(state=reading.state)
    tables.load(reading.messages)
    assert tables.deleted("client_details") == {7}, "their list has one page"
    assert tables.deleted("invoice_details") == set()

    tables.load(details(state=reading.state).messages)
    assert tables.deleted("invoice_details") == {7}


@CONCURRENCY
@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 200, "body": "[]"}, {"status": 200, "body": '{"id": '}])
def test_details_that_fail_for_good_hold_up_none_of_the_others(
    sandbox: RunningSandbox,
    two_invoice_settings: dict[str, Any],
    clock: FakeClock,
    answer: dict[str, Any],
    concurrency: int,
) -> None:
    """Also if the list begins with more of them than are requested in vain."""
    catalog = discover(Tap2Invoice, two_invoice_settings)
    bad = set(range(1, 23))
    for number in bad:
        sandbox.admin.add_fault(f"*/clients/{number}", times=1000, **answer)
    settings = two_invoice_settings | {"concurrency": concurrency}
    written: set[int] = set()
    state: dict[str, Any] = {}

    for _ in range(2):
        reading = run(settings, select="client_details", catalog=catalog, state=state)
        assert isinstance(reading.error, RunIncomplete)
        written |= {*reading.ids("client_details")}
        state = reading.state
    assert written == {*range(1, 41)} - bad
    for _ in range(2):
        clock.advance(86_400)
        reading = run(settings, select="client_details", catalog=catalog, state=state)
        state = reading.state

    assert {*reading.ids("client_details")} == written
    assert state["bookmarks"]["client_details"]["failed"].keys() == {str(number) for number in bad}
    assert reading.activated == []


def test_a_list_that_suddenly_has_no_rows_takes_no_details_with_it(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    read_details = partial(run, two_invoice_settings, select="client_details templates", catalog=catalog)
    tables, reading = LoadedTables(), read_details()
    tables.load(reading.messages)
    for row in two_invoice.records("clients"):
        two_invoice.delete("clients", row["id"])

    reading = read_details(state=reading.state)

    tables.load(reading.messages)
    assert str(reading.error).startswith("1 of 2 streams failed: client_details")
    assert "client_details: failed: the list has 0 rows; the last complete read found 40" in caplog.text
    assert tables.deleted("client_details") == set()
    assert len(tables.live("client_details")) == 40
