"""Further accounts: the credential of a request says whose rows it reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.admin_client import AdminError
from sandbox.server import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.server import RunningSandbox

NAMES = ("acme", "beta_2")


def covage_token(sandbox: RunningSandbox, user: str) -> requests.Response:
    """Log in to Covage."""
    form = {
        "grant_type": "password",
        "client_id": "api-client",
        "username": user,
        "password": "sandbox-password",
    }
    return requests.post(f"{sandbox.url}/covage/auth/realms/covage/protocol/openid-connect/token", form, timeout=30)


def read(sandbox: RunningSandbox, system: str, account: str) -> requests.Response:
    """Request one list of a system with the credentials of an account."""
    end = f".{account}" if account else ""
    bearer = {"Authorization": f"Bearer sandbox-token{end}"}
    if system == "covage":
        bearer = {"Authorization": f"Bearer {covage_token(sandbox, f'sandbox-user{end}').json().get('access_token')}"}
    requested: Mapping[str, tuple[str, dict[str, Any]]] = {
        "productive": (
            "productive/api/v2/invoices",
            {"headers": {"X-Auth-Token": f"sandbox-token{end}", "X-Organization-Id": "1"}},
        ),
        "invobi": ("invobi/api/v1/invoices", {"headers": bearer}),
        "covage": ("covage/api/v1/invoice/", {"headers": bearer}),
        "2invoice": ("2invoice/clients", {"headers": bearer}),
        "invoicetronic": ("invoicetronic/v1/send", {"auth": (f"ik_test_sandbox{end}", "")}),
    }
    path, options = requested[system]
    return requests.get(f"{sandbox.url}/{path}", timeout=30, **options)


SYSTEMS = ("productive", "invobi", "covage", "2invoice", "invoicetronic")


@pytest.mark.parametrize("system", SYSTEMS)
def test_each_account_has_rows_of_its_own(sandbox: RunningSandbox, system: str) -> None:
    sandbox.admin.add_accounts(*NAMES)
    bodies = [read(sandbox, system, account) for account in ("", *NAMES)]
    assert [answer.status_code for answer in bodies] == [200, 200, 200]
    assert len({answer.text for answer in bodies}) == 3
    assert [entry["account"] for entry in sandbox.admin.requests() if entry["method"] == "GET"] == ["", *NAMES]


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_account_that_was_not_added_is_refused(sandbox: RunningSandbox, system: str) -> None:
    assert read(sandbox, system, "nobody").status_code == 401


def test_a_change_and_a_fault_are_of_one_account_alone(sandbox: RunningSandbox) -> None:
    sandbox.admin.add_accounts(*NAMES)
    acme = sandbox.admin.account("acme")
    before = {name: sandbox.admin.account(name).system("invobi").records("invoices") for name in NAMES}
    acme.system("invobi").create("invoices", {"title": "New"})
    acme.add_fault("*/invoices", status=500, times=9)
    assert len(acme.system("invobi").records("invoices")) == len(before["acme"]) + 1
    assert sandbox.admin.account("beta_2").system("invobi").records("invoices") == before["beta_2"]
    assert read(sandbox, "invobi", "acme").status_code == 500
    assert read(sandbox, "invobi", "beta_2").status_code == 200
    assert read(sandbox, "invobi", "").status_code == 200


def test_accounts_have_windows_of_their_own_and_those_of_a_group_share_them(sandbox: RunningSandbox) -> None:
    sandbox.admin.set_limits([{"scope": "token", "limit": 2, "period": 600}], system="invobi")
    group = [{"name": name, "scale": 0.1, "quota_group": "office"} for name in ("one", "two")]
    sandbox.admin.add_accounts(*NAMES, *group)
    codes = {name: [read(sandbox, "invobi", name).status_code for _ in range(3)] for name in NAMES}
    assert set(map(tuple, codes.values())) == {(200, 200, 429)}
    assert [read(sandbox, "invobi", name).status_code for name in ("one", "two", "one", "two")] == [200, 200, 429, 429]


def test_accounts_are_named_at_the_start_and_kept_by_a_reset() -> None:
    with running_sandbox(scale=0.1, accounts=["acme"]) as sandbox:
        first = read(sandbox, "invobi", "acme").text
        sandbox.admin.account("acme").system("invobi").create("invoices")
        sandbox.admin.add_accounts("beta")
        sandbox.admin.reset()
        assert read(sandbox, "invobi", "acme").text == first
        assert read(sandbox, "invobi", "beta").status_code == 401
        with pytest.raises(AdminError, match="there is no account beta"):
            sandbox.admin.account("beta").system("invobi").records("invoices")
        with pytest.raises(AdminError, match="no name of an account"):
            sandbox.admin.add_accounts("a.b")
