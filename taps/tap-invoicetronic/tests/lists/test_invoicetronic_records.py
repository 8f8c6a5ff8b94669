"""What a run writes of every list, and what it never does."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from singer_rest_core import RestStream
from singer_rest_core.records.exact_json import encode
from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.documents import DOCUMENT_STREAMS
from tap_invoicetronic.streams import STREAMS
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Callable

    from lists.conftest import ReadInvoicetronic
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox

    Warnings = Callable[[], list[str]]
    Queries = Callable[[str], list[dict[str, str]]]

LISTS = ("company", "log", "receive", "send", "update", "webhook", "webhookhistory")
FROM_DOCUMENTS = {str(vars(stream)["name"]) for stream in DOCUMENT_STREAMS}
COSTLY = re.compile(r"/export|/payload|include_payload|/(send|receive)/\d")


def test_every_row_of_every_list_arrives_once(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    before = {name: {row["id"] for row in live.records(name)} for name in LISTS}

    reading = read_invoicetronic(page_size=50)

    assert reading.error is None
    assert {str(vars(stream)["name"]) for stream in STREAMS} == {*LISTS, "status", "subkey"}
    for name, ids in before.items():
        assert ids, name
        assert sorted(reading.ids(name)) == sorted(ids), name
    assert len(reading.records["status"]) == 1
    assert FROM_DOCUMENTS.isdisjoint(reading.records)


def test_a_default_run_requests_nothing_that_costs_and_leaves_everything_unread(
    sandbox: RunningSandbox, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    read_flags = {row["id"]: row["is_read"] for row in live.records("receive")}
    assert set(read_flags.values()) == {True, False}
    balance = live.get("billing")

    first = read_invoicetronic()
    second = read_invoicetronic(state=first.state)

    assert first.error is second.error is None
    assert live.get("billing") == balance
    assert {row["id"]: row["is_read"] for row in live.records("receive")} == read_flags
    assert live.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}
    asked = [f"{request['path']}?{request['query']}" for request in sandbox.admin.requests()]
    assert asked
    assert not [each for each in asked if COSTLY.search(each)]


def test_a_record_is_the_row_without_its_payload(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    records = {record["id"]: record for record in read_invoicetronic("receive").records["receive"]}

    for row in live.records("receive"):
        record = records[row["id"]]
        assert "payload" not in record
        assert record["_rescued_data"] is None
        for name in ("identifier", "file_name", "company_id", "is_read", "nome_prestatore", "encoding"):
            assert record[name] == row[name]
        assert instant(record["created"]) == instant(row["created"])


@pytest.mark.parametrize("left_out", ["empty", "null", "absent"])
def test_a_payload_that_was_not_requested_is_ignored_in_every_form(
    warnings: Warnings, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, left_out: str
) -> None:
    live.put("behaviour", {"payload_left_out": left_out})

    reading = read_invoicetronic("send receive")

    assert {record["_rescued_data"] for name in ("send", "receive") for record in reading.records[name]} == {None}
    assert warnings() == []


def test_the_secret_of_a_webhook_is_never_written(live: SystemAdmin, read_invoicetronic: ReadInvoicetronic) -> None:
    live.set_extra_attributes({"webhook": {"secret": "wh_sec_hush"}, "subkey": {"key": "ik_live_hush"}})

    reading = read_invoicetronic("webhook subkey")

    assert reading.records["webhook"]
    assert reading.records["subkey"]
    assert b"hush" not in encode(reading.messages)


def test_status_is_a_snapshot_under_the_name_of_its_environment(read_invoicetronic: ReadInvoicetronic) -> None:
    (row,) = read_invoicetronic("status").records["status"]

    assert row == {
        "environment": "live",
        "has_active_seat": False,
        "is_sub_key": False,
        "operation_left": 950,
        "signature_left": 100,
        "_rescued_data": None,
    }


def test_subkey_is_read_only_when_it_is_selected(read_invoicetronic: ReadInvoicetronic) -> None:
    assert "subkey" not in {message["stream"] for message in read_invoicetronic().of("SCHEMA")}
    assert read_invoicetronic("subkey").records["subkey"]


def test_columns_of_the_log_that_may_hold_personal_data_are_not_selected_by_default(
    read_invoicetronic: ReadInvoicetronic,
) -> None:
    (schema,) = read_invoicetronic("log").of("SCHEMA")

    assert {"query", "response_body"}.isdisjoint(schema["schema"]["properties"])
    assert "endpoint" in schema["schema"]["properties"]


def test_company_id_narrows_every_stream_that_can(
    queries: Queries, live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    narrowed = ("log", "receive", "send", "subkey", "update", "webhook")

    reading = read_invoicetronic(" ".join([*narrowed, "company", "webhookhistory"]), company_id=1)

    assert reading.error is None
    for stream in narrowed:
        assert {query["company_id"] for query in queries(stream)} == {"1"}, stream
    for stream in ("receive", "send", "update"):
        assert {record["company_id"] for record in reading.records[stream]} == {1}
        assert len(reading.ids(stream)) == sum(row["company_id"] == 1 for row in live.records(stream)) > 0
    for stream in ("company", "webhookhistory"):
        assert "company_id" not in queries(stream)[0]


def test_the_loader_is_told_which_rows_of_full_tables_are_gone(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic
) -> None:
    """By the second read that does not find them where the list has several pages."""
    tables, reading = LoadedTables(), read_invoicetronic()
    tables.load(reading.messages)
    assert {*reading.activated} == {"company", "status", "webhook"}
    live.delete("webhook", 1)
    live.delete("webhookhistory", 7)

    reading = read_invoicetronic(state=reading.state)
    tables.load(reading.messages)
    assert tables.deleted("webhook") == {1}
    assert tables.deleted("webhookhistory") == set()

    tables.load(read_invoicetronic("webhookhistory", state=reading.state).messages)
    assert tables.deleted("webhookhistory") == {7}


def without_time(message: dict[str, Any]) -> bytes:
    """A message without what differs between two runs."""
    return re.sub(
        rb'"(version|time_extracted|full_read_cut_short|began)":("[^"]*"|[0-9]+)', rb'"\1":0', encode(message)
    )


@pytest.mark.parametrize("drift", [False, True])
def test_every_stream_is_written_the_same_by_page_and_by_record(
    live: SystemAdmin, read_invoicetronic: ReadInvoicetronic, monkeypatch: pytest.MonkeyPatch, *, drift: bool
) -> None:
    """Pages are converted from bytes to messages at once; with stream maps and the like, the SDK writes records."""
    if drift:
        odd: dict[str, Any] = {"brand_new": {"a": [1, None]}, "version": "x", "user_id": "y", "secret": "hush"}
        live.set_extra_attributes(dict.fromkeys((*LISTS, "subkey"), odd))
    select = " ".join(name for name in (*LISTS, "subkey") if name != "log")

    def written() -> list[bytes]:
        reading = read_invoicetronic(select, page_size=70)
        assert reading.error is None
        return [without_time(message) for message in reading.messages]

    by_page = written()
    monkeypatch.setattr(RestStream, "page_codec", None)
    by_record = written()

    assert by_page == by_record
    assert any(b"brand_new" in line for line in by_page) is drift
    assert not any(b"hush" in line for line in by_page)


def test_reading_ahead_changes_nothing_in_what_is_written(read_invoicetronic: ReadInvoicetronic) -> None:
    select = " ".join(name for name in LISTS if name != "log")
    one = read_invoicetronic(select, page_size=20, concurrency=1)
    many = read_invoicetronic(select, page_size=20, concurrency=16)

    assert [without_time(message) for message in one.messages] == [without_time(message) for message in many.messages]
    assert len(one.messages) > 1000


@pytest.mark.parametrize(
    ("key", "level", "line"),
    [
        ("ik_live_sandbox", logging.INFO, "reading the live environment"),
        ("ik_test_sandbox", logging.INFO, "reading the test environment"),
    ],
)
def test_the_environment_is_announced(
    read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture, key: str, level: int, line: str
) -> None:
    caplog.set_level(logging.INFO)

    reading = read_invoicetronic("company", api_key=key)

    assert reading.error is None
    assert (level, line) in [(record.levelno, record.getMessage()) for record in caplog.records]


def test_a_key_of_neither_form_is_warned_about(
    warnings: Warnings, read_invoicetronic: ReadInvoicetronic, caplog: pytest.LogCaptureFixture
) -> None:
    read_invoicetronic("company", api_key="itk_live_sandbox")

    assert any("api_key starts with neither ik_live_ nor ik_test_" in line for line in warnings())
    assert "itk_live_sandbox" not in caplog.text
