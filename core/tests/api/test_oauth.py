"""Logins by password: how often, with what, and the errors when they fail."""

from __future__ import annotations

import json
import logging
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
import requests
from werkzeug import Response

from conftest import CONCURRENCY
from singer_rest_core import AccessRefused, RunEnded
from singer_rest_core.api.oauth import Login, PasswordGrant
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Window
from singer_rest_core.clock import Clock
from singer_rest_core.errors import ApiUnreachable
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from local_api import LocalApi
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from conftest import FakeClock

PASSWORD = "pä ss&word"


class TokenServer:
    """Issues numbered tokens, and counts them by grant type."""

    def __init__(self, server: HTTPServer, **more: object) -> None:
        """Respond at `/token`; `more` is added to every response."""
        self.url = server.url_for("/token")
        self.grants: Counter[str] = Counter()
        self.forms: list[dict[str, str]] = []
        self.more: dict[str, Any] = {"expires_in": 300, "refresh_expires_in": 1800} | more
        self.refused: dict[str, Response] = {}
        server.expect_request("/token", method="POST").respond_with_handler(self._respond)

    def _respond(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.get_data().decode()).items()}
        self.forms.append(form)
        if form["grant_type"] in self.refused:
            return self.refused[form["grant_type"]]
        self.grants[form["grant_type"]] += 1
        number = self.grants.total()
        tokens = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}", "token_type": "Bearer"}
        return Response(json.dumps({**tokens, **self.more}), content_type="application/json")


def grant_of(url: str, clock: Clock) -> PasswordGrant:
    login = Login(
        token_url=url,
        url_setting="auth_url",
        client_id="the-client",
        username="somebody",
        password=PASSWORD,
        user_agent="a test",
        request_timeout=5,
        max_wait=60,
        refusal_hint="Check username and password",
        not_found_hint="Check auth_url and realm",
    )
    return PasswordGrant(login, logging.getLogger("test"), clock=clock)


def authorized(grant: PasswordGrant) -> requests.PreparedRequest:
    return grant.authenticate(requests.Request("GET", "https://api.example.com/").prepare())


def bearer(grant: PasswordGrant) -> str:
    return str(authorized(grant).headers["Authorization"])


@CONCURRENCY
def test_a_token_that_expires_while_requests_wait_for_the_limits_is_renewed_and_never_refused(
    api: LocalApi, httpserver: HTTPServer, concurrency: int
) -> None:
    real = Clock()
    lifetime, issued, statuses = 1.6, dict[str, float](), list[int]()

    def issue(_: Request) -> Response:
        token = f"access-{len(issued)}"
        issued[token] = real.monotonic()
        return Response(json.dumps({"access_token": token, "expires_in": lifetime}), content_type="application/json")

    def respond(request: Request) -> Response:
        age = real.monotonic() - issued[request.headers["Authorization"].removeprefix("Bearer ")]
        statuses.append(200 if age < lifetime else 401)
        return api.json(statuses[-1], {})

    httpserver.expect_request("/token").respond_with_handler(issue)
    httpserver.expect_request("/things").respond_with_handler(respond)
    grant = grant_of(httpserver.url_for("/token"), real)
    limiter = RateLimiter({"": [Window(8, 0.8)]}, clock=real)
    client = api.client(authenticate=grant.authenticate, renew_credentials=grant.renew, rate_limiter=limiter)

    with ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(lambda number: client.send(api.things(n=str(number))), range(32)))

    assert statuses == [200] * 32
    assert 2 <= len(issued) <= 5


def refusal(status: int, error: str, description: str) -> Response:
    return Response(json.dumps({"error": error, "error_description": description}), status)


