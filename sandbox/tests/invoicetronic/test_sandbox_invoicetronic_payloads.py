"""Invoicetronic's payloads: what they contain, and what reading them costs."""

from __future__ import annotations

import base64
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.tests.invoicetronic.client import LISTS, TEST, InvoicetronicClient, unread

if TYPE_CHECKING:
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def test_lists_and_details_cost_nothing_and_mark_nothing_as_read(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    before = (admin.get("billing"), unread(admin), [row["is_read"] for row in admin.records("update")])
    for name in LISTS:
        rows = api.all(name)
        api.json(f"{name}/{rows[0]['id']}")
    api.json("status")
    assert (admin.get("billing"), unread(admin), [row["is_read"] for row in admin.records("update")]) == before
    assert admin.get("reads") == {"payloads": {"send": {}, "receive": {}}, "exports": 0}


@pytest.mark.parametrize("path", ["receive/{id}?include_payload=true", "receive/{id}/payload"])
def test_reading_a_received_payload_costs_an_operation_and_marks_it_as_read(
    api: InvoicetronicClient, admin: SystemAdmin, path: str
) -> None:
    chosen, *others = unread(admin)
    response = api.get(path.format(id=chosen))
    assert response.status_code == 200
    assert unread(admin) == others
    assert api.json("status")["operation_left"] == 949
    assert admin.get("billing")["paid"] == {str(chosen): 1}
    assert admin.get("reads")["payloads"]["receive"] == {str(chosen): 1}


@pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}, {"not_json": True}])
@pytest.mark.parametrize("carried_out", [True, False])
def test_a_lost_answer_was_charged_if_the_request_was_carried_out(
    running: RunningSandbox, api: InvoicetronicClient, admin: SystemAdmin, fault: dict[str, Any], *, carried_out: bool
) -> None:
    chosen = unread(admin)[0]
    running.admin.add_fault(f"*/receive/{chosen}", carried_out=carried_out, **fault)

    with contextlib.suppress(requests.exceptions.ConnectionError):
        assert "payload" not in api.get(f"receive/{chosen}?include_payload=true").text

    assert admin.get("billing")["operation_left"] == 950 - carried_out
    assert (chosen in unread(admin)) is not carried_out


def test_payloads_of_a_list_cost_one_operation_per_row(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    rows = api.json("receive", include_payload="true", unread="true", page_size=7)
    assert all(row["payload"] and row["is_read"] for row in rows)
    assert admin.get("billing")["operation_left"] == 943
    assert not {row["id"] for row in rows} & set(unread(admin))


def test_a_second_read_costs_again_unless_the_admin_makes_it_free(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    chosen = unread(admin)[0]
    for _ in range(2):
        api.get(f"receive/{chosen}/payload")
    assert admin.get("billing")["paid"] == {str(chosen): 2}
    admin.put("billing", {"repeated_reads": "free"})
    api.get(f"receive/{chosen}/payload")
    assert admin.get("billing")["operation_left"] == 948


def test_payloads_of_sent_invoices_cost_nothing(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    whole = api.json("send/4", include_payload="true")["payload"]
    assert api.get("send/4/payload").content.decode() == whole
    assert admin.get("billing")["operation_left"] == 950
    assert admin.get("reads")["payloads"]["send"] == {"4": 2}


def test_the_test_environment_costs_nothing_but_marks_as_read(sandbox: RunningSandbox) -> None:
    admin, test = sandbox.admin.system("invoicetronic/test"), InvoicetronicClient(sandbox.url, TEST)
    chosen, *others = unread(admin)
    admin.put("billing", {"operation_left": 0})
    assert test.get(f"receive/{chosen}/payload").status_code == 200
    assert unread(admin) == others
    assert admin.get("billing")["paid"] == {}


def test_a_read_beyond_the_balance_is_refused_and_changes_nothing(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    admin.put("billing", {"operation_left": 2})
    before = unread(admin)
    for path in ("receive?include_payload=true&page_size=3", "export?year=2026&month=3"):
        response = api.get(path)
        assert response.status_code == 403
        assert response.json()["code"] == "usage_limit_exceeded"
    assert unread(admin) == before
    assert api.json("status")["operation_left"] == 2
    admin.put("billing", {"operation_left": 0})
    assert api.get("receive/1/payload").status_code == 403
    assert api.get("receive").status_code == 200
    admin.put("billing", {"refused_at_zero": "receive"})
    assert {api.get(path).status_code for path in ("receive", "receive/1", "receive/1/payload")} == {403}
    assert api.get("send/1/payload").status_code == 200


def test_unknown_settings_are_refused(admin: SystemAdmin) -> None:
    with pytest.raises(AdminError, match="billing has no setting paid"):
        admin.put("billing", {"paid": {}})
    with pytest.raises(AdminError, match="repeated_reads must be paid or free"):
        admin.put("billing", {"repeated_reads": "sometimes"})
    with pytest.raises(AdminError, match="problem_shape must be problem or wrapped"):
        admin.put("behaviour", {"problem_shape": "round"})
    with pytest.raises(AdminError, match="colour"):
        admin.put("behaviour", {"colour": "red"})


def test_the_admin_can_choose_the_value_of_an_unrequested_payload(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    assert api.json("receive/1")["payload"] == ""
    admin.put("behaviour", {"payload_left_out": "null"})
    assert api.json("receive/1")["payload"] is None
    admin.put("behaviour", {"payload_left_out": "absent"})
    assert "payload" not in api.json("receive/1")


def test_a_payload_is_text_or_base64_as_its_encoding_says(api: InvoicetronicClient) -> None:
    forms = set()
    for row in api.json("send", include_payload="true", page_size=60):
        if row["encoding"] == "Xml":
            assert row["payload"].startswith("<")
        else:
            content = base64.b64decode(row["payload"], validate=True)
            forms.add("xml" if content.lstrip(b"\xef\xbb\xbf").startswith(b"<") else "signed")
            assert row["file_name"].endswith(".p7m") == (not content.lstrip(b"\xef\xbb\xbf").startswith(b"<"))
    assert forms == {"xml", "signed"}


def test_a_payload_agrees_with_its_row(api: InvoicetronicClient) -> None:
    for row in api.json("send", include_payload="true", page_size=200):
        if row["encoding"] == "Xml":
            assert f'versione="{row["format"]}"' in row["payload"]
            assert row["payload"].count("<FatturaElettronicaBody") == len(row["documents"])
            for document in row["documents"]:
                assert f">{document['number']}<" in row["payload"]
                assert f">{document['date'][:10]}<" in row["payload"]


def test_the_payload_route_serves_the_same_text_as_undeclared_utf_8(api: InvoicetronicClient) -> None:
    rows = api.json("receive", include_payload="true", page_size=100)
    row = next(row for row in rows if row["encoding"] == "Xml" and not row["payload"].isascii())
    response = api.get(f"receive/{row['id']}/payload")
    assert response.headers["Content-Type"] == "text/plain"
    assert response.content.decode() == row["payload"]


def test_a_missing_payload_is_answered_with_problem_details(api: InvoicetronicClient) -> None:
    assert api.get("receive/99999").content == b""
    response = api.get("receive/99999/payload")
    assert (response.status_code, response.json()["title"]) == (404, "Not Found")


def test_the_admin_can_set_any_payload(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    admin.update("receive", 5, {"payload": "<x/>", "encoding": "Xml"})
    assert api.get("receive/5/payload").text == "<x/>"
    assert api.json("receive/5")["payload"] == ""
