"""Lists of 2invoice: every row, plain or in pages; the token and the limit of requests."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from conftest import discover, read, warnings_of, with_rescued, without_nulls
from singer_rest_core import AccessRefused, RunIncomplete
from tap_2invoice.streams import DETAILS, LISTS
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

run = partial(read, Tap2Invoice)
LIST_NAMES = [str(vars(stream)["name"]) for stream in LISTS]
DETAIL_NAMES = [str(vars(stream)["name"]) for stream in DETAILS]
PAGED = {"invoices": 100, "clients": 40, "products": 30, "receipts": 60}
"""The lists with more than one page, and how many records they have."""


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
    assert sorted(reading.activated) == sorted(LIST_NAMES)


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


def test_nothing_new_is_read_as_before(sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]) -> None:
    catalog = discover(Tap2Invoice, two_invoice_settings)
    first = run(two_invoice_settings, catalog=catalog)
    before = len(sandbox.admin.requests())
    second = run(two_invoice_settings, catalog=catalog)

    assert first.timeless == second.timeless
    assert first.messages != second.messages  # the version is another one
    assert len(sandbox.admin.requests()) - before == before - 11  # less those of discovery


def test_what_changed_came_and_went_shows_in_the_next_run(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    first = run(two_invoice_settings, select="invoices clients")
    two_invoice.update("invoices", 20, {"total": "0.10", "storno": True})
    created = two_invoice.create("clients", {"name": "Nou SRL"})
    two_invoice.delete("invoices", 7)

    second = run(two_invoice_settings, select="invoices clients")

    assert second.error is None
    assert set(first.ids("invoices")) - set(second.ids("invoices")) == {7}
    assert next(record for record in second.records["invoices"] if record["id"] == 20)["total"] == "0.10"
    assert set(second.ids("clients")) - set(first.ids("clients")) == {created["id"]}
    old, new = (next(m["version"] for m in each.of("ACTIVATE_VERSION")) for each in (first, second))
    assert new > old
    assert {message["version"] for message in second.of("RECORD")} == {new}


@pytest.mark.parametrize("concurrency", [1, 2, 16])
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
    assert sorted(reading.activated) == sorted(LIST_NAMES)
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
    assert reading.activated == ["invoices"]


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
    assert sorted(reading.activated) == sorted(set(LIST_NAMES) - {"invoices"})


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
