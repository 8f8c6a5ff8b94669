"""Invoicetronic's generated rows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sandbox.clock import Clock
from sandbox.invoicetronic.api import InvoicetronicApi
from sandbox.invoicetronic.timestamps import parse_ticks
from sandbox.tests.invoicetronic.client import LISTS

if TYPE_CHECKING:
    from sandbox.tests.invoicetronic.client import InvoicetronicClient

INVOICE = (
    "id created version user_id company_id committente? prestatore? identifier? file_name? format? payload "
    "last_update? date_sent? documents encoding"
)
FIELDS = {
    "company": "id created version user_id vat fiscal_code name",
    "send": f"{INVOICE} nome_committente? meta_data? latest_state? company",
    "receive": f"{INVOICE} nome_prestatore? is_read message_id?",
    "update": (
        "id created version user_id company_id send_id last_update state description? message_id? errors? is_read send"
    ),
    "log": (
        "id created version user_id api_key_id company_id? method endpoint api_version status_code date_time error? "
        "resource_id? user_agent? success query? response_body?"
    ),
    "webhook": "id created version user_id company_id? url enabled secret? description? events failure_notified_at?",
    "webhookhistory": (
        "id created version user_id web_hook_id event status_code error? date_time success event_id? attempt"
    ),
    "subkey": "id created version description? active permissions company_ids? cors_origins? previous_key_expires_at?",
}
"""The documented members of each row; those with a question mark may be null."""


def days_between(earlier: str, later: str) -> float:
    return (parse_ticks(later) - parse_ticks(earlier)) / 10_000_000 / 86_400


@pytest.mark.parametrize("name", LISTS)
def test_rows_have_the_documented_fields(api: InvoicetronicClient, name: str) -> None:
    fields = FIELDS[name].split()
    for row in api.all(name):
        assert set(row) == {field.rstrip("?") for field in fields}
        assert {field for field, value in row.items() if value is None} <= {
            field.rstrip("?") for field in fields if field.endswith("?")
        }
        assert parse_ticks(row["created"]) > 0


def test_status_has_the_documented_fields(api: InvoicetronicClient) -> None:
    assert api.json("status") == {
        "operation_left": 950,
        "signature_left": 100,
        "has_active_seat": False,
        "is_sub_key": False,
    }


def test_a_sent_invoice_has_no_last_update_before_the_first_one(api: InvoicetronicClient) -> None:
    rows = api.all("send")
    updated = {row["send_id"] for row in api.all("update")}
    assert {row["id"] for row in rows if row["last_update"] is None} == {row["id"] for row in rows} - updated
    assert {row["latest_state"] is None for row in rows if row["last_update"] is None} == {True}
    assert not set(api.ids("send", last_update_from="2000-01-01", page_size=200, sort="-id")) - updated
    assert any(row["date_sent"] is None for row in rows)


def test_an_update_has_the_current_state_of_its_invoice(api: InvoicetronicClient) -> None:
    sent = {row["id"]: row for row in api.all("send")}
    for update in api.all("update"):
        row = sent[update["send_id"]]
        assert update["company_id"] == row["company_id"]
        assert update["send"] == {name: row[name] for name in update["send"]}
        assert set(update["send"]) == {
            "identifier",
            "prestatore",
            "meta_data",
            "documents",
            "date_sent",
            "latest_state",
        }
    for row in sent.values():
        states = [update["state"] for update in api.json("update", send_id=row["id"])]
        assert row["latest_state"] == (states[-1] if states else None)


def test_some_received_invoices_are_created_long_after_their_date(api: InvoicetronicClient) -> None:
    rows = api.all("receive")
    late = [row for row in rows if days_between(row["documents"][0]["date"], row["created"]) > 14]
    assert 10 < len(late) < len(rows) / 5
    assert any(row["date_sent"] is None for row in rows)


def test_some_instants_have_seven_digits_and_some_rows_share_one(api: InvoicetronicClient) -> None:
    created = [row["created"] for row in api.all("receive")]
    assert {len(moment) for moment in created} == {20, 28}
    assert len(set(created)) < len(created)


def test_some_files_have_several_documents(api: InvoicetronicClient) -> None:
    assert {len(row["documents"]) for row in api.all("send")} >= {1, 2, 3}


def test_the_world_is_the_same_for_the_same_seed_and_fast_to_generate() -> None:
    started = time.process_time()
    first = InvoicetronicApi(Clock(), 1, 1.0).environments["live"].tables
    first.stored_rows("send")
    # Made within half a second on a free machine; this one may be busy.
    assert time.process_time() - started < 2
    again, other = (InvoicetronicApi(Clock(), seed, 1.0).environments["live"].tables for seed in (1, 2))
    for name in LISTS:
        assert first.stored_rows(name) == again.stored_rows(name)
    assert first.stored_rows("send") != other.stored_rows("send")


def test_scale_multiplies_the_invoices() -> None:
    sizes = [
        len(InvoicetronicApi(Clock(), 1, scale).environments["live"].tables.stored_rows("receive"))
        for scale in (0.01, 0.5, 2.0)
    ]
    assert sizes == [24, 225, 900]
