"""The path of every request to one of the APIs: fault, latency, answer, log."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import traceback
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from sandbox.connection import TRANSPORT
from sandbox.credentials import account_of
from sandbox.request_log import LogEntry
from sandbox.wrong_answers import EarlierAnswers, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from sandbox.clock import Clock
    from sandbox.faults import Fault, Faults
    from sandbox.json_types import Json, JsonObject
    from sandbox.request_log import RequestLog

_FIRST_ERROR = 400
_PIECES = 8
"""So many pieces a dripping body comes in."""

NOT_JSON = b"<html><body><h1>Bad gateway</h1></body></html>"


@dataclass(frozen=True)
class ApiRequest:
    """A request as an API receives it.

    Attributes:
        method: The HTTP method.
        route: The path below the API's mount.
        url: The whole URL without its query.
        query: The decoded query, in the order sent.
        headers: The headers, with case-insensitive names.
        body: The body, empty in most requests.
        arrived: When it came, in the seconds that request windows count by; None if that does not matter.
    """

    method: str
    route: str
    url: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes = b""
    arrived: float | None = None


@dataclass(frozen=True)
class Reply:
    """An answer that is more than the JSON object of a 200.

    Attributes:
        body: Any JSON, or bytes that are sent as they are.
        status: The HTTP status.
        headers: Additional headers of this answer.
        media_type: The Content-Type; if None, the API's own for JSON, and none for bytes.
        seconds: Delay before it is sent; other requests are answered meanwhile.
    """

    body: Json | bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str | None = None
    seconds: float = 0.0


class ApiError(Exception):
    """An answer other than 200."""

    def __init__(
        self,
        status: int,
        body: JsonObject,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        """Create an error answer; without `media_type` it has the API's own Content-Type."""
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.media_type = media_type


