"""The server refuses requests over the rate limit, delays responses by the latency, and logs every request."""

from __future__ import annotations

import asyncio
import http.client
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from bench.server.connection import Connection
from bench.server.process import running_server
from bench.server.service import Service
from sandbox.productive.api import CONTENT_TYPE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.server.process import RunningServer

HEADERS = {"X-Auth-Token": TOKEN, "Content-Type": CONTENT_TYPE}
PATH = "/productive/api/v2/invoices?page%5Bsize%5D=1"


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server() as started:
        yield started


def get(server: RunningServer, times: int, headers: dict[str, str]) -> list[tuple[int, str | None]]:
    """Return status and X-RateLimit-Reset of each response."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    responses = []
    for _ in range(times):
        connection.request("GET", PATH, headers=headers)
        response = connection.getresponse()
        response.read()
        responses.append((response.status, response.headers.get("X-RateLimit-Reset")))
    connection.close()
    return responses


def test_requests_over_the_rate_limit_are_refused_and_logged(server: RunningServer) -> None:
    server.reset(invoices=10, limit="3/10")
    responses = get(server, 5, HEADERS)
    assert [status for status, _ in responses] == [200, 200, 200, 429, 429]
    assert responses[0][1] is None
    assert 1 <= int(responses[3][1] or 0) <= 10
    assert [request.status for request in server.log()] == [200, 200, 200, 429, 429]


def test_without_a_rate_limit_nothing_is_refused(server: RunningServer) -> None:
    server.reset(invoices=10)
    assert {status for status, _ in get(server, 120, HEADERS)} == {200}


def test_a_wrong_token_is_refused(server: RunningServer) -> None:
    server.reset(invoices=10)
    assert get(server, 1, HEADERS | {"X-Auth-Token": "wrong"})[0][0] == 401


def test_a_reset_clears_the_log(server: RunningServer) -> None:
    server.reset(invoices=10)
    get(server, 2, HEADERS)
    server.reset(invoices=10)
    assert server.log() == []


class RecordingTransport(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        """Send nothing yet."""
        super().__init__()
        self.sent: list[bytes] = []
        self.socket = socket.socket()

    @override
    def get_extra_info(self, name: str, default: object = None) -> Any:
        return self.socket if name == "socket" else default

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent.append(bytes(data))


def test_half_of_the_latency_passes_before_a_request_is_logged_and_half_before_its_response() -> None:
    service = Service(invoices=10)
    service.reset({"latency_ms": "60"})
    waiting: list[tuple[float, Callable[..., None], tuple[object, ...]]] = []

    def call_later(seconds: float, function: Callable[..., None], *arguments: object) -> None:
        waiting.append((seconds, function, arguments))

    def pass_time() -> float:
        seconds, function, arguments = waiting.pop()
        function(*arguments)
        return seconds

    def logged() -> bytes:
        return service.answer("/bench/log", {}, "here")[1]

    transport = RecordingTransport()
    connection = Connection(service, call_later)
    with transport.socket:
        connection.connection_made(transport)
        head = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
        connection.data_received(f"GET {PATH} HTTP/1.1\r\n{head}\r\n".encode())
        assert logged() == b"[]"
        assert pass_time() == pytest.approx(0.03)
        assert PATH.partition("?")[0].encode() in logged()
        assert transport.sent == []
        assert pass_time() == pytest.approx(0.03)
        assert transport.sent[0].startswith(b"HTTP/1.1 200 OK\r\n")
        assert waiting == []
