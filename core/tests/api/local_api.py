"""Shared by the tests of the API client: a local API with a client for it."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core import RequestFailed, RunEnded, StreamUnavailable
from singer_rest_core.api.client import ApiClient
from singer_rest_core.api.client_options import ClientOptions
from singer_rest_core.api.rate_limit import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from werkzeug import Request

    from conftest import FakeClock

TOKEN = "tok-5ecret-0123456789"


class LocalApi:
    """An API at a local server, and clients for it."""

    def __init__(self, server: HTTPServer, clock: FakeClock) -> None:
        """Respond to nothing yet."""
        self.server = server
        self.token = TOKEN
        self.received: list[Request] = []
        """The requests for `/things` so far."""
        self.options = ClientOptions(
            api_url=server.url_for("/"),
            authenticate=_authenticate,
            user_agent="tap-x/1",
            request_timeout=5,
            max_wait=600,
            secrets=[TOKEN],
            refusal_hint="Check auth_token",
            rate_limiter=RateLimiter({}, clock=clock),
            group_of=lambda _request: "",
            renew_credentials=lambda _refused: False,
        )
        self._clock = clock

    def respond(self, *responses: Response | dict[str, Any], server: HTTPServer | None = None) -> None:
        """Respond to requests for `/things` as listed, with the last response forever; a dict is sent as JSON."""
        before = len(self.received)

        def handler(request: Request) -> Response:
            self.received.append(request)
            response = responses[min(len(self.received) - before, len(responses)) - 1]
            return response if isinstance(response, Response) else self.json(200, response)

        (server or self.server).expect_request("/things").respond_with_handler(handler)

    @staticmethod
    def json(status: int, body: object, **headers: str) -> Response:
        """Return a response; underscores in the names of headers become hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Response(json.dumps(body), status=status, headers=named, content_type="application/json")

    @staticmethod
    @contextmanager
    def raw_responses(*responses: bytes) -> Iterator[str]:
        """Send these bytes in turn, a connection each, and yield the URL; werkzeug would correct them."""

        def serve(listener: socket.socket) -> None:
            for response in responses:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(response)

        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = threading.Thread(target=serve, args=[listener], daemon=True)
            server.start()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            server.join()

    def client(self, kind: type[ApiClient] = ApiClient, **changes: Any) -> ApiClient:  # noqa: ANN401 - any option
        """Return a client with some options changed; its jitter is always at its maximum."""
        options = replace(self.options, **changes)
        return kind(options, logging.getLogger("tap-x"), clock=self._clock, uniform=max)

    def things(self, **params: str) -> HTTPRequest:
        """Return a request for `/things`."""
        url = self.server.url_for("/things")
        return HTTPRequest(url, params=dict(params), headers={"Accept": "application/json"})

    def get(self, **changes: Any) -> requests.Response:  # noqa: ANN401 - any option
        """Request `/things` by a client with some options changed."""
        return self.client(**changes).send(self.things())

    def error(self, client: ApiClient | None = None, request: HTTPRequest | None = None) -> str:
        """Send a request that fails, and return the message of the error: one line without the token."""
        with pytest.raises((RequestFailed, RunEnded, StreamUnavailable)) as failure:
            (client or self.client()).send(request or self.things())
        line = str(failure.value)
        assert "\n" not in line
        assert TOKEN not in line
        return line


def _authenticate(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["X-Auth-Token"] = TOKEN
    return request


@pytest.fixture
def api(httpserver: HTTPServer, clock: FakeClock) -> LocalApi:
    """A local API that responds to nothing yet."""
    return LocalApi(httpserver, clock)


@pytest.fixture(scope="module")
def second_server() -> Iterator[HTTPServer]:
    """Another local server, for all tests of a module."""
    with HTTPServer() as server:
        yield server


@pytest.fixture
def other_server(second_server: HTTPServer) -> HTTPServer:
    """A server of another origin, which has received nothing yet."""
    second_server.clear()
    return second_server
