"""Changes by the admin in Invoicetronic, and the rows that requests leave in /log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.admin_client import AdminError
from sandbox.invoicetronic.timestamps import parse_ticks
from sandbox.tests.invoicetronic.client import LISTS, InvoicetronicClient

if TYPE_CHECKING:
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def test_requests_do_not_move_the_time_of_the_world(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    first = admin.create("receive", {})["created"]
    for _ in range(20):
        api.get("send", page_size=1)
    second = admin.create("receive", {})["created"]
    assert 0 < parse_ticks(second) - parse_ticks(first) < 200_000


def test_every_request_is_logged_at_the_machines_time(sandbox: RunningSandbox, api: InvoicetronicClient) -> None:
    started = datetime.now(UTC).isoformat()
    before = api.get("log", date_time_to=started).headers["Invoicetronic-Total-Count"]
    api.session.headers["User-Agent"] = "tester/1"
    api.get("receive", page_size=3, sort="-created")
    api.get("send", page=0)
    InvoicetronicClient(sandbox.url, "wrong").get("send")
    rows = api.json("log", user_agent="tester/1", sort="id")
    assert [(row["endpoint"], row["status_code"], row["success"]) for row in rows] == [
        ("/receive", 200, True),
        ("/send", 400, False),
    ]
    assert rows[0]["query"] == "page_size=3&sort=-created"
    assert rows[1]["error"] == "page: invalid value"
    assert all(parse_ticks(row["date_time"]) >= parse_ticks(started) for row in rows)
    assert api.get("log", date_time_to=started).headers["Invoicetronic-Total-Count"] == before == "96"


def test_a_new_invoice_is_the_newest_and_unread(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    created = admin.create("receive", {})
    assert api.ids("receive", sort="-created", page_size=1) == [created["id"]] == [136]
    assert created["is_read"] is False
    assert api.get(f"receive/{created['id']}/payload").status_code == 200
    assert admin.create("send", {})["last_update"] is None


@pytest.mark.parametrize("name", LISTS)
def test_a_row_can_be_created_without_any_fields(admin: SystemAdmin, name: str) -> None:
    assert set(admin.create(name, {})) == set(admin.records(name)[0])


def test_an_sdi_update_changes_its_invoice(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    newest = admin.records("send")[-1]
    assert newest["last_update"] is None
    update = admin.post("sdi_updates", {"send_id": newest["id"], "state": "Inviato"})
    row = api.json(f"send/{newest['id']}")
    assert (row["last_update"], row["latest_state"]) == (update["last_update"], "Inviato")
    assert row["date_sent"] is not None
    assert api.ids("update", sort="-last_update", page_size=1) == [update["id"]]
    with pytest.raises(AdminError, match="there is no send 99999"):
        admin.post("sdi_updates", {"send_id": 99999, "state": "Inviato"})


def test_listing_updates_may_mark_them_as_read(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"updates_read_by_list": True})
    found = [update["id"] for update in api.json("update", unread="true", page_size=5)]
    assert all(row["is_read"] for row in admin.records("update") if row["id"] in found)


def test_a_change_gives_a_new_version_and_moves_no_date(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    before = api.json("company/2")
    admin.update("company", 2, {"name": "Comune di Prova"})
    after = api.json("company/2")
    assert after["version"] > max(row["version"] for row in api.json("company") if row["id"] != 2)
    assert after == {**before, "name": "Comune di Prova", "version": after["version"]}


def test_a_change_can_happen_between_two_pages(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    change = {"action": "delete", "resource": "receive", "id": "1"}
    admin.script_changes("/receive", after_request=1, changes=[change])
    pages = [api.ids("receive", page_size=50, page=page) for page in (1, 2, 3)]
    assert 51 not in {number for page in pages for number in page}


def test_a_reset_restores_everything(sandbox: RunningSandbox, api: InvoicetronicClient, admin: SystemAdmin) -> None:
    before = admin.records("receive")
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": {}}})
    admin.put("behaviour", {"payload_left_out": "absent"})
    admin.delete("receive", 3)
    api.get("receive/1/payload")
    sandbox.admin.reset()
    assert admin.records("receive") == before
    assert admin.get("billing")["operation_left"] == 950
    assert "payload" in api.json("receive/1")
    assert InvoicetronicClient(sandbox.url, "ik_live_reader").get("status").status_code == 401
