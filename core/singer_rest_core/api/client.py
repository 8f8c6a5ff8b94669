"""HTTP client for one API: every request of every stream goes through it.

The token is sent to the configured origin only; transient failures are retried, all others end in a one-line error.
"""

from __future__ import annotations

import random
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from singer_rest_core.api.connection import BrokenBody, LostConnection
from singer_rest_core.api.rate_limit_headers import retry_after
from singer_rest_core.api.rate_limit_rules import never
from singer_rest_core.api.request_lines import answered, label, not_sent, wait_too_long
from singer_rest_core.api.request_sender import RequestSender
from singer_rest_core.api.response_body import BodyTooLarge, read_document, read_json
from singer_rest_core.api.retry import AttemptsExhausted, Failure, LongWait, RetryLoop
from singer_rest_core.clock import time_span
from singer_rest_core.errors import (
    AccessRefused,
    AnswerTooLarge,
    ApiUnreachable,
    OutcomeUnknown,
    RequestFailed,
    StreamUnavailable,
    WaitTooLong,
    error_text,
)
from singer_rest_core.records.exact_json import NotJson, body_of, check
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.client_options import ClientOptions
    from singer_rest_core.api.rate_limit import RateLimiter
    from singer_rest_core.api.response_body import ReadBody
    from singer_rest_core.clock import Clock

_MIN_LOGGED_WAIT = 1.0


@dataclass(frozen=True)
class _Expected:
    """How a request is sent, and what is expected of its response.

    Args:
        read_body: Reads the body.
        check: Checks it, and raises `NotJson`.
        once: Whether the request may be sent only once.
        first: Returns whether it goes before others that wait for the rate limits.
    """

    read_body: ReadBody
    check: Callable[[requests.Response], None]
    once: bool = False
    first: Callable[[], bool] = never


