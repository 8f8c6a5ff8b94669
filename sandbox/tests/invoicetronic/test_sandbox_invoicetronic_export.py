"""Invoicetronic's ZIP exports."""

from __future__ import annotations

import base64
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sandbox.tests.invoicetronic.client import LIVE, InvoicetronicClient, unread

if TYPE_CHECKING:
    import requests

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def members(response: requests.Response) -> dict[str, bytes]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(response.content)) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def test_an_export_has_the_files_of_a_month_in_folders_by_company(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    vats = {row["id"]: row["vat"] for row in admin.records("company")}
    wanted = {
        f"{vats[row['company_id']]}/receive/{row['file_name']}": row
        for row in admin.records("receive")
        if row["documents"][0]["date"].startswith("2026-01")
    }
    before = set(unread(admin))
    found = members(api.get("export", type="Receive", year=2026, month=1))
    assert set(found) == set(wanted)
    read = {row["id"] for row in wanted.values()}
    assert set(unread(admin)) == before - read
    assert admin.get("billing")["paid"] == {str(number): 1 for number in before & read}
    assert admin.get("reads")["exports"] == 1
    chosen_name, chosen = next((name, row) for name, row in wanted.items() if row["encoding"] == "Base64")
    payload = api.json(f"receive/{chosen['id']}", include_payload="true")["payload"]
    assert found[chosen_name] == base64.b64decode(payload)


def test_a_quarter_and_a_range_of_dates_are_periods_too(api: InvoicetronicClient) -> None:
    quarter = members(api.get("export", type="send", year=2025, quarter=4))
    months = [members(api.get("export", type="SEND", year=2025, month=month)) for month in (10, 11, 12)]
    assert quarter == {name: content for month in months for name, content in month.items()}
    dates = {"document_date_from": "2025-10-01", "document_date_to": "2025-12-31"}
    assert members(api.get("export", type="Send", **dates)) == quarter
    assert all("/send/" in name for name in quarter)


def test_an_export_has_both_directions_by_default(api: InvoicetronicClient) -> None:
    assert {name.split("/")[1] for name in members(api.get("export", year=2025, month=5))} == {"send", "receive"}


def test_only_sent_invoices_in_a_final_state_are_exported(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    year = {"document_date_from": "2024-01-01", "document_date_to": "2026-12-31"}
    found = {name.split("/")[2] for name in members(api.get("export", type="send", **year))}
    states = {row["file_name"]: (row["format"], row["latest_state"]) for row in admin.records("send")}
    exported = {states[name] for name in found}
    assert ("FPR12", "Consegnato") in exported
    assert ("FPA12", "DecorrenzaTermini") in exported
    assert not {("FPA12", "Consegnato"), ("FPR12", "Scartato")} & exported
    assert not {state for _, state in exported} & {None, "Inviato"}


def test_an_export_can_be_limited_to_one_company(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    found = members(api.get("export", year=2025, month=5, company_id=1))
    assert {name.split("/")[0] for name in found} == {admin.records("company")[0]["vat"]}


def test_an_empty_export_has_no_content(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    response = api.get("export", year=1999, month=1)
    assert (response.status_code, response.content) == (204, b"")
    assert admin.get("billing")["operation_left"] == 950


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"year": 2026},
        {"month": 1},
        {"year": 2026, "month": 13},
        {"year": 2026, "quarter": 5},
        {"year": 2026, "month": 1, "quarter": 1},
        {"year": 2026, "month": 1, "document_date_from": "2026-01-01"},
        {"document_date_from": "soon"},
        {"year": 2026, "month": 1, "type": "All"},
        {"year": 2026, "month": 1, "company_id": "x"},
    ],
)
def test_an_export_needs_exactly_one_valid_period(api: InvoicetronicClient, query: dict[str, object]) -> None:
    response = api.get("export", **query)
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_second_export_at_the_same_time_is_refused(sandbox: RunningSandbox, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"export_seconds": 0.5})
    accounts = [InvoicetronicClient(sandbox.url, key) for key in (LIVE, LIVE)]
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda account: account.get("export", year=1999, month=1), accounts))
    refused, granted = sorted(answers, key=lambda answer: answer.status_code, reverse=True)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert granted.status_code == 204
    assert accounts[0].get("export", year=1999, month=1).status_code == 204


def test_the_admin_can_add_members_to_an_export(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"export_members": {"../../evil.xml": base64.b64encode(b"<x/>").decode()}})
    assert members(api.get("export", year=1999, month=1)) == {"../../evil.xml": b"<x/>"}


def test_the_files_of_an_export_may_be_named_by_invoice_id(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    named = members(api.get("export", type="receive", year=2025, month=2))
    admin.put("behaviour", {"export_names": "id"})

    by_id = members(api.get("export", type="receive", year=2025, month=2))

    assert list(by_id.values()) == list(named.values())
    ids = {name.rpartition("/")[2] for name in by_id}
    assert ids <= {f"{row['id']}.xml" for row in admin.records("receive")}
    assert len(ids) == len(named) > 0
