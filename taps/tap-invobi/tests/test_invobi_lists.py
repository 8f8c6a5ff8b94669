"""Lists of Invobi: every row, completely; limits, and refused access."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from conftest import paths_requested, warnings_of
from singer_rest_core import AccessRefused

if TYPE_CHECKING:
    from conftest import ReadTap
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox
STREAMS = ("invoices", "prompt_labels", "prompts", "invoice_details", "invoice_documents")
BASE = "/invobi/api/v1"


def test_a_first_run_reads_everything_once(sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap) -> None:
    reading = read_invobi()

    assert reading.error is None
    invoices = invobi.records("invoices")
    ids = [row["id"] for row in invoices]
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert sorted(reading.ids(stream)) == sorted(ids), stream
    assert reading.ids("prompts") == [row["id"] for row in invobi.records("prompts")]
    labels = {label["name"] for row in invobi.records("prompts") for label in row["labels"]}
    assert {record["name"] for record in reading.records["prompt_labels"]} == labels
    assert {*reading.activated} == {"prompts", "prompt_labels"}  # the list of invoices has three pages
    assert paths_requested(sandbox, BASE) == {
        "/invoices": 3,
        "/prompts": 1,
        "/prompts/labels": 1,
        **{f"/invoices/{key}": 1 for key in ids},
        **{f"/invoices/{key}/download": 1 for key in ids},
    }


def test_only_get_requests_to_documented_paths_are_sent(sandbox: RunningSandbox, read_invobi: ReadTap) -> None:
    first = read_invobi()
    requests = sandbox.admin.requests()
    read_invobi(state=first.state, details="all", invoice_status="paid")
    requests += sandbox.admin.requests()

    assert len(requests) > 500
    assert {request["method"] for request in requests} == {"GET"}
    assert {request["authenticated"] for request in requests} == {True}
    assert not any(
        path.startswith("/prompts/") and path != "/prompts/labels" for path in paths_requested(sandbox, BASE)
    )


def test_a_run_with_nothing_new_requests_only_the_lists(sandbox: RunningSandbox, read_invobi: ReadTap) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state)

    assert second.error is None
    assert paths_requested(sandbox, BASE) == {"/invoices": 3, "/prompts": 1, "/prompts/labels": 1}
    assert not second.ids("invoice_details")
    assert not second.ids("invoice_documents")
    assert {*second.activated} == set(STREAMS)
    versions = {message["stream"]: message["version"] for message in second.of("ACTIVATE_VERSION")}
    written = {message["stream"]: message["version"] for message in first.of("RECORD")}
    for stream in ("invoices", "invoice_details", "invoice_documents"):
        assert versions[stream] == written[stream], "only what two reads missed is marked"
    remembered = [reading.state["bookmarks"]["invoice_details"]["remembered"] for reading in (first, second)]
    assert remembered[0] == remembered[1]


def test_the_state_is_not_sent_with_every_page(read_invobi: ReadTap) -> None:
    first = read_invobi()

    second = read_invobi(state=first.state, page_size=10)

    assert len(second.of("STATE")) <= 2 * len(STREAMS)


@pytest.mark.parametrize("status", ["paid", "unpaid"])
def test_nothing_is_taken_as_deleted_if_one_status_is_read(
    sandbox: RunningSandbox, invobi: SystemAdmin, read_invobi: ReadTap, status: str
) -> None:
    listed = {row["id"] for row in invobi.records("invoices") if (row["paid_at"] is None) == (status == "unpaid")}
    first = read_invobi(invoice_status=status)
    assert set(first.ids("invoices")) == set(first.ids("invoice_details")) == listed
    assert {*first.activated} == {"prompts", "prompt_labels"}
    assert all(
        ["status", status] in request["query"]
        for request in sandbox.admin.requests()
        if request["path"] == f"{BASE}/invoices"
    )
    moved = min(listed)
    invobi.update("invoices", moved, {"paid_at": "2026-03-01" if status == "unpaid" else None})

    second = read_invobi(invoice_status=status, state=first.state)

    assert not second.ids("invoice_details")
    assert {*second.activated} == {"prompts", "prompt_labels"}
    assert second.state["bookmarks"]["invoice_details"] == first.state["bookmarks"]["invoice_details"]


def test_rows_that_move_between_pages_are_neither_lost_nor_repeated(invobi: SystemAdmin, read_invobi: ReadTap) -> None:
    ids = [row["id"] for row in invobi.records("invoices")]
    new: dict[str, Any] = {"action": "create", "resource": "invoices"}
    invobi.script_changes("/invoices", after_request=1, changes=[new])

    reading = read_invobi("invoices", page_size=50, concurrency=1)

    found = reading.ids("invoices")
    assert set(ids) < set(found)
    assert len(found) == len(set(found)) == 251
    assert reading.activated == []


@pytest.mark.parametrize("concurrency", [pytest.param(2, marks=pytest.mark.slow), 16])
def test_reading_ahead_changes_nothing_in_what_is_written(read_invobi: ReadTap, concurrency: int) -> None:
    def written(workers: int) -> dict[str, list[dict[str, Any]]]:
        return read_invobi(page_size=20, concurrency=workers).records

    assert written(1) == written(concurrency)


def test_a_wrong_token_ends_the_run(read_invobi: ReadTap) -> None:
    reading = read_invobi(api_token="wr0ng-t0ken")

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error) == (
        "GET /invobi/api/v1/invoices answered 401: Invalid or expired API token. "
        "Check api_token (Invobi: account settings)"
    )


def test_a_stream_that_is_refused_is_skipped(
    sandbox: RunningSandbox, read_invobi: ReadTap, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.admin.add_fault("*/prompts", status=403, body='{"error": "Insufficient permissions"}')

    reading = read_invobi("invoices prompts")

    assert reading.error is None
    assert len(reading.ids("invoices")) == 250
    assert warnings_of(caplog) == [
        "prompts: skipped: GET /invobi/api/v1/prompts answered 403: Insufficient permissions"
    ]


def test_no_token_and_no_content_reaches_the_log(read_invobi: ReadTap, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reading = read_invobi()

    assert reading.error is None
    assert "sandbox-token" not in caplog.text
    assert "sandbox-token" not in str(reading.messages)
