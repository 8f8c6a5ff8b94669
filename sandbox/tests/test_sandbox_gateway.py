"""The gateway, with an API of any kind behind it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount
from typing_extensions import override

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.gateway import Api, ApiError, Gateway, Reply
from sandbox.request_log import RequestLog
from sandbox.server import Server, listen, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox.gateway import ApiRequest
    from sandbox.json_types import JsonObject


class ScriptedApi(Api):
    """An API with scripted replies."""

    media_type = "application/json"
    server_error: JsonObject = {"oh": "no"}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        """Start without replies."""
        self.replies: dict[str, JsonObject | Reply | ApiError] = {}
        self.requests_received: list[ApiRequest] = []

    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-key") == "key"

    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
        return {"x-own": request.route, "x-seconds": str(seconds >= 0)}

    @override
    def after_request(self, path: str) -> None: ...

    def answer(self, request: ApiRequest) -> JsonObject | Reply:
        self.requests_received.append(request)
        reply = self.replies[request.route]
        if isinstance(reply, ApiError):
            raise reply
        return reply


@contextmanager
def served(api: ScriptedApi, faults: Faults, log: RequestLog) -> Iterator[str]:
    ready = threading.Event()
    server = Server(Starlette(routes=[Mount("/scripted", app=Gateway(api, Clock(), faults, log, 0))]), ready.set)
    with listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert ready.wait(10)
        yield f"{url_of(listener)}/scripted"
        server.should_exit = True
        thread.join(5)


@pytest.fixture
def api() -> ScriptedApi:
    return ScriptedApi()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def log() -> RequestLog:
    return RequestLog()


@pytest.fixture
def url(api: ScriptedApi, faults: Faults, log: RequestLog) -> Iterator[str]:
    with served(api, faults, log) as address:
        yield address


@pytest.mark.parametrize("body", [{"a": 1}, [1, "é", None], "text", None, []])
def test_any_json_is_an_answer(api: ScriptedApi, url: str, body: object) -> None:
    api.replies["/x"] = Reply(json.loads(json.dumps(body)))
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.json(), answer.headers["Content-Type"]) == (body, "application/json")


@pytest.mark.parametrize("media_type", ["application/pdf", "application/xml", "application/zip", None])
def test_bytes_are_sent_as_they_are(api: ScriptedApi, url: str, media_type: str | None) -> None:
    api.replies["/x"] = Reply(b"\x00\xff<a/>", media_type=media_type)
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.content, answer.headers.get("Content-Type")) == (b"\x00\xff<a/>", media_type)


def test_an_answer_may_be_empty_and_have_its_own_headers(api: ScriptedApi, url: str) -> None:
    api.replies["/x"] = Reply(b"", 204, {"X-Own": "mine", "X-More": "1"})
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (answer.headers["X-Own"], answer.headers["X-More"]) == ("mine", "1")


def test_an_error_may_have_another_media_type(api: ScriptedApi, url: str) -> None:
    api.replies["/x"] = ApiError(403, {"code": 7}, media_type="application/problem+json")
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.json()) == (403, {"code": 7})
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_every_answer_has_the_apis_headers_unless_a_fault_sets_them(api: ScriptedApi, faults: Faults, url: str) -> None:
    api.replies = {"/x": {}, "/y": ApiError(404, {})}
    assert requests.get(f"{url}/x", timeout=5).headers["x-own"] == "/x"
    assert requests.get(f"{url}/y", timeout=5).headers["x-own"] == "/y"
    faults.add(Fault("*/x", "status", status=503))
    faults.add(Fault("*/x", "status", status=503, headers={"X-Own": "fault"}))
    assert [requests.get(f"{url}/x", timeout=5).headers["x-own"] for _ in range(2)] == ["/x", "fault"]


def test_a_posted_body_arrives_and_is_not_logged(api: ScriptedApi, log: RequestLog, url: str) -> None:
    api.replies["/x"] = {}
    requests.post(f"{url}/x?a=1", data={"password": "hidden words"}, headers={"X-Key": "key"}, timeout=5)
    (request,), (entry,) = api.requests_received, log.as_json()
    assert (request.method, request.body, request.query) == ("POST", b"password=hidden+words", [("a", "1")])
    assert "hidden" not in json.dumps(entry)
    assert (entry["authenticated"], entry["organization"], entry["feature_flags"]) == (True, None, None)


def test_a_defect_of_the_sandbox_is_a_500_in_the_apis_format(
    api: ScriptedApi, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert api.replies == {}
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.json()) == (500, {"oh": "no"})
    assert "KeyError: '/x'" in capfd.readouterr().err