def test_a_token_is_used_until_shortly_before_it_expires(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    grant = grant_of(server.url, clock)

    assert [bearer(grant), bearer(grant)] == ["Bearer access-1", "Bearer access-1"]
    clock.advance(269)
    assert bearer(grant) == "Bearer access-1"
    clock.advance(2)
    assert bearer(grant) == "Bearer access-2"
    assert server.forms == [
        {"grant_type": "password", "client_id": "the-client", "username": "somebody", "password": PASSWORD},
        {"grant_type": "refresh_token", "client_id": "the-client", "refresh_token": "refresh-1"},
    ]


def test_a_short_lived_token_is_used_for_most_of_its_lifetime(httpserver: HTTPServer, clock: FakeClock) -> None:
    grant = grant_of(TokenServer(httpserver, expires_in="8").url, clock)

    assert bearer(grant) == "Bearer access-1"
    clock.advance(5)
    assert bearer(grant) == "Bearer access-1"
    clock.advance(2)
    assert bearer(grant) == "Bearer access-2"


def test_the_password_is_sent_again_when_the_refresh_token_has_expired(
    httpserver: HTTPServer, clock: FakeClock
) -> None:
    server = TokenServer(httpserver)
    grant = grant_of(server.url, clock)
    bearer(grant)

    clock.advance(1800)
    bearer(grant)

    assert server.grants == {"password": 2}


def test_the_password_is_sent_again_when_the_refresh_token_is_refused(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    grant = grant_of(server.url, clock)
    bearer(grant)
    for status in (400, 401, 403):
        server.refused["refresh_token"] = refusal(status, "invalid_grant", "Session not active")
        clock.advance(290)

        bearer(grant)

    assert server.grants == {"password": 4}


def test_a_refresh_token_is_used_until_there_is_a_new_one(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    grant = grant_of(server.url, clock)
    bearer(grant)
    server.more |= {"refresh_token": None}
    for _ in range(3):
        clock.advance(290)

        bearer(grant)

    assert server.grants == {"password": 1, "refresh_token": 3}
    assert {form["refresh_token"] for form in server.forms[1:]} == {"refresh-1"}
    clock.advance(1800 - 3 * 290)
    bearer(grant)
    assert server.grants["password"] == 2


@pytest.mark.parametrize("more", [{"refresh_expires_in": 0}, {"refresh_expires_in": None}])
def test_a_refresh_token_may_never_expire(httpserver: HTTPServer, clock: FakeClock, more: dict[str, object]) -> None:
    server = TokenServer(httpserver, **more)
    grant = grant_of(server.url, clock)
    bearer(grant)
    clock.advance(1e6)

    bearer(grant)

    assert server.grants == {"password": 1, "refresh_token": 1}


def test_a_token_without_a_lifetime_is_renewed_when_it_is_refused(httpserver: HTTPServer, clock: FakeClock) -> None:
    grant = grant_of(TokenServer(httpserver, expires_in=None).url, clock)
    request = authorized(grant)
    clock.advance(1e6)
    assert bearer(grant) == "Bearer access-1"

    assert grant.renew(request)

    assert bearer(grant) == "Bearer access-2"


def test_one_login_serves_all_requests_that_are_refused_at_once(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    grant = grant_of(server.url, clock)
    refused = [authorized(grant) for _ in range(16)]
    threads = [threading.Thread(target=grant.renew, args=(request,)) for request in refused]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert server.grants == {"password": 1, "refresh_token": 1}
    assert bearer(grant) == "Bearer access-2"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            refusal(401, "invalid_grant", "Invalid user credentials"),
            "POST /token answered 401: invalid_grant: Invalid user credentials. Check username and password",
        ),
        (
            refusal(400, "unauthorized_client", "Client not enabled"),
            "POST /token answered 400: unauthorized_client: Client not enabled. Check username and password",
        ),
        (
            refusal(403, "no", f"{PASSWORD} is wrong"),
            "POST /token answered 403: no: *** is wrong. Check username and password",
        ),
        (
            Response('{"error": "Realm does not exist"}', 404),
            "POST /token answered 404: Realm does not exist. Check auth_url and realm",
        ),
        (Response('{"token": 1}'), "answered without an access_token. Check auth_url and realm"),
        (Response("[]"), "answered without an access_token. Check auth_url and realm"),
    ],
)
def test_a_refused_login_ends_the_run_with_one_line(
    httpserver: HTTPServer, clock: FakeClock, response: Response, expected: str
) -> None:
    server = TokenServer(httpserver)
    server.refused["password"] = response

    with pytest.raises(AccessRefused) as caught:
        bearer(grant_of(server.url, clock))

    assert str(caught.value).endswith(expected)
    assert PASSWORD not in str(caught.value)
    assert len(server.forms) == 1


def test_a_failing_endpoint_is_retried(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    server.refused["password"] = Response("oops", 503)

    with pytest.raises(RunEnded, match=r"POST /token answered 503: .* \(6 tries\)"):
        bearer(grant_of(server.url, clock))

    assert len(server.forms) == 6


def test_an_endpoint_that_cannot_be_reached_is_named_with_its_setting(clock: FakeClock) -> None:

    with pytest.raises(ApiUnreachable, match=r"127\.0\.0\.1:9 cannot be reached: .*Check auth_url and the network"):
        bearer(grant_of("http://127.0.0.1:9/token", clock))


def test_the_password_does_not_follow_a_redirect_to_another_origin(httpserver: HTTPServer, clock: FakeClock) -> None:
    server = TokenServer(httpserver)
    server.refused["password"] = Response("", 307, {"Location": "https://elsewhere.example.com/token"})

    with pytest.raises(RunEnded, match=r"leads to elsewhere\.example\.com: .*set auth_url"):
        bearer(grant_of(server.url, clock))


def test_the_secrets_are_updated_with_each_renewal(httpserver: HTTPServer, clock: FakeClock) -> None:
    grant = grant_of(TokenServer(httpserver).url, clock)
    secrets = grant.secrets
    bearer(grant)
    clock.advance(290)
    bearer(grant)

    line = redact(f"{PASSWORD} access-1 refresh-1 access-2 refresh-2", secrets)

    assert line == "*** *** *** *** ***"
    assert "access-2" not in repr(vars(grant)["_token"])
    clock.advance(290)
    bearer(grant)
    assert len(secrets) == 5