class Api(Protocol):
    """One vendor's API. Subclasses may leave out `organization`, `credential` and `headers`."""

    media_type: str
    server_error: JsonObject
    """The body of a 500 caused by a defect of the sandbox."""

    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request carries a valid credential."""

    def organization(self, headers: Mapping[str, str]) -> str | None:  # noqa: ARG002 - a default
        """Return the organization or account of a request; None where the token alone determines it."""
        return None

    def credential(self, request: ApiRequest) -> str:  # noqa: ARG002 - a default
        """Return the credential of a request, which says whose rows it reads; empty if there is none."""
        return ""

    def answer(self, request: ApiRequest) -> JsonObject | Reply:
        """Return the body of a 200, or a whole reply.

        Raises:
            ApiError: The answer is an error.
        """

    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:  # noqa: ARG002 - a default
        """Return headers for every answer, errors and faults included, unless the answer already has them.

        Args:
            request: The request, which the request windows have counted.
            seconds: How long the answer took.
        """
        return {}

    def after_request(self, path: str) -> None:
        """Apply the changes that the admin has scheduled for after a request to `path`."""


class Gateway:
    """The ASGI application around one API."""

    def __init__(  # noqa: PLR0913 - each is another thing
        self,
        api: Api,
        clock: Clock,
        faults: Faults,
        log: RequestLog,
        latency_ms: int,
        *,
        on_answer: Callable[[str], None] = lambda _path: None,
        of_account: Callable[[str], Api | None] = lambda _account: None,
    ) -> None:
        """Serve `api`, each answer delayed by `latency_ms` milliseconds; the `Date` header follows `clock`.

        `on_answer` is called with the path of each answer once it is made, before the next one is. `of_account` returns
        the API with the rows of a further account, whose requests are answered by it.
        """
        self._own_api = api
        self._of_account = of_account
        self._on_answer = on_answer
        # For faults that answer with another page than the requested one.
        self._earlier = EarlierAnswers()
        self._clock = clock
        self._faults = faults
        self._log = log
        self._latency = latency_ms / 1000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        headers = request.headers
        query = request.query_params.multi_items()
        arrived = self._clock.monotonic()
        api_request = _api_request(request, query, await request.body(), arrived)
        account = account_of(self._own_api.credential(api_request))
        further_api = self._of_account(account) if account else None
        api = further_api or self._own_api
        entry = LogEntry(
            method=request.method,
            path=request.url.path,
            query=query,
            authenticated=api.is_authenticated(headers),
            organization=api.organization(headers),
            user_agent=headers.get("user-agent"),
            feature_flags=headers.get("x-feature-flags"),
            account=account,
        )
        self._log.add(entry)
        fault = self._faults.take(entry.path, unquote_plus(request.url.query), account)
        received = time.monotonic()
        await asyncio.sleep(self._latency / 2)
        if fault is not None:
            if fault.carried_out and (fault.kind == "drop" or _fault_response(fault) is not None):
                await _answer(api, api_request)
            if fault.kind == "drop":
                scope[TRANSPORT].abort()
                return
            await asyncio.sleep(fault.delay_ms / 1000)
        started = time.perf_counter()
        answer = _fault_response(fault) or await _answer(api, api_request)
        response = self._with_fault(answer, fault, f"{account}{entry.path}")
        if further_api is None:
            self._on_answer(entry.path)
        for name, value in api.headers(api_request, time.perf_counter() - started).items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("date", formatdate(self._clock.wall(), usegmt=True))
        # What the answer took to be made is part of its latency.
        await asyncio.sleep(max(0.0, received + self._latency - time.monotonic()))
        entry.status = response.status_code
        entry.content_length = len(response.body)
        kind = None if fault is None else fault.kind
        if kind == "truncate":
            await _send_half(response, scope, send)
        elif fault is not None and kind == "drip_ms":
            await _send_slowly(response, fault.drip_ms / 1000, send)
        else:
            await response(scope, receive, send)
        api.after_request(entry.path)

    def _with_fault(self, response: Response, fault: Fault | None, path: str) -> Response:
        if fault is None:
            if response.status_code < _FIRST_ERROR:
                self._earlier.keep(path, response)
            return response
        if fault.kind == "answer_of":
            return self._earlier.answer(path, fault.answer_of, response)
        return changed(response, fault)


async def _answer(api: Api, request: ApiRequest) -> Response:
    try:
        answer = api.answer(request)
    except ApiError as error:
        answer = Reply(error.body, error.status, error.headers, error.media_type)
    except Exception:  # noqa: BLE001 - a defect of the sandbox is answered with 500 and printed
        traceback.print_exc(file=sys.stderr)
        answer = Reply(api.server_error, 500)
    reply = answer if isinstance(answer, Reply) else Reply(answer)
    if reply.seconds:
        await asyncio.sleep(reply.seconds)
    if isinstance(reply.body, bytes):
        return Response(reply.body, reply.status, dict(reply.headers), reply.media_type)
    content = json.dumps(reply.body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, reply.status, dict(reply.headers), reply.media_type or api.media_type)


def _api_request(request: Request, query: Sequence[tuple[str, str]], body: bytes, arrived: float) -> ApiRequest:
    mount = cast("str", request.scope.get("root_path", ""))
    path = request.url.path
    return ApiRequest(
        method=request.method,
        route=path.removeprefix(mount),
        url=f"{request.url.scheme}://{request.url.netloc}{path}",
        query=query,
        headers=request.headers,
        body=body,
        arrived=arrived,
    )


def _fault_response(fault: Fault | None) -> Response | None:
    """Return the answer that a fault substitutes for the API's own, if it does."""
    if fault is None:
        return None
    if fault.kind == "status":
        return Response(fault.body, fault.status, dict(fault.headers), fault.headers.get("content-type", "text/plain"))
    if fault.kind == "not_json":
        return Response(NOT_JSON, 200, media_type="text/html")
    if fault.kind == "redirect_to":
        return Response(b"", 302, {"location": fault.redirect_to})
    return None


async def _send_slowly(response: Response, seconds: float, send: Send) -> None:
    """Send the body in pieces, with a pause before each."""
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    size = max(1, -(-len(response.body) // _PIECES))
    for start in range(0, len(response.body), size):
        await asyncio.sleep(seconds)
        piece = bytes(response.body[start : start + size])
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send_half(response: Response, scope: Scope, send: Send) -> None:
    """Announce the whole body, send half of it, and close the connection."""
    half = response.body[: len(response.body) // 2]
    await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await send({"type": "http.response.body", "body": bytes(half), "more_body": True})
    scope[TRANSPORT].close()