class _AttemptFailed(Exception):
    """One attempt failed, in a way in which another may succeed.

    Args:
        failure: In which way.
        line: One line for the log.
        response: The response, if there was one.
        was_refused: Whether the server certainly did not carry the request out.
        reason: The end of the line: why there was no response.
    """

    def __init__(
        self,
        failure: Failure,
        line: str,
        *,
        response: requests.Response | None = None,
        was_refused: bool = False,
        reason: str = "",
    ) -> None:
        super().__init__(line)
        self.failure = failure
        self.line = line
        self.response = response
        self.was_refused = was_refused
        self.reason = reason

    @property
    def status(self) -> int | None:
        return None if self.response is None else self.response.status_code


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
        self._sender = RequestSender(options, clock=clock)
        self._lock = threading.Lock()
        self._has_responded = False
        self._accepted = 0
        self._access_is_proven = False
        self._in_flight = 0
        self._lost_in_a_row = 0
        self._accepted_request: HTTPRequest | None = None
        """The last request that was accepted, costs nothing and is answered with JSON."""

    @property
    def sent(self) -> int:
        """How many requests were sent, retries included."""
        return self._sender.sent

    @property
    def rate_limiter(self) -> RateLimiter:
        """The rate limits of the API."""
        return self._options.rate_limiter

    @property
    def accepted(self) -> bool:
        """Whether the API has accepted any request so far: then the credentials are right."""
        return self._accepted > 0

    @property
    def access_is_proven(self) -> bool:
        """Whether the API has accepted a request so far that it would refuse for another account."""
        return self._access_is_proven

    def stop(self) -> None:
        """Send nothing more: a request that waits, or comes later, fails at once."""
        self._sender.stop()

    def send(
        self, request: HTTPRequest, *, thorough: bool = False, first: Callable[[], bool] = never
    ) -> requests.Response:
        """Send one request, retrying until the response is JSON or retrying cannot help.

        Connection errors, timeouts, 5xx, broken bodies and 429 are retried after the time that the response asks for,
        otherwise after 1, 2, 4, … seconds.

        Args:
            request: The request.
            thorough: Whether to check the whole content; otherwise only that it begins and ends like JSON, for a caller
                who decodes it anyway, and sends the request again thoroughly if that fails.
            first: Returns whether it goes before others that wait for the rate limits; asked when it begins to wait,
                and whenever that may have changed.

        Returns:
            A response below 400 whose content is JSON (see `exact_json.body_of`).

        Raises:
            AccessRefused: On 401, and on 403 where it refuses the account.
            StreamUnavailable: On any other 403.
            ForeignOrigin: If the request, or a redirect, leads to another origin.
            AnswerTooLarge: If the response has more than `response_body.MAX_JSON` bytes.
            RequestFailed: On any other 4xx, when retrying did not help, and when the run is ending.
            WaitTooLong: If the API asks for a longer wait than `max_wait`.
            ApiUnreachable: If no connection can be made.
            ConnectionMisconfigured: If a proxy or certificate of the environment makes every request fail.
        """
        return self._send(
            request, _Expected(read_json, lambda response: check(response.content, thorough=thorough), first=first)
        )

    def send_once(self, request: HTTPRequest) -> requests.Response:
        """Send one request that must not be carried out twice, as it costs money; otherwise as `send`.

        It is sent again only where it certainly was not carried out: after 429, or without a connection.

        Args:
            request: The request.

        Returns:
            A response below 400 whose content is JSON, checked completely.

        Raises:
            OutcomeUnknown: If it was sent, and the response is lost, cut short, of no use or a 5xx.
        """
        return self._send(
            request, _Expected(read_json, lambda response: check(response.content, thorough=True), once=True)
        )

    def send_for_document(self, request: HTTPRequest, *, once: bool = False) -> requests.Response:
        """Send a request whose response is not JSON (a PDF, an archive, plain text); otherwise as `send`.

        Args:
            request: The request.
            once: Whether it must not be carried out twice, see `send_once`.

        Returns:
            A response below 400, complete, with any content. Its body is in a file (see `response_body.read_document`):
            `iter_content` reads it piece by piece, `content` brings it into memory.

        Raises:
            OutcomeUnknown: If it may be sent only once; see `send_once`.
        """
        return self._send(request, _Expected(read_document, lambda _: None, once=once))

    def _send(self, request: HTTPRequest, expected: _Expected) -> requests.Response:
        retries = RetryLoop(max_wait=self._options.max_wait, uniform=self._uniform)
        with self._counted_in_flight():
            while True:
                if self._sender.stopped.is_set():
                    raise RequestFailed(not_sent(request))
                retries.begin_attempt()
                try:
                    response = self._attempt(request, expected, retries)
                except _AttemptFailed as failed:
                    if expected.once and not failed.was_refused:
                        raise OutcomeUnknown(failed.line, status=failed.status) from failed
                    wait = self._wait_after(failed, retries)
                else:
                    if response is not None:
                        return response
                    continue
                self._clock.wait(self._sender.stopped, wait)

    @contextmanager
    def _counted_in_flight(self) -> Iterator[None]:
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def _attempt(self, request: HTTPRequest, expected: _Expected, retries: RetryLoop) -> requests.Response | None:
        """Send a request and return a usable response; None if it should be sent again with renewed credentials.

        Raises:
            _AttemptFailed: If another attempt may succeed; for other errors see `send`.
        """
        try:
            response = self._sender.send(request, expected.read_body, anew=expected.once, first=expected.first)
        except LostConnection as lost:
            line = self._redact(f"{label(request)}: {lost}")
            raise _AttemptFailed(
                Failure.LOST_CONNECTION, line, was_refused=not lost.was_sent, reason=self._redact(str(lost))
            ) from lost
        except BrokenBody as broken:
            self._note_response()
            line = f"{answered(request, broken.response)} with a body that is cut short or broken: {broken}"
            raise _AttemptFailed(Failure.BROKEN_BODY, self._redact(line), response=broken.response) from broken
        except BodyTooLarge as error:
            self._note_response()
            status = error.response.status_code
            line = f"{answered(request, error.response)} with {error}, which is not read. A smaller page_size may help"
            raise (OutcomeUnknown if expected.once else AnswerTooLarge)(line, status=status) from error
        self._note_response()
        if self._renewed_credentials(response, retries):
            return None
        if response.status_code >= HTTPStatus.BAD_REQUEST:
            raise self._refusal(request, response)
        try:
            expected.check(response)
        except NotJson as error:
            line = f"{answered(request, response)} with a body that is not JSON"
            raise _AttemptFailed(Failure.BROKEN_BODY, line, response=response) from error
        with self._lock:
            self._accepted += 1
            if expected.read_body is read_json and not expected.once:
                self._accepted_request = request
            self._access_is_proven = self._access_is_proven or self._options.proves_access(request)
        return response

    def _note_response(self) -> None:
        self._has_responded = True
        self._lost_in_a_row = 0

    def _renewed_credentials(self, response: requests.Response, retries: RetryLoop) -> bool:
        """Renew the credentials after a 401; return whether the request should be sent with others."""
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return False
        with self._lock:
            # Both at once: a request that is accepted in between would count neither here nor there.
            accepted, in_flight = self._accepted, self._in_flight
        may_renew = retries.may_renew_credentials(accepted=accepted, in_flight=in_flight)
        return may_renew and self._options.renew_credentials(response.request)

    def _refusal(self, request: HTTPRequest, response: requests.Response) -> Exception:
        """Return the error that a response of 400 or more stands for: `_AttemptFailed` where retrying may help."""
        options, status = self._options, response.status_code
        try:
            body = body_of(response)
        except NotJson:
            body = None
        message = error_text(body, options.secrets) or response.reason or "no reason given"
        line = self._redact(f"{answered(request, response)}: {message}")
        if status in options.status_meanings:
            line = f"{line}. {options.status_meanings[status]}"
        if status == HTTPStatus.UNAUTHORIZED:
            return AccessRefused(f"{line}. {options.refusal_hint}")
        if status == HTTPStatus.FORBIDDEN:
            remedy = options.account_refusal(body)
            return AccessRefused(f"{line}. {remedy}") if remedy else StreamUnavailable(line, body=body)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return _AttemptFailed(Failure.RATE_LIMITED, line, response=response, was_refused=True)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return RequestFailed(line, status=status, body=body)
        return _AttemptFailed(Failure.SERVER_ERROR, line, response=response)

    def _wait_after(self, failed: _AttemptFailed, retries: RetryLoop) -> float:
        """Return how many seconds to wait before a request is sent again.

        Raises:
            WaitTooLong: If the API asks for a longer wait than `max_wait`.
            ApiUnreachable: If the API never responded in this run, or two requests in a row were given up and it does
                not respond to one that it has accepted before.
            RequestFailed: If this was the last attempt, and only this request is given up.
        """
        try:
            wait = retries.wait_after(
                failed.failure,
                self._asked_wait(failed),
                api_has_responded=self._has_responded or failed.failure is not Failure.LOST_CONNECTION,
            )
        except LongWait as long_wait:
            raise wait_too_long(failed.line, long_wait, self._clock) from long_wait
        except AttemptsExhausted as exhausted:
            raise self._given_up(failed, retries.attempts) from exhausted
        if wait >= _MIN_LOGGED_WAIT:
            self._logger.info("%s; retrying in %s", failed.line, time_span(wait))
        return wait

    def _asked_wait(self, failed: _AttemptFailed) -> float | None:
        """Return how many seconds the response asks to wait, by its headers or else its body."""
        response = failed.response
        if response is None:
            return None
        asked = retry_after(response.headers, status=response.status_code, now=self._clock.now())
        if asked is None and failed.failure is Failure.RATE_LIMITED:
            return self._options.retry_after(response)
        return asked

    def _given_up(self, failed: _AttemptFailed, attempts: int) -> Exception:
        line = f"{failed.line} ({attempts} tries)"
        if failed.failure is not Failure.LOST_CONNECTION:
            return RequestFailed(line, status=failed.status)
        if not self._has_responded:
            setting = self._sender.proxy_variable or self._options.url_setting
            return ApiUnreachable(
                f"{urlsplit(self._options.api_url).netloc} cannot be reached: {failed.reason}. "
                f"Check {setting} and the network"
            )
        with self._lock:
            self._lost_in_a_row += 1
            lost_in_a_row = self._lost_in_a_row
        if lost_in_a_row > 1 and not self._still_responds():
            return ApiUnreachable(f"{line}. The API can no longer be reached")
        return RequestFailed(line)

    def _still_responds(self) -> bool:
        """Whether a request that was accepted before still gets a response: then only some others get none."""
        if self._accepted_request is None:
            return False
        try:
            self._sender.send(self._accepted_request, read_json)
        except (LostConnection, RequestFailed, WaitTooLong):
            return False
        except (BrokenBody, BodyTooLarge):
            pass  # a response nevertheless
        self._note_response()
        return True

    def _redact(self, line: str) -> str:
        return redact(line, self._options.secrets)
