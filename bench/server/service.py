"""Answers requests, refuses those over the rate limit, and keeps a log of both.

Besides the API there are two paths for the benchmark:

    GET /bench/log      the requests since the last reset: [seconds, path, status]
    GET /bench/reset    clear the log, and serve as the query says: invoices, list_rows, latency_ms, limit (100/10)
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from bench.server.invoice_rows import LARGEST_PAGE
from bench.server.responses import Responses
from sandbox.clock import Clock
from sandbox.gateway import ApiError
from sandbox.limits import RequestWindows, Window
from sandbox.productive import errors
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD

if TYPE_CHECKING:
    from collections.abc import Mapping

API_PATH = "/productive/api/v2/"


class Service:
    """The API and its log of requests; without latency and rate limit until the first reset.

    Args:
        invoices: Length of the list of invoices.
    """

    def __init__(self, invoices: int) -> None:
        """Generate what is served."""
        self._responses = Responses(invoices=invoices)
        self._windows = RequestWindows(Clock(), ())
        self._log: list[tuple[float, str, int]] = []
        self.latency = 0.0
        """Seconds that a request takes."""

    def answer(self, target: str, headers: Mapping[str, str], host: str) -> tuple[int, bytes, dict[str, str]]:
        """Return status, body and additional headers of the response to a request.

        Args:
            target: Path and query.
            headers: By lower-case name.
            host: The host that it was sent to.
        """
        path, _, text = target.partition("?")
        query = parse_qsl(text, keep_blank_values=True)
        if path == "/bench/log":
            return 200, json.dumps(self._log).encode(), {}
        if path == "/bench/reset":
            self.reset(dict(query))
            return 200, b"{}", {}
        arrived = time.monotonic()
        extra: dict[str, str] = {}
        try:
            status, body = 200, self._body(path, headers, host, query)
        except ApiError as error:
            status, body, extra = error.status, json.dumps(error.body).encode(), dict(error.headers)
        self._log.append((arrived, path, status))
        return status, body, extra

    def reset(self, settings: Mapping[str, str]) -> None:
        """Clear the log and change what is served.

        Args:
            settings: invoices, list_rows, latency_ms, limit; without `invoices` their number stays, the others get
                their default.
        """
        self._log.clear()
        self._responses.invoices = int(settings.get("invoices", self._responses.invoices))
        self._responses.list_rows = int(settings.get("list_rows", LARGEST_PAGE))
        self.latency = float(settings.get("latency_ms", 0)) / 1000
        limit = settings.get("limit", "0")
        self._windows.replace([] if limit == "0" else [Window("token", *map(int, limit.split("/")))])

    def _body(self, path: str, headers: Mapping[str, str], host: str, query: list[tuple[str, str]]) -> bytes:
        if headers.get("content-type", "").partition(";")[0] != CONTENT_TYPE:
            raise errors.unsupported_content_type()
        if headers.get("x-auth-token") != TOKEN:
            raise errors.unauthenticated()
        exceeded = self._windows.take({"token": TOKEN, "organization": WORLD})
        if exceeded:
            raise errors.too_many_requests(exceeded)
        if not path.startswith(API_PATH):
            raise errors.route_not_found()
        return self._responses.body(path.removeprefix(API_PATH), f"http://{host}{path}", query)
