"""HTTP client for one API: every request of every stream goes through it.

The token is sent to the configured origin only; transient failures are retried, all others end in a one-line error.
"""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from singer_rest_core.api.rate_limit import WaitStopped
from singer_rest_core.api.rate_limit_headers import retry_after
from singer_rest_core.api.retry import AttemptsExhausted, LongWait, RetryLoop
from singer_rest_core.api.urls import has_origin_of, is_loopback, redirect_target
from singer_rest_core.errors import (
    AccessRefused,
    ApiUnreachable,
    ForeignOrigin,
    RequestFailed,
    StreamUnavailable,
    WaitTooLong,
    error_text,
    redact,
)
from singer_rest_core.records.exact_json import NotJson, body_of, check

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.rate_limit import RateLimiter
    from singer_rest_core.clock import Clock

_CONNECT_TIMEOUT = 10.0
_MAX_REDIRECTS = 5
_DEFAULT_HEADERS = dict(requests.utils.default_headers())
_LONGEST_WINDOW = 3600.0
"""Seconds: waits for documented limits of up to an hour are expected, however small `max_wait` is."""
_MIN_LOGGED_WAIT = 1.0
_TRANSIENT_ERRORS = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True)
class ClientOptions:
    """What an `ApiClient` needs to know of an API and of the user's settings.

    Args:
        api_url: Where the token may be sent: the origin (scheme, host, port) of this URL.
        authenticate: Adds the credentials to a request, as `requests` and the SDK's authenticators do.
        user_agent: Value of the `User-Agent` header.
        request_timeout: Seconds without a byte after which a response is given up.
        max_wait: Seconds; a longer wait asked for by the API ends the run.
        secrets: Values that must not reach a log.
        refusal_hint: What the user should do about a 401, as a clause.
        rate_limiter: The limits of the API, shared by all threads.
        group_of: Returns the route group of a request, by which the rate limiter counts it.
        renew_credentials: Called with a request that was answered with 401; returns whether there are other credentials
            now than those it carried. Called again for the same request where others in flight may have used those up.
        url_setting: The setting that `api_url` comes from, for the user to check.
        on_response: Called with every response, whatever its status, from any thread.
        retry_after: Returns the seconds to wait that the body of a 429 asks for, where its headers do not.
        status_meanings: What a status means to this API, as a clause, where its own message may not say.
    """

    api_url: str
    authenticate: Callable[[requests.PreparedRequest], requests.PreparedRequest]
    user_agent: str
    request_timeout: float
    max_wait: float
    secrets: Sequence[str] = field(repr=False)
    refusal_hint: str
    rate_limiter: RateLimiter
    group_of: Callable[[HTTPRequest], str]
    renew_credentials: Callable[[requests.PreparedRequest], bool]
    url_setting: str = "api_url"
    on_response: Callable[[requests.Response], None] = lambda _: None
    retry_after: Callable[[requests.Response], float | None] = lambda _: None
    status_meanings: Mapping[int, str] = field(default_factory=dict)


