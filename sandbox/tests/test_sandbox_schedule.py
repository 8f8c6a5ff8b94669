"""Changes between any two requests, by place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox
from sandbox.tests.productive_client import ProductiveClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.admin_client import AdminClient
    from sandbox.server import RunningSandbox


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.1) as sandbox:
        yield sandbox


@pytest.fixture
def admin(running: RunningSandbox) -> AdminClient:
    running.admin.reset()
    return running.admin


def invoices(running: RunningSandbox) -> list[str]:
    """Return the ids that Invobi answers, in the order of creation."""
    url, headers = f"{running.url}/invobi/api/v1/invoices", {"Authorization": "Bearer sandbox-token"}
    answer = requests.get(url, params={"per_page": "100"}, headers=headers, timeout=10)
    return [row["id"] for row in reversed(answer.json()["invoices"])]


def change(action: str, place: int = 0, **attributes: object) -> dict[str, Any]:
    return {"action": action, "resource": "invoices", "place": place, "attributes": attributes}


def test_changes_happen_together_after_their_answer(running: RunningSandbox, admin: AdminClient) -> None:
    before = [row["id"] for row in admin.system("invobi").records("invoices")]
    admin.schedule("invobi", [{"after_request": 2, "changes": [change("delete", 1), change("create")]}])

    seen = [invoices(running) for _ in range(3)]

    assert seen[0] == seen[1] == before
    assert seen[2][:-1] == [before[0], *before[2:]]
    assert seen[2][-1] not in before
    assert [(done["after_request"], done["action"], done["key"]) for done in admin.applied("invobi")] == [
        (2, "delete", before[1]),
        (2, "create", seen[2][-1]),
    ]


def test_a_deleted_row_is_restored_as_it_was(running: RunningSandbox, admin: AdminClient) -> None:
    before = admin.system("invobi").records("invoices")
    steps = [{"after_request": n, "changes": [change(name, 3)]} for n, name in ((1, "delete"), (2, "restore"))]
    admin.schedule("invobi", steps)

    seen = [invoices(running) for _ in range(3)]

    assert before[3]["id"] not in seen[1]
    assert before[3]["id"] in seen[2]
    assert before[3] in admin.system("invobi").records("invoices")


@pytest.mark.parametrize("system", ["productive", "covage", "2invoice", "invoicetronic"])
def test_every_system_can_be_changed(running: RunningSandbox, admin: AdminClient, system: str) -> None:
    resource = {"productive": "line_items", "invoicetronic": "send"}.get(system, "invoices")
    rows = admin.records if system == "productive" else admin.system(ROWS.get(system, system)).records
    count = len(rows(resource))
    names = ("create", "create", "delete", "restore", "update", "archive")
    changes = [{"action": name, "resource": resource, "place": 2} for name in names]
    admin.schedule(system, [{"after_request": 1, "changes": [*changes, {"action": "advance", "seconds": 60}]}])

    if system == "productive":
        ProductiveClient(running.url).get("tasks")
    else:
        requests.get(f"{running.url}/{PATHS[system]}", timeout=10)

    assert [done["action"] for done in admin.applied(system)] == list(names)
    assert len(rows(resource)) == count + 2


ROWS = {"invoicetronic": "invoicetronic/test"}
PATHS = {"covage": "covage/api/v1/order/", "2invoice": "2invoice/clients", "invoicetronic": "invoicetronic/v1/status"}


def test_an_update_of_invoicetronic_changes_the_sent_invoice(running: RunningSandbox, admin: AdminClient) -> None:
    account = admin.system("invoicetronic/test")
    new = {"action": "create", "resource": "update", "place": 4, "attributes": {"state": "Consegnato"}}
    admin.schedule("invoicetronic", [{"after_request": 1, "changes": [new]}])

    requests.get(f"{running.url}/invoicetronic/v1/status", timeout=10)

    sent, update = account.records("send")[4], account.records("update")[-1]
    assert (sent["latest_state"], sent["last_update"]) == ("Consegnato", update["last_update"])
    assert update["send_id"] == sent["id"]


def test_an_unknown_action_is_refused_at_once(admin: AdminClient) -> None:
    with pytest.raises(AdminError, match="unknown action vanish"):
        admin.schedule("invobi", [{"after_request": 1, "changes": [change("vanish")]}])


def test_no_row_gets_the_id_of_a_deleted_one(admin: AdminClient) -> None:
    newest = admin.records("tasks")[-1]["id"]
    admin.delete("tasks", newest)

    assert int(admin.create("tasks")["id"]) > int(newest)


def test_the_date_of_answers_can_be_that_of_the_world(running: RunningSandbox, admin: AdminClient) -> None:
    admin.follow_calendar()
    admin.advance_clock(60)

    answer = ProductiveClient(running.url).get("tasks")

    assert answer.headers["date"] == "Mon, 16 Mar 2026 07:01:00 GMT"
