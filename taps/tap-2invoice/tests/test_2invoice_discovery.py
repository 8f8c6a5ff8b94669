"""Discovery: which schemas it infers, and what it requests for them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from singer_rest_core import AccessRefused
from singer_rest_core.records import encode
from tap_2invoice.tap import Tap2Invoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

STREAMS = {
    *("branch_offices", "clients", "document_series", "inventories", "invoices", "products", "receipts", "templates"),
    *("client_details", "invoice_details"),
}
INTEGER = {"type": ["integer", "null"]}
NUMBER = {"type": ["number", "null"]}
STRING = {"type": ["string", "null"]}
BOOLEAN = {"type": ["boolean", "null"]}
OBJECT = {"type": ["object", "null"]}
ARRAY = {"type": ["array", "null"]}
DATE = {"type": ["string", "null"], "format": "date"}
DATE_TIME = {"type": ["string", "null"], "format": "date-time"}


def discover(settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of the catalog that `--discover` prints, by stream."""
    tap = Tap2Invoice(config=dict(settings), validate_config=False, setup_mapper=False)
    return {entry["tap_stream_id"]: entry for entry in tap.catalog_dict["streams"]}


def columns_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    columns: dict[str, Any] = entry["schema"]["properties"]
    return {name: column for name, column in columns.items() if name != "_rescued_data"}


def test_discovery_sends_one_request_a_stream_and_one_for_the_token(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    discover(two_invoice_settings)

    requests = sandbox.admin.requests()
    paths = [request["path"].removeprefix("/2invoice/") for request in requests]
    assert paths[0] == "auth/token-information"
    assert sorted(paths[1:9]) == sorted(name.replace("_", "-") for name in STREAMS if "details" not in name)
    assert sorted(paths[9:]) == ["clients/1", "invoices/1"]
    assert all(request["query"] == [] for request in requests)


def test_the_fields_of_a_page_are_the_columns_and_their_types_fit_all_of_it(
    two_invoice_settings: dict[str, Any],
) -> None:
    entries = discover(two_invoice_settings)

    assert entries.keys() == STREAMS
    assert {tuple(entry["key_properties"]) for entry in entries.values()} == {("id",)}
    assert {entry["replication_method"] for entry in entries.values()} == {"FULL_TABLE"}
    assert columns_of(entries["products"]) == {
        "id": {"type": "integer"},
        "code": STRING,
        "created_at": DATE_TIME,
        "name": STRING,
        "price": STRING,  # "119.00": the API gives a text, and nothing says that it is a number
        "stock": NUMBER,
        "unit": STRING,
        "updated_at": DATE_TIME,
        "vat_percentage": INTEGER,
    }
    invoices = columns_of(entries["invoices"])
    wanted = {
        "total": STRING,
        "issue_date": DATE,
        "created_at": DATE_TIME,
        "client": OBJECT,
        "products": ARRAY,
        "storno": BOOLEAN,
        "observations": STRING,  # null throughout the page
    }
    assert invoices.items() >= wanted.items()
    assert "efactura_index" not in invoices  # not on the first page
    assert columns_of(entries["invoice_details"]).keys() == invoices.keys() | {"receipts"}


def test_the_same_sample_makes_the_same_catalog(two_invoice_settings: dict[str, Any]) -> None:
    assert encode(discover(two_invoice_settings)) == encode(discover(two_invoice_settings | {"concurrency": 1}))


def test_without_a_token_nothing_is_requested_and_records_have_an_id_and_rescued_data(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    entries = discover({"api_url": two_invoice_settings["api_url"]})

    assert sandbox.admin.requests() == []
    assert entries.keys() == STREAMS
    for entry in entries.values():
        assert list(entry["key_properties"]) == ["id"]
        assert columns_of(entry) == {"id": {"type": "string"}}
        assert entry["schema"]["properties"]["_rescued_data"]["type"] == ["object", "null"]
    assert "Without access_token nothing is known of the records but their id" in caplog.messages


@pytest.mark.parametrize("status", [402, 403, 404])
def test_a_stream_that_cannot_be_read_is_listed_all_the_same(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any], caplog: pytest.LogCaptureFixture, status: int
) -> None:
    sandbox.admin.add_fault("*/clients", status=status)

    entries = discover(two_invoice_settings)

    assert entries.keys() == STREAMS
    for name in ("clients", "client_details"):
        assert columns_of(entries[name]) == {"id": {"type": "string"}}
    assert len(columns_of(entries["invoices"])) > 20
    (line,) = (record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING)
    assert f"clients: nothing is known of the records but their id: GET /2invoice/clients answered {status}" in line


def test_a_list_that_is_empty_is_listed_with_its_id(
    two_invoice: SystemAdmin, two_invoice_settings: dict[str, Any]
) -> None:
    for number in range(1, 5):
        two_invoice.delete("templates", number)

    entries = discover(two_invoice_settings)

    assert columns_of(entries["templates"]) == {"id": {"type": "string"}}


def test_a_wrong_token_ends_discovery(two_invoice_settings: dict[str, Any]) -> None:
    with pytest.raises(AccessRefused, match=r"answered 401: Unauthenticated. Check access_token") as refused:
        discover(two_invoice_settings | {"access_token": "wr0ng-t0ken"})

    assert "wr0ng" not in str(refused.value)


def test_settings_are_checked_before_anything_is_sent(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    with pytest.raises(ConfigValidationError, match="Setting concurrency must be at least 1"):
        discover(two_invoice_settings | {"concurrency": 0})

    assert sandbox.admin.requests() == []


def test_nothing_is_requested_if_no_records_are_needed(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    """As the generated tables of the README do."""
    tap = Tap2Invoice(config=two_invoice_settings, setup_mapper=False)

    assert {name: stream.primary_keys for name, stream in tap.streams.items()} == dict.fromkeys(STREAMS, ("id",))
    assert sandbox.admin.requests() == []


def test_a_given_catalog_is_used_without_new_samples(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    catalog = Tap2Invoice(config=two_invoice_settings, setup_mapper=False).catalog_dict
    sandbox.admin.clear_requests()

    tap = Tap2Invoice(config=two_invoice_settings, catalog=catalog)

    assert encode(tap.catalog_dict) == encode(catalog)
    assert sandbox.admin.requests() == []


def test_a_record_whose_detail_fails_for_good_leaves_the_others_their_columns(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    whole = discover(two_invoice_settings)
    for key in ("1", "2"):
        sandbox.admin.add_fault(f"*/clients/{key}", times=1000, status=404)

    entries = discover(two_invoice_settings)

    assert entries["client_details"] == whole["client_details"]
    assert columns_of(entries["client_details"])["name"] == STRING


def test_a_stream_whose_details_all_fail_is_given_up_after_three(
    sandbox: RunningSandbox, two_invoice_settings: dict[str, Any]
) -> None:
    sandbox.admin.add_fault("*/clients/*", times=1000, status=404)

    entries = discover(two_invoice_settings)

    assert columns_of(entries["client_details"]) == {"id": {"type": "string"}}
    asked = [request["path"] for request in sandbox.admin.requests() if "/clients/" in request["path"]]
    assert asked == [f"/2invoice/clients/{key}" for key in (1, 2, 3)]
