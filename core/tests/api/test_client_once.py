"""Requests that must not be carried out twice, as they cost money."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from conftest import CONCURRENCY
from singer_rest_core import body_of
from singer_rest_core.api.response_body import body_file
from singer_rest_core.errors import AccessRefused, ApiUnreachable, OutcomeUnknown, RequestFailed, StreamUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_api import LocalApi
    from werkzeug import Request

    from conftest import FakeClock

_OK: dict[str, Any] = {"paid": True}
_JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def _server_that_answers(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Send these bytes in turn, a connection each, and yield the URL and the requests that came."""
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for answer in (*answers, *[answers[-1]] * 20):
            connection, _ = listener.accept()
            with connection:
                request = connection.recv(65_536)
                if not request:
                    return
                received.append(request)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = threading.Thread(target=serve, args=[listener], daemon=True)
        server.start()
        yield f"http://127.0.0.1:{port}", received
        socket.create_connection(("127.0.0.1", port)).close()
        server.join()


@pytest.mark.parametrize("document", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1",
        _JSON + b"Content-Length: 90\r\n\r\n" + json.dumps(_OK).encode(),
        _JSON + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}",
        _JSON + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 500 Broken\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_a_lost_or_useless_answer_leaves_the_outcome_unknown_and_nothing_is_sent_again(
    api: LocalApi, clock: FakeClock, answer: bytes, *, document: bool
) -> None:
    with _server_that_answers(answer) as (url, received):
        client, request = api.client(api_url=url), HTTPRequest(f"{url}/export")
        with pytest.raises(OutcomeUnknown, match=r"^GET /export"):
            client.send_for_document(request, once=True) if document else client.send_once(request)
    assert len(received) == 1
    assert clock.waits == []


@pytest.mark.parametrize("body", [b"<html></html>", b'{"paid":', b'{"paid":}', b""])
def test_an_answer_that_is_not_json_leaves_the_outcome_unknown(api: LocalApi, body: bytes) -> None:
    api.respond(Response(body))
    with pytest.raises(OutcomeUnknown, match=r"answered 200 with a body that is not JSON$"):
        api.client().send_once(api.things())
    assert len(api.received) == 1


def test_an_answer_that_does_not_come_in_time_leaves_the_outcome_unknown(api: LocalApi) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(OutcomeUnknown, match=r"response timed out$"):
            api.client(api_url=url, request_timeout=0.05).send_once(HTTPRequest(f"{url}/export"))


def test_a_429_is_a_refusal_and_the_request_is_sent_again(api: LocalApi, clock: FakeClock) -> None:
    api.respond(*[api.json(429, {}, Retry_After="9")] * 3, _OK)
    assert body_of(api.client().send_once(api.things())) == _OK
    assert len(api.received) == 4
    assert len(clock.waits) == 3


def test_without_a_connection_nothing_was_carried_out_and_it_is_tried_again(api: LocalApi, clock: FakeClock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ApiUnreachable):
        api.client(api_url=url).send_once(HTTPRequest(f"{url}/export"))
    assert len(clock.waits) == 2


@pytest.mark.parametrize(
    ("status", "error"), [(401, AccessRefused), (402, RequestFailed), (403, StreamUnavailable), (404, RequestFailed)]
)
def test_a_refusal_is_no_unknown_outcome(api: LocalApi, status: int, error: type[Exception]) -> None:
    api.respond(api.json(status, {}))
    with pytest.raises(error) as refusal:
        api.client().send_once(api.things())
    assert not isinstance(refusal.value, OutcomeUnknown)
    assert len(api.received) == 1


def test_a_connection_that_idled_too_long_is_not_used(api: LocalApi) -> None:
    keep_alive = _JSON + b"Content-Length: 13\r\n\r\n" + b'{"paid":true}'
    with _server_that_answers(keep_alive) as (url, received):
        client = api.client(api_url=url)
        client.send(HTTPRequest(f"{url}/first"))
        # The server has closed the connection that it promised to keep.
        assert body_of(client.send_once(HTTPRequest(f"{url}/export"))) == _OK
    assert len(received) == 2


@CONCURRENCY
def test_no_request_is_carried_out_twice_whatever_happens_beside_it(api: LocalApi, concurrency: int) -> None:
    carried_out: list[str] = []
    lock = threading.Lock()

    def respond(request: Request) -> Response:
        number = int(request.args["n"])
        with lock:
            refused = number % 3 == 0 and f"refused {number}" not in carried_out
            carried_out.append(f"refused {number}" if refused else str(number))
        if refused:
            return api.json(429, {}, Retry_After="1")
        return [api.json(200, _OK), api.json(502, {}), Response("<html>"), Response(b'{"')][number % 4]

    api.server.expect_request("/things").respond_with_handler(respond)
    client = api.client()

    def send(number: int) -> bool:
        try:
            client.send_once(api.things(n=str(number)))
        except OutcomeUnknown:
            return False
        return True

    with ThreadPoolExecutor(concurrency) as pool:
        known = list(pool.map(send, range(32)))
    assert known == [number % 4 == 0 for number in range(32)]
    assert sorted(each for each in carried_out if each.isdigit()) == sorted(map(str, range(32)))


def test_a_document_may_be_requested_once_too(api: LocalApi) -> None:
    api.respond(Response(b"PK\x03\x04"))
    answer = api.client().send_for_document(api.things(), once=True)
    assert body_file(answer).read() == b"PK\x03\x04"
