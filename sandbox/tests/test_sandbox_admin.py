"""Changes by the admin in Productive, and their effects."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import AdminClient
    from sandbox.json_types import Json
    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def admin(running: RunningSandbox) -> AdminClient:
    running.admin.reset()
    return running.admin


@pytest.fixture
def api(running: RunningSandbox, admin: AdminClient) -> ProductiveClient:
    admin.set_limits([])
    return ProductiveClient(running.url)


def attributes(api: ProductiveClient, resource: str, record_id: str) -> dict[str, Any]:
    data: dict[str, Any] = api.body(f"{resource}/{record_id}")["data"]
    return dict(data["attributes"])


def test_a_new_record_has_every_attribute_and_its_own_instant(admin: AdminClient, api: ProductiveClient) -> None:
    one = admin.create("companies", {"name": "Acme"})
    other = admin.create("companies")
    assert set(one["attributes"]) == set(admin.records("companies")[0]["attributes"])
    assert one["attributes"]["name"] == "Acme"
    assert one["attributes"]["created_at"].startswith("2026-03-16T08:00:00.")
    assert one["attributes"]["created_at"] < other["attributes"]["created_at"]
    assert one["attributes"]["last_activity_at"] == one["attributes"]["created_at"]
    assert api.ids("companies?sort=-created_at&page[size]=2") == [other["id"], one["id"]]


@pytest.mark.parametrize(
    "resource", ["invoices", "deals", "projects", "tasks", "time_entries", "people", "expenses", "prices"]
)
def test_a_row_can_be_created_without_any_attributes(admin: AdminClient, api: ProductiveClient, resource: str) -> None:
    created = admin.create(resource)
    shown = api.body(f"{resource}/{created['id']}")["data"]
    assert shown["attributes"] == created["attributes"]


def test_only_the_admin_advances_the_time(admin: AdminClient) -> None:
    first = admin.create("tasks")["attributes"]["created_at"]
    admin.advance_clock(3600)
    second = admin.create("tasks")["attributes"]["created_at"]
    apart = datetime.fromisoformat(second) - datetime.fromisoformat(first)
    assert 3600 <= apart.total_seconds() < 3601


def test_a_payment_settles_its_invoice(admin: AdminClient, api: ProductiveClient) -> None:
    invoice = next(row for row in admin.records("invoices") if row["attributes"]["amount_unpaid"] > 100)
    unpaid, paid = invoice["attributes"]["amount_unpaid"], invoice["attributes"]["amount_paid"]
    part = admin.create("payments", {"amount": 100}, {"invoice": invoice["id"]})
    after = attributes(api, "invoices", invoice["id"])
    assert (after["amount_unpaid"], after["amount_paid"]) == (unpaid - 100, paid + 100)
    assert after["updated_at"] > invoice["attributes"]["updated_at"]
    assert after["paid_on"] is None
    rest = admin.create("payments", {}, {"invoice": invoice["id"]})
    assert rest["attributes"]["amount"] == unpaid - 100
    settled = attributes(api, "invoices", invoice["id"])
    assert (settled["amount_unpaid"], settled["paid_on"]) == (0, "2026-03-16")
    admin.delete("payments", part["id"])
    assert attributes(api, "invoices", invoice["id"])["amount_unpaid"] == 100


def test_lines_determine_the_amounts_of_their_invoice(admin: AdminClient, api: ProductiveClient) -> None:
    company = next(row for row in admin.records("companies") if row["attributes"]["default_currency"] == "USD")
    invoice = admin.create("invoices", {}, {"company": company["id"]})
    assert (invoice["attributes"]["amount"], invoice["attributes"]["currency"]) == (0, "USD")
    given: dict[str, Json] = {"unit_price": 1050, "quantity": "2.5", "tax_value": "25.0"}
    line = admin.create("line_items", given, {"invoice": invoice["id"]})
    assert line["attributes"]["amount"] == 2625
    after = attributes(api, "invoices", invoice["id"])
    assert (after["amount"], after["amount_tax"], after["amount_with_tax"]) == (2625, 656, 3281)
    assert after["amount_default"] == 2419
    admin.update("line_items", line["id"], {"quantity": "1.0"})
    assert attributes(api, "invoices", invoice["id"])["amount"] == 1050
    admin.delete("line_items", line["id"])
    assert attributes(api, "invoices", invoice["id"])["amount"] == 0


def test_attributions_add_up_to_their_invoice(admin: AdminClient) -> None:
    invoice = admin.records("invoices")[0]
    admin.create("line_items", {"unit_price": 777}, {"invoice": invoice["id"]})
    shares = [row for row in admin.records("invoice_attributions") if row["relationships"]["invoice"] == invoice["id"]]
    assert sum(row["attributes"]["amount"] for row in shares) == invoice["attributes"]["amount"] + 777


def test_an_update_moves_both_timestamps_by_default(admin: AdminClient, api: ProductiveClient) -> None:
    before = attributes(api, "invoices", "5")
    admin.update("invoices", "5", {"subject": "quiet"}, touch_last_activity=False)
    quiet = attributes(api, "invoices", "5")
    assert quiet["subject"] == "quiet"
    assert quiet["updated_at"] > before["updated_at"]
    assert quiet["last_activity_at"] == before["last_activity_at"]
    admin.update("invoices", "5", {"subject": "loud"})
    loud = attributes(api, "invoices", "5")
    assert loud["last_activity_at"] == loud["updated_at"] > quiet["updated_at"]


def test_an_update_can_change_relationships(admin: AdminClient, api: ProductiveClient) -> None:
    admin.update("tasks", "2", {}, {"assignee": "3", "attachments": ["7"]})
    task = api.body("tasks/2?include=assignee,attachments")["data"]["relationships"]
    assert task["assignee"]["data"]["id"] == "3"
    assert task["attachments"]["data"] == [{"type": "attachments", "id": "7"}]
    admin.update("tasks", "2", {}, {"assignee": None})
    assert api.body("tasks/2?include=assignee")["data"]["relationships"]["assignee"] == {"data": None}


def test_archiving_leaves_the_row_in_its_list(admin: AdminClient, api: ProductiveClient) -> None:
    admin.archive("projects", "1")
    assert attributes(api, "projects", "1")["archived_at"].startswith("2026-03-16T08:00:00")
    assert "1" in api.ids("projects?page[size]=200")
    assert "1" in api.ids("projects?filter[status]=2&page[size]=200")
    with pytest.raises(AdminError, match="cannot be archived"):
        admin.archive("tasks", "1")


@pytest.mark.parametrize(
    ("resource", "kind"),
    [("invoices", "invoice"), ("tasks", "task"), ("time_entries", "time_entry"), ("purchase_orders", "purchase_order")],
)
def test_a_delete_goes_to_the_recycle_bin(admin: AdminClient, api: ProductiveClient, resource: str, kind: str) -> None:
    item = admin.delete(resource, "1")
    assert item is not None
    assert (item["attributes"]["item_id"], item["attributes"]["item_type"]) == (1, kind)
    assert api.get(f"{resource}/1").status_code == 404
    assert api.ids("deleted_items?sort=-created_at&page[size]=1") == [item["id"]]
    assert api.ids("deleted_items?filter[created_at][gt_eq]=2026-03-16") == [item["id"]]


def test_the_recycle_bin_distinguishes_budgets_from_deals(admin: AdminClient) -> None:
    deals = admin.records("deals")
    for is_budget, kind in ((True, "budget"), (False, "deal")):
        deal = next(row for row in deals if row["attributes"]["budget"] is is_budget)
        item = admin.delete("deals", deal["id"])
        assert item is not None
        assert (item["attributes"]["item_type"], item["attributes"]["name"]) == (kind, deal["attributes"]["name"])


def test_other_deleted_rows_do_not_go_to_the_recycle_bin(admin: AdminClient, api: ProductiveClient) -> None:
    before = api.body("deleted_items")["meta"]["total_count"]
    for resource in ("payments", "companies", "people"):
        assert admin.delete(resource, "1") is None
        assert api.get(f"{resource}/1").status_code == 404
    assert api.body("deleted_items")["meta"]["total_count"] == before


def test_deleting_an_invoice_deletes_its_parts(admin: AdminClient) -> None:
    invoice_id = next(
        str(row["relationships"]["invoice"]) for row in admin.records("payments") if row["attributes"]["paid_on"]
    )
    admin.delete("invoices", invoice_id)
    for resource in ("line_items", "payments", "invoice_attributions"):
        assert all(row["relationships"]["invoice"] != invoice_id for row in admin.records(resource))


def test_no_relationship_refers_to_a_deleted_row(admin: AdminClient) -> None:
    company = str(admin.records("invoices")[0]["relationships"]["company"])
    admin.delete("companies", company)
    for resource in ("invoices", "projects", "deals", "people", "contact_entries"):
        assert all(row["relationships"]["company"] != company for row in admin.records(resource))


@pytest.mark.parametrize(
    ("resource", "given", "leads"),
    [
        ("boats", {}, {}),
        ("invoices", {"boat": 1}, {}),
        ("invoices", {}, {"boat": "1"}),
        ("invoices", {}, {"company": "999999"}),
        ("payments", {}, {}),
    ],
)
def test_unknown_resources_attributes_and_relationships_are_refused(
    admin: AdminClient, resource: str, given: dict[str, int], leads: dict[str, str]
) -> None:
    with pytest.raises(AdminError):
        admin.create(resource, given, leads)


def test_the_log_has_requests_without_their_token(
    running: RunningSandbox, admin: AdminClient, api: ProductiveClient
) -> None:
    admin.clear_requests()
    answer = api.get("invoices?filter[id]=1,2&page[size]=5", {"User-Agent": "tap/1", "X-Feature-Flags": "a"})
    api.get("invoices", {"X-Auth-Token": "wrong-token"})
    first, second = admin.requests()
    assert first == {
        "method": "GET",
        "path": "/productive/api/v2/invoices",
        "query": [["filter[id]", "1,2"], ["page[size]", "5"]],
        "authenticated": True,
        "organization": "1",
        "user_agent": "tap/1",
        "feature_flags": "a",
        "status": 200,
        "content_length": len(answer.content),
        "account": "",
        "at": first["at"],
    }
    assert 0 < first["at"] < second["at"]
    assert (second["authenticated"], second["status"]) == (False, 401)
    raw = api.session.get(f"{running.url}/admin/requests", timeout=5).text
    assert "sandbox-token" not in raw
    assert "wrong-token" not in raw


def test_scheduled_changes_happen_after_their_request(admin: AdminClient, api: ProductiveClient) -> None:
    change: dict[str, Json] = {"action": "update", "resource": "companies", "id": "1", "attributes": {"name": "After"}}
    admin.script_changes("/companies", after_request=2, changes=[change])
    names = [api.data("companies?page[size]=1")[0]["attributes"]["name"] for _ in range(4)]
    assert [name == "After" for name in names] == [False, False, True, True]
    with pytest.raises(AdminError, match="must have a known action"):
        admin.script_changes("/companies", after_request=1, changes=[{"action": "sink", "resource": "companies"}])


def test_the_date_header_follows_the_clock_of_the_sandbox(api: ProductiveClient, admin: AdminClient) -> None:
    before = parsedate_to_datetime(api.get("/companies").headers["Date"])
    admin.advance_clock(3600)
    passed = parsedate_to_datetime(api.get("/companies").headers["Date"]) - before
    assert timedelta(hours=1) <= passed < timedelta(hours=1, minutes=1)
