"""Invoicetronic's keys, environments and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.admin_client import AdminError
from sandbox.tests.invoicetronic.client import LISTS, LIVE, TEST, InvoicetronicClient

if TYPE_CHECKING:
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


@pytest.mark.parametrize(("key", "password"), [(None, ""), ("wrong", ""), (LIVE, "secret")])
def test_only_a_valid_key_with_an_empty_password_is_accepted(
    sandbox: RunningSandbox, key: str | None, password: str
) -> None:
    response = InvoicetronicClient(sandbox.url, key, password).get("status")
    assert response.status_code == 401
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["WWW-Authenticate"] == "Basic"


@pytest.mark.parametrize("header", ["Basic !", "Basic /w==", "Bearer x", "Basic"])
def test_other_authorization_headers_are_refused(sandbox: RunningSandbox, header: str) -> None:
    response = InvoicetronicClient(sandbox.url, None, Authorization=header).get("status")
    assert response.status_code == 401


def test_health_needs_no_key(sandbox: RunningSandbox) -> None:
    assert InvoicetronicClient(sandbox.url, None).get("health").status_code == 200


def test_the_prefix_of_the_key_selects_the_environment(sandbox: RunningSandbox, api: InvoicetronicClient) -> None:
    test = InvoicetronicClient(sandbox.url, TEST)
    assert api.json("company", sort="id")[0]["vat"] != test.json("company", sort="id")[0]["vat"]
    assert test.get("company").headers["Invoicetronic-Total-Count"] == "4"


def test_a_restricted_key_reads_only_permitted_resources(
    sandbox: RunningSandbox, api: InvoicetronicClient, admin: SystemAdmin
) -> None:
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": {"send": "Read", "status": "Read"}}})
    reader = InvoicetronicClient(sandbox.url, "ik_live_reader", **{"Accept-Language": "en"})
    assert reader.ids("send") == api.ids("send")
    assert reader.json("status")["is_sub_key"] is True
    for path in ("receive", "receive/1", "receive/1/payload", "export", "subkey", "log"):
        refused = reader.get(path)
        assert refused.status_code == 403
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.json()["code"] == "subkey_not_allowed"
    assert refused.json()["detail"] == "The key has no access to log"
    assert api.json("status")["is_sub_key"] is False


def test_a_restricted_key_may_be_limited_to_companies(sandbox: RunningSandbox, admin: SystemAdmin) -> None:
    everything = dict.fromkeys(LISTS, "Read")
    admin.put("restricted_keys", {"ik_live_reader": {"permissions": everything, "company_ids": [3]}})
    reader = InvoicetronicClient(sandbox.url, "ik_live_reader")
    assert reader.ids("company") == [3]
    for name in ("send", "receive", "update"):
        assert {row["company_id"] for row in reader.all(name)} == {3}
    others = next(row["id"] for row in admin.records("send") if row["company_id"] != 3)
    assert reader.get(f"send/{others}").status_code == 404


def test_a_restricted_key_must_have_the_prefix_of_its_environment(admin: SystemAdmin) -> None:
    for key in ("ik_test_reader", "reader", LIVE):
        with pytest.raises(AdminError, match="ik_live_"):
            admin.put("restricted_keys", {key: {"permissions": {}}})


def test_only_get_is_answered(api: InvoicetronicClient) -> None:
    assert api.session.post(f"{api.root}/send", timeout=10).status_code == 405


def test_errors_are_in_italian_by_default(sandbox: RunningSandbox) -> None:
    details = [
        InvoicetronicClient(sandbox.url, LIVE, **headers).get("send", page=0).json()["detail"]
        for headers in ({"Accept-Language": ""}, {"Accept-Language": "de-AT,en;q=0.5"}, {"Accept-Language": "fr, en"})
    ]
    assert details == ["page: valore non valido", "page: ungültiger Wert", "page: invalid value"]


def test_errors_may_have_the_older_format(api: InvoicetronicClient, admin: SystemAdmin) -> None:
    admin.put("behaviour", {"problem_shape": "wrapped"})
    body = api.get("send", page=0).json()
    assert set(body) == {"problem_details", "content_type", "status_code"}
    assert body["problem_details"]["detail"] == "page: invalid value"
