"""Lists of 2invoice: every row, plain or in pages; the token and the limit of requests."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from conftest import CONCURRENCY, discover, read, warnings_of, with_rescued, without_nulls
from singer_rest_core import AccessRefused, RunIncomplete
from tap_2invoice.streams import DETAILS, LISTS
from tap_2invoice.tap import Tap2Invoice
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from conftest import FakeClock
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

run = partial(read, Tap2Invoice)
LIST_NAMES = [str(vars(stream)["name"]) for stream in LISTS]
DETAIL_NAMES = [str(vars(stream)["name"]) for stream in DETAILS]
PAGED = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}
"""The lists with more than one page where all come in pages, and how many records they have."""
IN_PAGES = {"invoices", "receipts"}
"""The lists that come in pages by default, as is documented."""


def requested(sandbox: RunningSandbox, stream: str = "") -> list[str]:
    """The paths and pages that were requested, below the API's root."""
    paths = [
        request["path"].removeprefix("/2invoice/") + "".join(f"?{name}={value}" for name, value in request["query"])
        for request in sandbox.admin.requests()
    ]
    return [path for path in paths if path.split("?")[0].startswith(stream.replace("_", "-"))]


def test_every_record_of_every_list_arrives_once_and_completely(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    reading = run(two_invoice_settings)

    assert reading.error is None
    assert sorted(reading.records) == sorted(LIST_NAMES)
    for name in LIST_NAMES:
        rows = two_invoice.records(name)
        assert len(rows) == PAGED.get(name, len(rows)) > 0
        assert [with_rescued(record) for record in reading.records[name]] == [without_nulls(row) for row in rows]
    assert {*reading.activated} == {*LIST_NAMES} - IN_PAGES


def test_a_run_with_a_catalog_requests_the_token_and_each_page_once(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.clear_requests()

    run(two_invoice_settings, catalog=catalog)

    assert requested(sandbox)[0] == "auth/token-information"
    assert sorted(requested(sandbox)[1:]) == sorted(
        [
            *(name.replace("_", "-") for name in LIST_NAMES),
            *(f"invoices?page={number}" for number in range(2, 8)),
            *(f"receipts?page={number}" for number in range(2, 5)),
        ]
    )
    assert {request["method"] for request in sandbox.admin.requests()} == {"GET"}


def test_nothing_new_is_read_as_before(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], clock: FakeClock
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    first = run(two_invoice_settings, catalog=catalog)
    before = len(sandbox.admin.requests())
    clock.advance(1)
    second = run(two_invoice_settings, catalog=catalog)

    assert first.timeless == second.timeless
    assert first.messages != second.messages  # the version is another one
    assert len(sandbox.admin.requests()) - before == before - 11  # less those of discovery


def test_what_changed_came_and_went_shows_in_the_next_runs(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    tables = LoadedTables()
    first = run(two_invoice_settings, select="invoices clients")
    two_invoice.update("invoices", 20, {"total": "0.10", "storno": True})
    created = two_invoice.create("clients", {"name": "Nou SRL"})
    two_invoice.delete("clients", 5)
    two_invoice.delete("invoices", 7)

    second = run(two_invoice_settings, select="invoices clients", state=first.state)
    third = run(two_invoice_settings, select="invoices clients", state=second.state)

    assert second.error is third.error is None
    tables.load(first.messages)
    tables.load(second.messages)
    assert tables.live("invoices")[20]["total"] == "0.10"
    assert created["id"] in tables.live("clients")
    assert tables.deleted("clients") == {5}, "its list has one page"
    assert tables.deleted("invoices") == set(), "rows may slip from page to page"
    tables.load(third.messages)
    assert tables.deleted("invoices") == {7}


@CONCURRENCY
@pytest.mark.parametrize("envelope", ["plain", "paginated", "linked"])
def test_every_list_may_be_plain_or_in_pages_of_either_form(
    sandbox: RunningSandbox,
    two_invoice: SystemAdmin,
    two_invoice_settings: dict[str, Any],
    envelope: str,
    concurrency: int,
) -> None:
    two_invoice.put("lists", dict.fromkeys(LIST_NAMES, envelope))

    reading = run(two_invoice_settings | {"concurrency": concurrency})

    assert reading.error is None
    for name in LIST_NAMES:
        # What a small sample did not show is rescued, so all is compared.
        assert [with_rescued(record) for record in reading.records[name]] == [
            without_nulls(row) for row in two_invoice.records(name)
        ]
    assert {*reading.activated} == {*LIST_NAMES} - (set() if envelope == "plain" else PAGED.keys())
    pages = [path for path in requested(sandbox) if "?" in path]
    assert len(pages) == len(set(pages)) == (0 if envelope == "plain" else 6 + 2 + 1 + 3)


def test_a_page_that_shifts_while_the_list_is_read_loses_nothing(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    gone = [{"action": "delete", "resource": "invoices", "id": number} for number in (1, 2)]
    two_invoice.script_changes("/invoices", after_request=2, changes=gone)

    reading = run(two_invoice_settings | {"concurrency": 1}, select="invoices", catalog=catalog)

    assert reading.error is None
    assert set(reading.ids("invoices")) >= {row["id"] for row in two_invoice.records("invoices")}
    assert reading.activated == []


@CONCURRENCY
@pytest.mark.parametrize("swaps", [[0, 2, 0, 4, 0], [0, 2, 1, 3, 1], [1, 1, 1, 1, 1], [5, 4, 3, 2, 1]])
def test_a_live_row_is_marked_only_if_two_reads_in_a_row_missed_it(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], swaps: list[int], concurrency: int
) -> None:
    """Rows are deleted on pages already read and others created at once, as editing the lines of an invoice does.

    Counts stay the same, and rows slip to pages that were read: nothing shows it.
    """
    catalog = discover(Tap2Invoice, two_invoice_settings)
    settings = two_invoice_settings | {"concurrency": concurrency}
    tables = LoadedTables()
    state: dict[str, Any] = {}
    found: list[set[int]] = []

    def read_once() -> None:
        nonlocal state
        reading = run(settings, select="invoices", catalog=catalog, state=state)
        assert reading.error is None
        tables.load(reading.messages)
        state = reading.state
        found.append({*reading.ids("invoices")})

    for after in swaps:
        if after:
            first = [row["id"] for row in two_invoice.records("invoices")][:15]
            changes: list[dict[str, Any]] = [{"action": "delete", "resource": "invoices", "id": key} for key in first]
            changes += [{"action": "create", "resource": "invoices"}] * 15
            two_invoice.script_changes("/invoices", after_request=after, changes=changes)
        read_once()
        live = {row["id"] for row in two_invoice.records("invoices")}
        assert not tables.deleted("invoices") & live & set().union(*found[-2:])
    read_once()
    read_once()

    assert tables.live("invoices").keys() == {row["id"] for row in two_invoice.records("invoices")}


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_page_that_new_rows_have_pushed_down_is_not_taken_for_a_fault(
    httpserver: HTTPServer, concurrency: int
) -> None:
    """A page of new rows pushes all others to the next page: it comes twice, under its own number."""
    ids = list(range(100, 140))

    def answer(request: Request) -> Response:
        number = int(request.args.get("page", 1))
        shown = ids[(number - 1) * 10 : number * 10]
        body = {
            "receipts": {
                "current_page": number,
                "last_page": -(-len(ids) // 10),
                "total": len(ids),
                "data": [{"id": each} for each in shown],
            }
        }
        if number == 1 and len(ids) == 40:
            ids[:0] = range(10)
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request("/receipts").respond_with_handler(answer)
    httpserver.expect_request("/auth/token-information").respond_with_json({})
    settings = {"access_token": "t", "api_url": httpserver.url_for("/").rstrip("/"), "concurrency": concurrency}

    reading = run(settings, select="receipts", catalog=_catalog_of_ids("receipts"))

    assert reading.error is None
    assert {*reading.ids("receipts")} == {*range(10), *range(100, 140)}
    assert reading.activated == []


def _catalog_of_ids(stream: str) -> dict[str, Any]:
    """A catalog of one stream that has only an id."""
    catalog = discover(Tap2Invoice, {"api_url": "http://127.0.0.1:9"})
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == stream:
            entry["schema"]["properties"]["id"]["type"] = "integer"
    return catalog


def test_a_list_that_ignores_the_page_ends_in_an_error_and_not_in_a_loop(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    two_invoice.put("repeats", {"receipts": 1})

    reading = run(two_invoice_settings, select="receipts templates")

    assert isinstance(reading.error, RunIncomplete)
    assert "receipts: failed: GET /receipts answered page 1 when page 2 was requested" in warnings_of(caplog)
    assert reading.activated == ["templates"]
    assert len(reading.ids("receipts")) == 15


def test_a_failing_page_fails_its_stream_alone(sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.add_fault("*/invoices", query="page=3", status=404)

    reading = run(two_invoice_settings, catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    assert len(reading.ids("invoices")) == 30
    assert {*reading.activated} == {*LIST_NAMES} - IN_PAGES


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (402, "By the vendor's documentation the parameters were valid, but the request failed"),
        (409, "By the vendor's documentation the request conflicts with another one"),
    ],
)
def test_errors_state_what_a_status_means_to_the_vendor(
    sandbox: RunningSandbox,
    two_invoice_settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    status: int,
    words: str,
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.add_fault("*/products", status=status, body='{"message": "Abonament expirat."}')

    reading = run(two_invoice_settings, select="products", catalog=catalog)

    assert isinstance(reading.error, RunIncomplete)
    (line,) = warnings_of(caplog)
    assert f"GET /2invoice/products answered {status}: Abonament expirat. " in line
    assert words in line


def test_the_limit_that_the_api_states_is_not_exceeded(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    """The headers name another limit than the documentation."""
    sandbox.admin.set_limits([{"scope": "token", "limit": 40, "period": 1}], system="2invoice")

    reading = run(two_invoice_settings, select=" ".join(LIST_NAMES))

    assert reading.error is None
    assert len(reading.of("RECORD")) == 241
    assert {request["status"] for request in sandbox.admin.requests()} <= {200, 429}
    assert [request["status"] for request in sandbox.admin.requests()].count(429) <= 1


@pytest.mark.parametrize(
    "information",
    [
        {"text": "valid until 2027"},
        {"text": "", "status": 204},
        {"body": [], "status": 201},
        {"body": {"message": "Not Found"}, "status": 404},
        {"body": {"message": "Forbidden"}, "status": 403},
    ],
)
def test_any_answer_about_the_token_is_accepted_unless_it_refuses_the_token(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any], information: dict[str, Any]
) -> None:
    two_invoice.put("token_information", information)

    reading = run(two_invoice_settings, select="templates")

    assert reading.error is None
    assert len(reading.ids("templates")) == 4


def test_a_refused_token_ends_the_run_before_anything_else_is_requested(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    sandbox.admin.clear_requests()

    reading = run(two_invoice_settings | {"access_token": "wr0ng"}, catalog=catalog)

    assert isinstance(reading.error, AccessRefused)
    assert "wr0ng" not in str(reading.error)
    assert requested(sandbox) == ["auth/token-information"]
    assert reading.messages == []
