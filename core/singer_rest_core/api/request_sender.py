"""Sends a request and follows its redirects: to the configured origin only, within the rate limits."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from singer_rest_core.api.connection import Connection
from singer_rest_core.api.rate_limit import WaitStopped
from singer_rest_core.api.rate_limit_rules import never
from singer_rest_core.api.request_lines import label, not_sent, wait_too_long
from singer_rest_core.api.retry import LongWait
from singer_rest_core.api.urls import has_origin_of, redirect_target
from singer_rest_core.errors import ForeignOrigin, RequestFailed
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.client_options import ClientOptions
    from singer_rest_core.api.response_body import ReadBody
    from singer_rest_core.clock import Clock

_MAX_REDIRECTS = 5
_DEFAULT_HEADERS = {**requests.utils.default_headers(), "Accept-Encoding": "gzip, deflate"}
"""Without the encodings of packages that happen to be installed."""
_LONGEST_WINDOW = 3600.0
"""Seconds: waits for documented limits of up to an hour are expected, however small `max_wait` is."""


class RequestSender:
    """Sends each request once, from any thread.

    Args:
        options: What is specific to this API and this run.
        clock: The time.
    """

    def __init__(self, options: ClientOptions, *, clock: Clock) -> None:
        """Send nothing yet; connections are opened when they are needed."""
        self._options = options
        self._clock = clock
        self._connection = Connection(options.api_url, timeout=options.request_timeout)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self.sent = 0
        """How many requests were sent, redirects included."""

    @property
    def stopped(self) -> threading.Event:
        """Set once nothing more may be sent."""
        return self._stopped

    @property
    def proxy_variable(self) -> str | None:
        """The environment variable that names the proxy; None if there is none."""
        return self._connection.environment.proxy_variable

    def stop(self) -> None:
        """Send nothing more: a request that waits, or comes later, fails at once."""
        self._stopped.set()
        self._options.rate_limiter.stop()

    def send(
        self, request: HTTPRequest, read_body: ReadBody, *, anew: bool = False, first: Callable[[], bool] = never
    ) -> requests.Response:
        """Send a request and follow its redirects within the origin.

        Args:
            request: The request, without credentials.
            read_body: Reads the body of a response below 400.
            anew: Whether to open a new connection for it.
            first: Returns whether it goes before others that wait for the rate limits.

        Returns:
            Any response but a redirect, its body read.

        Raises:
            LostConnection: If there was no response.
            BrokenBody: If its body is cut short or cannot be decompressed.
            BodyTooLarge: If it has more bytes than are read.
            ConnectionMisconfigured: If a proxy or certificate of the environment makes every request fail.
            RequestFailed: If there are too many redirects, or the run is ending.
            ForeignOrigin: If the request, or a redirect, leads to another origin.
            WaitTooLong: If the rate limits would take longer to wait for than `max_wait` and an hour.
        """
        url = request.url
        query = request.encode_params()
        status = None
        for _ in range(_MAX_REDIRECTS + 1):
            self._require_origin(url, request, status)
            prepared = self._prepare(request, url, query)
            # Once more, as requests parses some URLs differently.
            self._require_origin(str(prepared.url), request, status)
            response = self._send_within_limits(prepared, request, read_body, anew=anew, first=first)
            if not response.is_redirect:
                return response
            status = response.status_code
            try:
                url = redirect_target(prepared.url or url, response.headers["Location"])
            except ValueError as error:
                raise RequestFailed(f"{label(request)} is redirected to an invalid URL", status=status) from error
            query = ""
        raise RequestFailed(f"{label(request)} is redirected more than {_MAX_REDIRECTS} times", status=status)

    def _prepare(self, request: HTTPRequest, url: str, query: str) -> requests.PreparedRequest:
        headers = {**_DEFAULT_HEADERS, "User-Agent": self._options.user_agent, **request.headers}
        try:
            # Prepared without the session: it would look for cookies and .netrc each time.
            return requests.Request(
                request.method,
                url,
                params=query,
                data=request.data,
                headers=headers,
                # Credentials come last, when it is sent; without this, requests takes those that a URL holds.
                auth=lambda unauthenticated: unauthenticated,
            ).prepare()
        except (requests.RequestException, ValueError) as error:
            raise RequestFailed(self._redact(f"{label(request)} cannot be sent: {error}")) from error

    def _require_origin(self, url: str, request: HTTPRequest, status: int | None) -> None:
        if not has_origin_of(url, self._options.api_url):
            line = (
                f"{label(request)} leads to {urlsplit(url).netloc}: the token is only sent to "
                f"{urlsplit(self._options.api_url).netloc}. If the API has moved, set {self._options.url_setting}"
            )
            raise ForeignOrigin(self._redact(line), status=status)

    def _send_within_limits(
        self,
        prepared: requests.PreparedRequest,
        request: HTTPRequest,
        read_body: ReadBody,
        *,
        anew: bool,
        first: Callable[[], bool],
    ) -> requests.Response:
        """Wait for the rate limits, authenticate, send, and correct the limits by the response."""
        options = self._options
        group = options.group_of(request)
        try:
            options.rate_limiter.acquire(group, longest=max(options.max_wait, _LONGEST_WINDOW), first=first)
        except LongWait as wait:
            problem = f"{label(request)} has to wait: the limits of the API are used up, or it has asked for a pause"
            raise wait_too_long(problem, wait, self._clock) from wait
        except WaitStopped as stopped:
            raise RequestFailed(not_sent(request)) from stopped
        try:
            # Only now: a token that lives for a minute would expire in a queue of two.
            prepared.prepare_auth(options.authenticate)
            self._require_running(request)  # the login may have taken its time
            with self._lock:
                self.sent += 1
            response = self._connection.send(prepared, read_body, anew=anew)
        except BaseException:
            options.rate_limiter.on_no_response(group)
            raise
        now = self._clock.now()
        options.rate_limiter.on_response(response.headers, status=response.status_code, now=now, group=group)
        options.on_response(response)
        return response

    def _require_running(self, request: HTTPRequest) -> None:
        if self._stopped.is_set():
            raise RequestFailed(not_sent(request))

    def _redact(self, line: str) -> str:
        return redact(line, self._options.secrets)
