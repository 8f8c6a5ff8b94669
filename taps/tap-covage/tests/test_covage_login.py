"""How tap-covage logs in: once where possible, again where necessary, and without showing its secrets."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import requests

from conftest import read
from singer_rest_core import AccessRefused
from singer_rest_core.errors import ApiUnreachable
from tap_covage.tap import TapCovage, token_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, Reading
    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox


def run(settings: dict[str, Any], select: str = "*", **more: object) -> Reading:
    return read(TapCovage, settings | more, select=select)


@pytest.fixture
def let_each_answer_take(clock_of_both: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Lets so many seconds pass with each answer of the API, for the tap and the sandbox."""

    def take(seconds: float) -> None:
        monkeypatch.setattr(TapCovage, "on_response", lambda _tap, _answer: clock_of_both.advance(seconds))

    return take


def test_one_login_serves_the_whole_run(covage: SystemAdmin, covage_settings: dict[str, Any]) -> None:
    assert run(covage_settings, concurrency=16).error is None
    assert covage.get("logins") == {"password": 1, "refresh_token": 0, "refused": 0}


def test_a_token_is_renewed_before_it_ends(
    sandbox: RunningSandbox,
    covage: SystemAdmin,
    covage_settings: dict[str, Any],
    let_each_answer_take: Callable[[float], None],
) -> None:
    covage.put("tokens", {"expires_in": 300, "refresh_expires_in": 1800})
    let_each_answer_take(30)

    reading = run(covage_settings, "invoices", page_size=5, concurrency=1)

    assert reading.error is None
    assert len(reading.records["invoices"]) == 150
    assert {request["status"] for request in sandbox.admin.requests()} == {200}
    logins = covage.get("logins")
    assert logins["refused"] == 0
    assert logins["password"] == 1
    assert logins["refresh_token"] >= 2


@pytest.mark.parametrize("refresh_tokens", [False, True])
def test_a_token_that_is_dead_before_its_time_is_renewed_once(
    sandbox: RunningSandbox,
    covage: SystemAdmin,
    covage_settings: dict[str, Any],
    let_each_answer_take: Callable[[float], None],
    *,
    refresh_tokens: bool,
) -> None:
    let_each_answer_take(0.01)
    covage.put("tokens", {"requests_per_token": 7, "refresh_expires_in": 1800 if refresh_tokens else 0.001})

    reading = run(covage_settings, "invoices orders quotes", page_size=5, concurrency=1)

    assert reading.error is None
    assert len(reading.records["invoices"]) == 150
    assert len(reading.records["orders"]) == 60
    statuses = [request["status"] for request in sandbox.admin.requests()]
    assert statuses.count(401) == 4  # in the middle of a list, and never twice in a row
    assert covage.get("logins") == (
        {"password": 1, "refresh_token": 4, "refused": 0}
        if refresh_tokens
        else {"password": 5, "refresh_token": 0, "refused": 0}
    )


