"""Where the client sends requests: redirects, other origins, proxies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core import body_of
from singer_rest_core.errors import ForeignOrigin

if TYPE_CHECKING:
    from pathlib import Path

    from local_api import LocalApi
    from pytest_httpserver import HTTPServer
    from werkzeug import Request


_OK: dict[str, Any] = {"data": [1]}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_the_credentials(api: LocalApi, status: int) -> None:
    api.respond(Response(status=status, headers={"Location": "/moved?page=2"}))
    seen: list[Request] = []

    def moved(request: Request) -> Response:
        seen.append(request)
        return api.json(200, _OK)

    api.server.expect_request("/moved").respond_with_handler(moved)
    assert body_of(api.client().send(api.things(page="1"))) == _OK
    assert [request.args.to_dict() for request in seen] == [{"page": "2"}]
    assert seen[0].headers["X-Auth-Token"] == api.token


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_that_server_gets_no_request(
    api: LocalApi, other_server: HTTPServer, status: int
) -> None:
    other_server.expect_request("/things").respond_with_json(_OK)
    api.respond(Response(status=status, headers={"Location": other_server.url_for("/things")}))
    with pytest.raises(ForeignOrigin, match=f"leads to localhost:{other_server.port}: the token is only sent to"):
        api.get()
    assert other_server.log == []


@pytest.mark.parametrize(
    "location",
    [
        "//{host}:{port}/things",
        "https://localhost:{own}/things",
        "http://{token}@x/",
        "http://{host}:{port}#@localhost:{own}/things",
    ],
)
def test_no_spelling_of_a_redirect_leaves_the_origin_or_repeats_the_token(
    api: LocalApi, other_server: HTTPServer, location: str
) -> None:
    target = location.format(host=other_server.host, port=other_server.port, own=api.server.port, token=api.token)
    api.respond(Response(status=302, headers={"Location": target}))
    assert "leads to" in api.error()
    assert other_server.log == []


@pytest.mark.parametrize(
    "url",
    [
        "http://{host}:{other}/things",
        # Our parser reads the last host, the one of requests the first.
        "http://{host}:{other}\\@{host}:{own}/things",
        "http://{host}:{other}#@{host}:{own}/things",
        "http://{host}:{own}@{host}:{other}/things",
    ],
)
def test_a_request_to_another_origin_is_not_sent(api: LocalApi, other_server: HTTPServer, url: str) -> None:
    spelled = url.format(host=api.server.host, own=api.server.port, other=other_server.port)
    with pytest.raises(ForeignOrigin):
        api.client().send(HTTPRequest(spelled))
    assert other_server.log == []


@pytest.mark.parametrize("location", ["https://localhost:99999/", "http://localhost:abc/"])
def test_a_redirect_to_an_invalid_url_ends_the_stream(api: LocalApi, location: str) -> None:
    with api.raw_responses(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        line = api.error(api.client(api_url=url), HTTPRequest(f"{url}/things"))
    assert line == "GET /things is redirected to an invalid URL"


def test_circular_redirects_end_the_stream(api: LocalApi) -> None:
    api.respond(Response(status=302, headers={"Location": "/things"}))
    assert api.error() == "GET /things is redirected more than 5 times"
    assert len(api.received) == 6


def test_requests_to_this_machine_bypass_the_proxy_of_the_environment(
    api: LocalApi, other_server: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other_server.url_for("/"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    api.respond(_OK)

    assert body_of(api.get()) == _OK
    assert other_server.log == []


def test_a_netrc_file_does_not_replace_the_credentials(
    api: LocalApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    api.respond(_OK)
    api.get()
    assert "Authorization" not in api.received[0].headers
