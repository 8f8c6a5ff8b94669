"""The way every request to one of the APIs takes: fault, latency, answer, log."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from sandbox.connection import TRANSPORT
from sandbox.request_log import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from sandbox.faults import Fault, Faults
    from sandbox.json_types import JsonObject
    from sandbox.request_log import RequestLog

NOT_JSON = b"<html><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True)
class ApiRequest:
    """A request as an API sees it.

    Attributes:
        method: The HTTP method.
        route: The path below the API's mount.
        url: The whole URL without its query.
        query: The decoded query, in the order sent.
        headers: The headers, whatever the case of their names.
    """

    method: str
    route: str
    url: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, body: JsonObject, headers: Mapping[str, str] | None = None) -> None:
        """The answer's status, body and headers."""
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}


class Api(Protocol):
    """One vendor's API."""

    media_type: str

    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the valid credential."""

    def organization(self, headers: Mapping[str, str]) -> str | None:
        """The organization or account a request asks for."""

    def answer(self, request: ApiRequest) -> JsonObject:
        """The body of a 200.

        Raises:
            ApiError: Any other answer.
        """

    def after_request(self, path: str) -> None:
        """What the admin has ordered to happen once a request to `path` has been answered."""


class Gateway:
    """The ASGI application around one API."""

    def __init__(self, api: Api, faults: Faults, log: RequestLog, latency_ms: int) -> None:
        """Answer for `api`, each time after `latency_ms` milliseconds."""
        self._api = api
        self._faults = faults
        self._log = log
        self._latency = latency_ms / 1000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        headers = request.headers
        query = request.query_params.multi_items()
        entry = Entry(
            method=request.method,
            path=request.url.path,
            query=query,
            authenticated=self._api.is_authenticated(headers),
            organization=self._api.organization(headers),
            user_agent=headers.get("user-agent"),
            feature_flags=headers.get("x-feature-flags"),
        )
        self._log.add(entry)
        fault = self._faults.take(entry.path, unquote_plus(request.url.query))
        if self._latency:
            await asyncio.sleep(self._latency)
        if fault is not None and fault.kind == "drop":
            scope[TRANSPORT].abort()
            return
        if fault is not None and fault.kind == "delay_ms":
            await asyncio.sleep(fault.delay_ms / 1000)
        begun = time.perf_counter()
        response = _of_fault(fault) or self._answer(_api_request(request, query))
        response.headers["x-runtime"] = f"{time.perf_counter() - begun:.6f}"
        entry.status = response.status_code
        entry.content_length = len(response.body)
        if fault is not None and fault.kind == "truncate":
            await _send_half(response, scope, send)
        else:
            await response(scope, receive, send)
        self._api.after_request(entry.path)

    def _answer(self, request: ApiRequest) -> Response:
        try:
            return self._json(200, self._api.answer(request), {})
        except ApiError as error:
            return self._json(error.status, error.body, error.headers)
        except Exception:  # noqa: BLE001 - a defect of the sandbox is an answer too, and is shown to who runs it
            traceback.print_exc(file=sys.stderr)
            return self._json(500, {"errors": [{"status": "500", "title": "Server Error"}]}, {})

    def _json(self, status: int, body: JsonObject, headers: Mapping[str, str]) -> Response:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(content, status, dict(headers), self._api.media_type)


def _api_request(request: Request, query: Sequence[tuple[str, str]]) -> ApiRequest:
    mount = cast("str", request.scope.get("root_path", ""))
    path = request.url.path
    return ApiRequest(
        method=request.method,
        route=path.removeprefix(mount),
        url=f"{request.url.scheme}://{request.url.netloc}{path}",
        query=query,
        headers=request.headers,
    )


def _of_fault(fault: Fault | None) -> Response | None:
    """The answer that a fault puts in the place of the API's own."""
    if fault is None:
        return None
    if fault.kind == "status":
        return Response(fault.body, fault.status, dict(fault.headers), fault.headers.get("content-type", "text/plain"))
    if fault.kind == "not_json":
        return Response(NOT_JSON, 200, media_type="text/html")
    if fault.kind == "redirect_to":
        return Response(b"", 302, {"location": fault.redirect_to})
    return None


async def _send_half(response: Response, scope: Scope, send: Send) -> None:
    """Announce the whole body, send half of it and close."""
    half = response.body[: len(response.body) // 2]
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": bytes(half), "more_body": True})
    scope[TRANSPORT].close()
