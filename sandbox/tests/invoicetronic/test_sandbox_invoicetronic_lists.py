"""Invoicetronic's lists: pages, filters, search and sorts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.invoicetronic.timestamps import parse_ticks
from sandbox.server import running_sandbox
from sandbox.tests.invoicetronic.client import LISTS, LIVE, InvoicetronicClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.admin_client import SystemAdmin


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_a_bare_array_in_pages_with_its_total_in_a_header(api: InvoicetronicClient, name: str) -> None:
    response = api.get(name, page_size=2, page=1)
    total = int(response.headers["Invoicetronic-Total-Count"])
    assert len(response.json()) == 2
    pages = [api.ids(name, page_size=2, page=page) for page in (1, 2)]
    assert len({row for page in pages for row in page}) == min(total, 4)
    assert api.json(name, page=10_000) == []
    assert api.json(f"{name}/{pages[0][0]}")["id"] == pages[0][0]
    assert api.get(f"{name}/999999").status_code == 404


def test_there_are_several_pages_of_two_hundred_invoices() -> None:
    with running_sandbox(scale=0.02, scales={"invoicetronic": 1}) as whole:
        api = InvoicetronicClient(whole.url, LIVE)
        for name in ("send", "receive"):
            assert len(api.json(name)) == 100
            assert [len(api.json(name, page_size=200, page=page)) for page in (1, 2, 3, 4)] == [200, 200, 50, 0]
            assert api.get(name).headers["Invoicetronic-Total-Count"] == "450"


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ({"page_size": 201}, "page_size cannot be greater than 200"),
        ({"page": 0}, "page: invalid value"),
        ({"page": "x"}, "page: invalid value"),
        ({"company_id": "x"}, "company_id: invalid value"),
        ({"last_update_from": "yesterday"}, "last_update_from: invalid value"),
        ({"latest_state": "Perso"}, "latest_state: invalid value"),
        ({"ids": ",".join(map(str, range(101)))}, "ids: invalid value"),
        ({"include_payload": "maybe"}, "include_payload: invalid value"),
        ({"sort": "colour"}, "Cannot sort by colour"),
        ({"sort": "-documents"}, "Cannot sort by documents"),
    ],
)
def test_an_invalid_parameter_is_refused_by_name(
    api: InvoicetronicClient, query: dict[str, object], detail: str
) -> None:
    response = api.get("send", **query)
    assert response.status_code == 400
    assert response.json() == {
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "Bad Request",
        "status": 400,
        "detail": detail,
    }


def test_an_unknown_parameter_is_ignored(api: InvoicetronicClient) -> None:
    assert len(api.json("send", pageSize=3)) == 100


@pytest.mark.parametrize(
    ("name", "query", "keeps"),
    [
        ("send", {"company_id": 4}, lambda row: row["company_id"] == 4),
        ("send", {"latest_state": "Scartato"}, lambda row: row["latest_state"] == "Scartato"),
        ("send", {"latest_state": "7"}, lambda row: row["latest_state"] == "Scartato"),
        ("send", {"ids": "3,5,99999"}, lambda row: row["id"] in {3, 5}),
        (
            "send",
            {"document_date_from": "2026-01-01"},
            lambda row: row["documents"][0]["date"] >= "2026-01-01T00:00:00Z",
        ),
        (
            "send",
            {"date_sent_to": "2025-01-01T00:00:00Z"},
            lambda row: (row["date_sent"] or "9") < "2025-01-01T00:00:00Z",
        ),
        ("receive", {"unread": "true"}, lambda row: not row["is_read"]),
        ("receive", {"unread": "false"}, lambda _row: True),
        ("update", {"state": "Inviato"}, lambda row: row["state"] == "Inviato"),
        ("update", {"unread": "True"}, lambda row: not row["is_read"]),
        ("update", {"send_id": 17}, lambda row: row["send_id"] == 17),
        ("log", {"success": "false"}, lambda row: not row["success"]),
        ("log", {"method": "POST"}, lambda row: row["method"] == "POST"),
        ("log", {"api_verion": 2}, lambda _row: False),
        ("webhook", {"enabled": "false"}, lambda row: not row["enabled"]),
        ("webhook", {"events": "receive.add"}, lambda row: "receive.add" in row["events"]),
        ("webhookhistory", {"webhook_id": 2}, lambda row: row["web_hook_id"] == 2),
        ("subkey", {"active": "true"}, lambda row: row["active"]),
        ("subkey", {"company_id": 3}, lambda row: 3 in (row["company_ids"] or [])),
    ],
)
def test_a_filter_keeps_the_matching_rows(
    api: InvoicetronicClient, name: str, query: dict[str, object], keeps: Callable[[dict[str, Any]], bool]
) -> None:
    # The window leaves out the rows of /log that the test itself makes.
    window: dict[str, object] = {"date_time_to": "2026-03-16T07:00:00Z"} if name == "log" else {}
    rows = api.all(name, **window)
    expected = [row["id"] for row in rows if keeps(row)]
    assert [row["id"] for row in api.all(name, **window, **query)] == expected
    assert len(expected) < len(rows) or query == {"unread": "false"}


@pytest.mark.parametrize("name", ["identifier", "committente", "prestatore", "file_name"])
def test_text_filters_match_whole_values(api: InvoicetronicClient, name: str) -> None:
    row = api.json("receive/7")
    assert 7 in api.ids("receive", **{name: row[name]})
    assert api.ids("receive", **{name: row[name][2:]}) == []


def test_a_file_is_found_by_a_document_number(api: InvoicetronicClient) -> None:
    assert api.ids("receive", document_number=api.json("receive/15")["documents"][-1]["number"]) == [15]


def test_the_bounds_of_a_period_are_inclusive(api: InvoicetronicClient) -> None:
    moment = api.json("update/40")["last_update"]
    assert 40 in api.ids("update", last_update_from=moment, last_update_to=moment)


def test_a_search_matches_numbers_and_names(api: InvoicetronicClient) -> None:
    row = api.json("send/9")
    assert api.ids("send", q=row["file_name"].lower()) == [9]
    company = api.json("company/3")
    assert 3 in api.ids("company", q=company["name"][:6].upper())


def test_a_company_is_found_by_its_vat_number_and_a_sent_invoice_by_its_identifier(api: InvoicetronicClient) -> None:
    company = api.json("company/3")
    assert api.json(f"company/{company['vat']}") == company
    sent = api.json("send/9")
    assert api.json(f"send/{sent['identifier']}") == sent


def test_lists_are_sorted_by_one_field_and_then_by_id(api: InvoicetronicClient) -> None:
    for name, field in (("send", "created"), ("receive", "created"), ("update", "last_update"), ("company", "name")):
        for sign in ("", "-"):
            rows = api.all(name, sort=f"{sign}{field}")
            keys = [parse_ticks(row[field]) if field != "name" else row[field] for row in rows]
            assert keys == sorted(keys, reverse=bool(sign))
    assert api.ids("update") == api.ids("update", sort="last_update")
    assert api.ids("send") == list(range(1, 101))


def test_nulls_are_the_largest(api: InvoicetronicClient) -> None:
    assert api.json("send", sort="-last_update")[0]["last_update"] is None
    assert api.all("send", sort="last_update")[-1]["last_update"] is None


def test_a_sort_may_be_refused_or_ignored(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    in_order = api.ids("receive", sort="-created")
    admin.put("behaviour", {"refused_sorts": {"receive": ["created"]}, "ignored_sorts": {"send": ["created"]}})
    assert api.get("receive", sort="-created").status_code == 400
    assert api.ids("send", sort="-created") == api.ids("send")
    admin.put("behaviour", {})
    assert api.ids("receive", sort="-created") == in_order != api.ids("receive")