def test_many_requests_that_are_refused_at_once_make_one_login(
    covage: SystemAdmin, covage_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    documents = str(tmp_path_factory.mktemp("documents"))
    covage.put("tokens", {"requests_per_token": 60})

    reading = run(covage_settings, "invoices invoice_documents", concurrency=8, documents_url=documents)

    assert reading.error is None
    assert len(reading.records["invoice_documents"]) == 150
    assert covage.get("logins") == {"password": 1, "refresh_token": 2, "refused": 0}


@pytest.mark.parametrize("uses", [3, 5])
def test_tokens_that_are_used_up_at_once_by_requests_side_by_side_do_not_end_the_run(
    covage: SystemAdmin, covage_settings: dict[str, Any], uses: int
) -> None:
    covage.put("tokens", {"requests_per_token": uses})

    reading = run(covage_settings, concurrency=8)

    assert reading.error is None
    assert len(reading.records["invoices"]) == 150
    streams = TapCovage(config=covage_settings).streams.values()
    whole = {stream.name for stream in streams if stream.selected and not stream.replication_key}
    assert {message["stream"] for message in reading.of("ACTIVATE_VERSION")} == whole


def test_a_session_that_was_ended_is_replaced_by_a_new_login(
    sandbox: RunningSandbox, covage: SystemAdmin, covage_settings: dict[str, Any]
) -> None:
    body = '{"detail": "Token is invalid or expired"}'
    sandbox.admin.add_fault("*/invoice/", query="cursor", status=401, body=body)
    sandbox.admin.add_fault("*/token", skip=1, status=400, body='{"error": "invalid_grant"}')

    reading = run(covage_settings, "invoices", page_size=50)

    assert reading.error is None
    assert len(reading.records["invoices"]) == 150
    assert covage.get("logins")["password"] == 2


def test_a_token_that_is_refused_again_ends_the_run(sandbox: RunningSandbox, covage_settings: dict[str, Any]) -> None:
    sandbox.admin.add_fault("*/catalog/category/", times=2, status=401, body='{"detail": "Token is invalid"}')

    reading = run(covage_settings)

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error) == (
        "GET /covage/api/v1/catalog/category/ answered 401: Token is invalid. "
        "The login was accepted, but not its token: check that api_url and auth_url belong together"
    )
    assert not reading.of("RECORD")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"password": "wr0ng"},
            (
                "POST /covage/auth/realms/covage/protocol/openid-connect/token answered 401: invalid_grant: "
                "Invalid user credentials. Check username, password and client_id"
            ),
        ),
        (
            {"client_id": "other"},
            (
                "POST /covage/auth/realms/covage/protocol/openid-connect/token answered 401: invalid_client: "
                "Invalid client or Invalid client credentials. Check username, password and client_id"
            ),
        ),
        (
            {"realm": "other realm"},
            (
                "POST /covage/auth/realms/other%20realm/protocol/openid-connect/token answered 404: "
                "Realm does not exist. Check auth_url and realm"
            ),
        ),
    ],
)
def test_a_login_that_is_refused_ends_the_run_with_one_line(
    sandbox: RunningSandbox, covage_settings: dict[str, Any], change: dict[str, Any], expected: str
) -> None:
    reading = run(covage_settings | change, concurrency=8)

    assert isinstance(reading.error, AccessRefused)
    assert str(reading.error) == expected
    assert not reading.of("RECORD")
    assert len(sandbox.admin.requests()) == 1


def test_a_keycloak_that_cannot_be_reached_is_named_with_its_setting(covage_settings: dict[str, Any]) -> None:

    reading = run(covage_settings, auth_url="http://127.0.0.1:9")

    assert isinstance(reading.error, ApiUnreachable)
    assert str(reading.error) == ("127.0.0.1:9 cannot be reached: Connection refused. Check auth_url and the network")


def test_neither_password_nor_token_reaches_log_or_messages(
    sandbox: RunningSandbox, covage: SystemAdmin, covage_settings: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    covage.put("tokens", {"requests_per_token": 5})
    # Tokens are numbered: the one after this one is the tap's first, which is renewed once.
    form = {"grant_type": "password", "client_id": "api-client", "username": "sandbox-user"}
    url = token_url(covage_settings["auth_url"], "covage")
    token = requests.post(url, data=form | {"password": "sandbox-password"}, timeout=5).json()["access_token"]
    number = int(token.rpartition("-")[2])
    echo = f"covage-access-{number + 2:06} after covage-access-{number + 1:06} of sandbox-password"
    sandbox.admin.add_fault("*/quote/", status=400, body=json.dumps({"detail": echo}))

    reading = run(covage_settings, "invoices projects quotes", page_size=20, concurrency=1)

    assert "quotes" in str(reading.error)
    output = caplog.text + str(reading.messages)
    assert "answered 400: *** after *** of ***" in output
    assert covage.get("logins") == {"password": 2, "refresh_token": 1, "refused": 0}
    for secret in ("sandbox-password", "covage-access", "covage-refresh"):
        assert secret not in output


@pytest.mark.parametrize(
    ("auth_url", "expected"),
    [
        ("https://sso.example.com", "https://sso.example.com/auth/realms/covage/protocol/openid-connect/token"),
        ("https://sso.example.com/", "https://sso.example.com/auth/realms/covage/protocol/openid-connect/token"),
        ("https://sso.example.com/auth/", "https://sso.example.com/auth/realms/covage/protocol/openid-connect/token"),
        ("https://sso.example.com/realms/x/token", "https://sso.example.com/realms/x/token"),
    ],
)
def test_the_token_endpoint_is_below_the_root_of_keycloak(auth_url: str, expected: str) -> None:
    assert token_url(auth_url, "covage") == expected