class ApiClient:
    """Sends requests for all streams of a tap, from any of its threads.

    Args:
        options: What is specific to this API and this run.
        logger: Where retries are logged.
        clock: Waits before a request is sent again.
        uniform: The source of jitter, for tests.
    """

    def __init__(
        self,
        options: ClientOptions,
        logger: logging.Logger,
        *,
        clock: Clock,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """Send nothing yet; connections are opened when they are needed."""
        self._options = options
        self._logger = logger
        self._clock = clock
        self._uniform = uniform
        self._sessions = threading.local()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._has_responded = False
        self._accepted = 0
        self._in_flight = 0
        self._lost_in_a_row = 0
        self.sent = 0
        """How many requests were sent, retries included."""

    @property
    def accepted(self) -> bool:
        """Whether the API has accepted any request so far: then the credentials are right."""
        return self._accepted > 0

    def stop(self) -> None:
        """Send nothing more: a request that waits, or comes later, fails at once."""
        self._stopped.set()
        self._options.rate_limiter.stop()

    def send_for_document(self, request: HTTPRequest) -> requests.Response:
        """Send a request whose response is not JSON (a PDF, an archive, plain text); otherwise as `send`.

        Args:
            request: The request.

        Returns:
            A response below 400, complete, with any content.
        """
        return self._send(request, lambda _: None)

    def send(self, request: HTTPRequest, *, thorough: bool = False) -> requests.Response:
        """Send one request, retrying until the response is JSON or retrying cannot help.

        Connection errors, timeouts, 5xx, broken bodies and 429 are retried after the time that the response asks for,
        otherwise after 1, 2, 4, … seconds.

        Args:
            request: The request.
            thorough: Whether to check the whole content; otherwise only that it begins and ends like JSON, for a caller
                who decodes it anyway, and sends the request again thoroughly if that fails.

        Returns:
            A response below 400 whose content is JSON (see `exact_json.body_of`).

        Raises:
            AccessRefused: On 401.
            StreamUnavailable: On 403.
            RequestFailed: On any other 4xx, when retrying did not help, and when the run is ending.
            WaitTooLong: If the API asks for a longer wait than `max_wait`.
            ApiUnreachable: If no connection can be made.
            ForeignOrigin: If the request, or a redirect, leads to another origin.
        """
        return self._send(request, lambda content: check(content, thorough=thorough))

    def _send(self, request: HTTPRequest, check_content: Callable[[bytes], None]) -> requests.Response:
        retries = RetryLoop(max_wait=self._options.max_wait, uniform=self._uniform)
        with self._counted_in_flight():
            while True:
                if self._stopped.is_set():
                    raise RequestFailed(_not_sent(request))
                retries.begin_attempt()
                try:
                    response = self._send_once(request)
                except _TRANSIENT_ERRORS as error:
                    wait = self._wait_after_lost_connection(request, error, retries)
                else:
                    self._has_responded = True
                    self._lost_in_a_row = 0
                    if self._renewed_credentials(response, retries):
                        continue
                    problem = self._find_problem(request, response, check_content)
                    if problem is None:
                        with self._lock:
                            self._accepted += 1
                        return response
                    wait = self._wait_after_response(response, problem, retries)
                self._clock.wait(self._stopped, wait)

    @contextmanager
    def _counted_in_flight(self) -> Iterator[None]:
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def _send_once(self, request: HTTPRequest) -> requests.Response:
        """Send a request and follow its redirects within the origin; return any response but a redirect.

        Raises:
            RequestFailed: If there are too many redirects, or the run is ending.
            ForeignOrigin: If the request, or a redirect, leads to another origin.
            WaitTooLong: If the rate limits would take longer to wait for than `max_wait` and an hour.
        """
        url = request.url
        query = request.encode_params()
        headers = {**_DEFAULT_HEADERS, "User-Agent": self._options.user_agent, **request.headers}
        for _ in range(_MAX_REDIRECTS + 1):
            self._require_origin(url, request)
            # Prepared without the session: it would look for cookies and .netrc each time.
            prepared = requests.Request(
                request.method,
                url,
                params=query,
                data=request.data,
                headers=headers,
                auth=self._options.authenticate,
            ).prepare()
            # Once more, as requests parses some URLs differently.
            self._require_origin(str(prepared.url), request)
            response = self._send_within_limits(prepared, request)
            if not response.is_redirect:
                return response
            try:
                url = redirect_target(prepared.url or url, response.headers["Location"])
            except ValueError as error:
                line = f"{_label(request)} is redirected to an invalid URL"
                raise RequestFailed(line, status=response.status_code) from error
            query = ""
        line = f"{_label(request)} is redirected more than {_MAX_REDIRECTS} times"
        raise RequestFailed(line, status=response.status_code)

    def _require_origin(self, url: str, request: HTTPRequest) -> None:
        if not has_origin_of(url, self._options.api_url):
            line = (
                f"{_label(request)} leads to {urlsplit(url).netloc}: the token is only sent to "
                f"{urlsplit(self._options.api_url).netloc}. If the API has moved, set {self._options.url_setting}"
            )
            raise ForeignOrigin(redact(line, self._options.secrets))

    def _send_within_limits(self, prepared: requests.PreparedRequest, request: HTTPRequest) -> requests.Response:
        """Send when the rate limits permit it, and correct them by the response."""
        options = self._options
        group = options.group_of(request)
        timeout = (min(_CONNECT_TIMEOUT, options.request_timeout), options.request_timeout)
        session, settings = self._session
        try:
            options.rate_limiter.acquire(group, longest=max(options.max_wait, _LONGEST_WINDOW))
        except LongWait as wait:
            raise self._wait_too_long(f"{_label(request)}: the limits of the API are used up", wait) from wait
        except WaitStopped as stopped:
            raise RequestFailed(_not_sent(request)) from stopped
        with self._lock:
            self.sent += 1
        try:
            response = session.send(prepared, allow_redirects=False, timeout=timeout, **settings)
            # In one piece; requests' own way, by 10 KiB, takes longer than the decoding.
            vars(response)["_content"] = b"".join(response.iter_content(chunk_size=None))
        except BaseException:
            options.rate_limiter.on_no_response(group)
            raise
        now = self._clock.now()
        options.rate_limiter.on_response(response.headers, status=response.status_code, now=now, group=group)
        options.on_response(response)
        return response

    @property
    def _session(self) -> tuple[requests.Session, dict[str, Any]]:
        """The session of this thread, one connection each, and the environment's proxies and certificates."""
        if not hasattr(self._sessions, "own"):
            session = requests.Session()
            url = self._options.api_url
            settings = session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003 - requests' signature
            if is_loopback(urlsplit(url).hostname or ""):
                settings["proxies"] = {}
            self._sessions.own = session, dict(settings)
        own: tuple[requests.Session, dict[str, Any]] = self._sessions.own
        return own

    def _renewed_credentials(self, response: requests.Response, retries: RetryLoop) -> bool:
        """Renew the credentials after a 401; return whether the request should be sent with others."""
        return (
            response.status_code == HTTPStatus.UNAUTHORIZED
            and retries.may_renew_credentials(accepted=self._accepted, in_flight=self._in_flight)
            and self._options.renew_credentials(response.request)
        )

    def _find_problem(
        self, request: HTTPRequest, response: requests.Response, check_content: Callable[[bytes], None]
    ) -> str | None:
        """Return in one line why a response is not usable, where retrying may help; None if it is.

        Raises:
            AccessRefused: On 401.
            StreamUnavailable: On 403.
            RequestFailed: On any other 4xx but 429.
        """
        status = response.status_code
        if status < HTTPStatus.BAD_REQUEST:
            try:
                check_content(response.content)
            except NotJson:
                return f"{_label(request)} answered {status} with a body that is not JSON"
            return None
        try:
            body = body_of(response)
        except NotJson:
            body = None
        message = error_text(body, self._options.secrets) or response.reason or "no reason given"
        line = redact(f"{_label(request)} answered {status}: {message}", self._options.secrets)
        if status in self._options.status_meanings:
            line = f"{line}. {self._options.status_meanings[status]}"
        if status == HTTPStatus.UNAUTHORIZED:
            raise AccessRefused(f"{line}. {self._options.refusal_hint}")
        if status == HTTPStatus.FORBIDDEN:
            raise StreamUnavailable(line, body=body)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
            raise RequestFailed(line, status=status, body=body)
        return line

    def _wait_after_response(self, response: requests.Response, problem: str, retries: RetryLoop) -> float:
        """Return how many seconds to wait before a request is sent again that got an unusable response.

        Raises:
            WaitTooLong: If the API asks for a longer wait than `max_wait`.
            RequestFailed: If this was the last attempt.
        """
        rate_limited = response.status_code == HTTPStatus.TOO_MANY_REQUESTS
        asked = retry_after(response.headers, status=response.status_code, now=self._clock.now())
        if rate_limited and asked is None:
            asked = self._options.retry_after(response)
        try:
            wait = retries.wait_after_response(asked, rate_limited=rate_limited)
        except LongWait as long_wait:
            raise self._wait_too_long(problem, long_wait) from long_wait
        except AttemptsExhausted as exhausted:
            line = f"{problem} ({retries.attempts} tries)"
            raise RequestFailed(line, status=response.status_code) from exhausted
        self._log_retry(problem, wait)
        return wait

    def _wait_after_lost_connection(self, request: HTTPRequest, error: Exception, retries: RetryLoop) -> float:
        """Return how many seconds to wait before a request is sent again that got no complete response.

        Raises:
            ApiUnreachable: If the API never responded in this run, or two requests in a row were given up.
            RequestFailed: If only this request is given up.
        """
        line = f"{_label(request)}: {_root_cause(error)}"
        try:
            wait = retries.wait_after_lost_connection(api_has_responded=self._has_responded)
        except AttemptsExhausted:
            if not self._has_responded:
                raise ApiUnreachable(
                    f"{urlsplit(self._options.api_url).netloc} cannot be reached: {_root_cause(error)}. "
                    f"Check {self._options.url_setting} and the network",
                ) from error
            line = f"{line} ({retries.attempts} tries)"
            with self._lock:
                self._lost_in_a_row += 1
                lost_in_a_row = self._lost_in_a_row
            if lost_in_a_row > 1:
                raise ApiUnreachable(f"{line}. The API can no longer be reached") from error
            raise RequestFailed(line) from error
        self._log_retry(line, wait)
        return wait

    def _log_retry(self, problem: str, wait: float) -> None:
        if wait >= _MIN_LOGGED_WAIT:
            self._logger.info("%s; retrying in %.0f s", problem, wait)

    def _wait_too_long(self, problem: str, wait: LongWait) -> WaitTooLong:
        moment = (self._clock.now() + timedelta(seconds=wait.seconds)).isoformat(timespec="minutes")
        return WaitTooLong(
            f"{problem}. That means waiting {wait.seconds / 60:.0f} min, more than max_wait_minutes allows: "
            f"run again after {moment}; what was read is kept in the state"
        )


def _label(request: HTTPRequest) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


def _not_sent(request: HTTPRequest) -> str:
    return f"{_label(request)} is not sent: the run is ending"


def _root_cause(error: BaseException) -> str:
    """Return the message of the innermost of wrapped connection errors, without addresses of objects."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "connection timed out"
    if isinstance(error, requests.exceptions.Timeout):
        return "response timed out"
    innermost: BaseException = error
    while innermost.args and isinstance(innermost.args[-1], BaseException):
        innermost = innermost.args[-1]
    reason = getattr(innermost, "reason", None)
    if isinstance(reason, BaseException):
        innermost = reason.__cause__ or reason
    return str(getattr(innermost, "strerror", None) or innermost).split(": ", maxsplit=1)[-1]
