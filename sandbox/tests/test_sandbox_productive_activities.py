"""Activities: those of the generated past, and the one that each change leaves."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.productive.activities import item_type
from sandbox.productive.catalogue import load_catalogue
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import AdminClient
    from sandbox.server import RunningSandbox

FULL_DATETIMES = {"X-Feature-Flags": "filteringSkipDatetimeCastToDate"}


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def admin(running: RunningSandbox) -> AdminClient:
    running.admin.reset()
    running.admin.set_limits([])
    return running.admin


@pytest.fixture
def api(running: RunningSandbox, admin: AdminClient) -> ProductiveClient:  # noqa: ARG001 - reset first
    return ProductiveClient(running.url)


def newest(admin: AdminClient) -> dict[str, Any]:
    return max(admin.records("activities"), key=lambda row: int(row["id"]))["attributes"]


def values(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.mark.parametrize(
    ("resource", "name"),
    [
        ("tasks", "Task"),
        ("projects", "Workspace"),
        ("people", "Person"),
        ("time_entries", "TimeEntry"),
        ("deal_statuses", "DealStatus"),
        ("holidays", "Holiday"),
        ("subsidiaries", "Subsidiary"),
    ],
)
def test_an_item_type_is_the_singular_of_its_resource(resource: str, name: str) -> None:
    assert item_type(resource) == name


def test_no_two_lists_share_an_item_type() -> None:
    assert len({item_type(resource) for resource in load_catalogue()}) == len(load_catalogue())


def test_past_activities_are_in_order_and_about_existing_rows(admin: AdminClient) -> None:
    rows = admin.records("activities")
    stamps = [datetime.fromisoformat(row["attributes"]["created_at"]) for row in rows]
    assert stamps == sorted(stamps)
    by_type = {
        item_type(resource): {row["id"] for row in admin.records(resource)}
        for resource in load_catalogue()
        if resource != "activities"
    }
    for row in rows:
        for side in ("item", "parent", "root"):
            assert str(row["attributes"][f"{side}_id"]) in by_type[row["attributes"][f"{side}_type"]]
    assert {row["attributes"]["event"] for row in rows} == {"create", "update"}


def test_a_new_row_leaves_an_activity_at_the_same_instant(admin: AdminClient) -> None:
    count = len(admin.records("activities"))
    task = admin.create("tasks", {"title": "New"}, {"project": "2"})
    activity = newest(admin)
    assert values(activity, "event", "item_type", "item_id", "item_name") == ("create", "Task", int(task["id"]), "New")
    assert values(activity, "parent_type", "parent_id", "root_type", "root_id") == ("Workspace", 2, "Workspace", 2)
    assert activity["created_at"] == task["attributes"]["created_at"]
    assert activity["task_id"] == int(task["id"])
    assert activity["changeset"] == [{"title": [None, "New"]}]
    assert len(admin.records("activities")) == count + 1


PARTS = {
    "custom_field_options": "custom_field",
    "invoice_attributions": "invoice",
    "line_items": "invoice",
    "payments": "invoice",
}
"""What cannot be made without naming what it is part of."""


@pytest.mark.parametrize("resource", sorted(load_catalogue().keys() - {"activities"}))
def test_every_change_of_every_list_leaves_an_activity(running: RunningSandbox, resource: str) -> None:
    admin = running.admin
    leads = {PARTS[resource]: "1"} if resource in PARTS else {}
    created = admin.create(resource, {}, leads)
    admin.update(resource, created["id"])
    admin.delete(resource, created["id"])
    rows = sorted(admin.records("activities"), key=lambda row: int(row["id"]))[-3:]
    assert [row["attributes"]["event"] for row in rows] == ["create", "update", "delete"]
    assert {values(row["attributes"], "item_type", "item_id") for row in rows} == {
        (item_type(resource), int(created["id"]))
    }


def test_the_activity_of_an_update_has_old_and_new_values(admin: AdminClient) -> None:
    before = admin.records("companies")[0]["attributes"]["name"]
    admin.update("companies", "1", {"name": "After"}, {"parent_company": "2"})
    activity = newest(admin)
    assert values(activity, "event", "item_type", "company_id") == ("update", "Company", 1)
    assert {"name": [before, "After"]} in activity["changeset"]
    assert [change["parent_company"][1] for change in activity["changeset"] if "parent_company" in change] == ["2"]


def test_archiving_is_an_update(admin: AdminClient) -> None:
    archived = admin.archive("projects", "1")["attributes"]["archived_at"]
    activity = newest(admin)
    assert values(activity, "event", "item_type", "item_id") == ("update", "Workspace", 1)
    assert activity["changeset"] == [{"archived_at": [None, archived]}]


def test_a_delete_leaves_an_activity_and_marks_earlier_ones(admin: AdminClient, api: ProductiveClient) -> None:
    task = admin.create("tasks", {"title": "Short"}, {"project": "2"})
    item = admin.delete("tasks", task["id"])
    assert item is not None
    rows = api.walk(f"activities?filter[task_id]={task['id']}&page[size]=200")
    assert [row["attributes"]["event"] for row in rows] == ["create", "delete"]
    assert {row["attributes"]["item_deleted_at"] for row in rows} == {item["attributes"]["created_at"]}
    assert {row["attributes"]["root_deleted_at"] for row in rows} == {None}
    admin.delete("projects", "2")
    again = api.walk(f"activities?filter[task_id]={task['id']}&page[size]=200")
    assert all(row["attributes"]["root_deleted_at"] for row in again)


def test_the_activity_of_a_payment_has_its_invoice_as_parent(admin: AdminClient, api: ProductiveClient) -> None:
    invoice = next(row for row in admin.records("invoices") if row["attributes"]["amount_unpaid"] > 100)
    admin.create("payments", {"amount": 100}, {"invoice": invoice["id"]})
    activity = newest(admin)
    assert values(activity, "item_type", "parent_type", "root_type") == ("Payment", "Invoice", "Invoice")
    assert activity["invoice_id"] == int(invoice["id"])
    assert "Payment" in {
        row["attributes"]["item_type"] for row in api.walk(f"activities?filter[invoice_id]={invoice['id']}")
    }


def test_activities_can_be_filtered_by_time(admin: AdminClient, api: ProductiveClient) -> None:
    first = admin.create("tasks")["attributes"]["created_at"]
    admin.advance_clock(5)
    second = admin.create("deals")["attributes"]["created_at"]

    def since(stamp: str) -> list[str]:
        path = f"activities?filter[after]={stamp.replace('+', '%2B')}&page[size]=200"
        return [row["attributes"]["item_type"] for row in api.data(path, FULL_DATETIMES)]

    assert since(first) == ["Task", "Deal"]
    assert since(second) == ["Deal"]
    assert [row["attributes"]["item_type"] for row in api.data("activities?filter[after]=2026-03-16")][-2:] == [
        "Task",
        "Deal",
    ]


@pytest.mark.parametrize(
    ("query", "attribute", "value"),
    [
        ("filter[item_type]=Invoice", "item_type", "Invoice"),
        ("filter[root_type]=Workspace", "root_type", "Workspace"),
        ("filter[event]=update", "event", "update"),
        ("filter[type]=1", "item_type", "Comment"),
        ("filter[type]=3", "item_type", "Email"),
        ("filter[created_at][gt_eq]=2000-01-01", "made_by_automation", False),
    ],
)
def test_activities_can_be_filtered_by_their_item(
    api: ProductiveClient, query: str, attribute: str, value: object
) -> None:
    rows = api.walk(f"activities?{query}&page[size]=200")
    assert rows
    assert {row["attributes"][attribute] for row in rows} == {value}


@pytest.mark.parametrize(("resource", "kind"), [("bookings", "booking"), ("pages", "page"), ("events", "event")])
def test_bookings_pages_and_events_go_to_the_recycle_bin(admin: AdminClient, resource: str, kind: str) -> None:
    item = admin.delete(resource, "1")
    assert item is not None
    assert values(item["attributes"], "item_type", "item_id") == (kind, 1)


def test_a_reset_removes_new_activities(admin: AdminClient) -> None:
    before = admin.records("activities")
    admin.create("tags", {"name": "new"})
    assert len(admin.records("activities")) == len(before) + 1
    admin.reset()
    assert admin.records("activities") == before
