"""The one door to the API: what every request of every stream goes through.

The token goes to the configured origin and nowhere else; what may pass is sent again, what may not ends in one line.
"""

from __future__ import annotations

import ipaddress
import random
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests

from singer_rest_core.api.rate_limit import LongWait, WaitStopped
from singer_rest_core.api.rate_limit_headers import retry_after
from singer_rest_core.api.retry import backoff
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
    from collections.abc import Callable, Mapping, Sequence

    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.rate_limit import RateLimiter
    from singer_rest_core.clock import Clock

_TRIES = 6
_TRIES_BEFORE_FIRST_ANSWER = 3
_CONNECT_TIMEOUT = 10.0
_IDLE_RENEWALS = 5
"""How often credentials are renewed for a request while no other is accepted."""
_REDIRECTS = 5
_DEFAULT_HEADERS = dict(requests.utils.default_headers())
_LONGEST_WINDOW = 3600.0
"""A wait for a documented window of up to an hour is part of the work, whatever the API may be asked to wait for."""
_NO_WAIT_WORTH_A_LINE = 1.0
_TRANSIENT = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


@dataclass(frozen=True)
class ClientOptions:
    """What a transport needs to know of an API and of the user's settings.

    Args:
        api_url: Where the token may go: the origin (scheme, host, port) of this URL.
        authenticate: Puts the credentials into a request, as `requests` and the SDK's authenticators do.
        user_agent: Who we say we are.
        request_timeout: Seconds without a byte after which an answer is given up.
        max_wait: Seconds; a longer wait asked for by the API ends the run.
        secrets: Values that must not reach a log.
        refusal_hint: What the user should do about a 401, as a clause.
        rate_limiter: The limits of the API, shared by all threads.
        group_of: The route group a request counts for, as the quota names it.
        renew_credentials: Asked on a 401, once a request: whether there are other credentials now than those it bore.
            Asked again where requests beside it may have used those up.
        url_setting: The setting that `api_url` comes from, for the user to check.
        on_response: Sees every answer, whatever its status; called from any thread.
        retry_after: Finds in the body of a 429 how many seconds to wait, where its headers do not say.
        status_meanings: What a status means to this API, as a clause, where its own words may not tell.
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
        options: What is true of this API and this run.
        logger: Where waiting is announced.
        clock: Waits before a request is sent again.
    """

    def __init__(self, options: ClientOptions, logger: logging.Logger, *, clock: Clock) -> None:
        """Open a session; nothing is sent yet."""
        self._options = options
        self._logger = logger
        self._clock = clock
        self._sessions = threading.local()
        self._answered = False
        self._accepted = self._under_way = 0
        self._lost_in_a_row = 0
        self._lock = threading.Lock()
        self.sent = 0
        """How many requests were sent, repeated ones included."""
        self._stopped = threading.Event()

    @property
    def accepted(self) -> bool:
        """Whether the API has accepted any request so far: then the credentials are right."""
        return self._accepted > 0

    def stop(self) -> None:
        """Send nothing more: a request that waits, or comes later, fails at once."""
        self._stopped.set()
        self._options.rate_limiter.stop()

    def send_for_document(self, request: HTTPRequest) -> requests.Response:
        """Send a request whose answer is no JSON: a PDF, an archive, plain text; otherwise as `send`.

        Args:
            request: What to ask for.

        Returns:
            An answer below 400, whole, with any content.
        """
        return self._send(request, lambda _: None)

    def send(self, request: HTTPRequest, *, thorough: bool = False) -> requests.Response:
        """Send a request until it is answered with JSON or it is clear that it will not be.

        Connection errors, timeouts, 5xx, broken bodies and 429 are sent again, waiting as long as the answer asks for,
        else 1, 2, 4, … seconds.

        Args:
            request: What to ask for.
            thorough: Whether to make sure of the whole content; otherwise only that it begins and ends like JSON, for
                a reader who will decode it anyway, and ask again thoroughly if that fails.

        Returns:
            An answer below 400 whose content is JSON (see `exact_json.body_of`).

        Raises:
            AccessRefused: On 401.
            StreamUnavailable: On 403.
            RequestFailed: On any other 4xx, and when trying again did not help.
            WaitTooLong: If the API asks for a longer wait than `max_wait`.
            ApiUnreachable: If no connection comes about.
            ForeignOrigin: If the request, or a redirect, leads to another origin.
        """
        return self._send(request, lambda content: check(content, thorough=thorough))

    def _send(self, request: HTTPRequest, check_content: Callable[[bytes], None]) -> requests.Response:
        with self._lock:
            self._under_way += 1
        try:
            return self._insist(request, check_content)
        finally:
            with self._lock:
                self._under_way -= 1

    def _insist(self, request: HTTPRequest, check_content: Callable[[bytes], None]) -> requests.Response:
        attempt = 0
        waited = 0.0
        idle_renewals, accepted_before = 0, -1
        while True:
            if self._stopped.is_set():
                raise RequestFailed(f"{_name(request)} is not sent: the run is ending")
            attempt += 1
            try:
                answer = self._exchange(request)
            except _TRANSIENT as error:
                self._give_up_on_lost(request, error, attempt)
                wait = backoff(attempt, uniform=random.uniform)
                self._announce(request, _reason(error), wait)
            else:
                self._answered = True
                self._lost_in_a_row = 0
                if answer.status_code == HTTPStatus.UNAUTHORIZED:
                    # Requests beside this one may have used the new ones up, too.
                    idle_renewals = 0 if self._accepted > accepted_before else idle_renewals + 1
                    accepted_before = self._accepted
                    may_help = idle_renewals == 0 or (self._under_way > 1 and idle_renewals < _IDLE_RENEWALS)
                    if may_help and self._options.renew_credentials(answer.request):
                        continue
                trouble = self._trouble(request, answer, check_content)
                if trouble is None:
                    with self._lock:
                        self._accepted += 1
                    return answer
                limited = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
                asked = self._retry_after(answer, limited=limited)
                wait = _with_jitter(asked) if asked else backoff(attempt, uniform=random.uniform)
                if (limited or asked) and waited + wait > self._options.max_wait:
                    raise WaitTooLong(self._come_back(trouble, wait))
                if attempt >= _TRIES and not limited:
                    raise RequestFailed(f"{trouble} ({attempt} tries)", status=answer.status_code)
                self._announce(request, trouble, wait)
            self._clock.wait(self._stopped, wait)
            waited += wait

    @property
    def _session(self) -> tuple[requests.Session, dict[str, Any]]:
        """The session of this thread, one connection each, and the environment's proxies and certificates."""
        if not hasattr(self._sessions, "own"):
            session = requests.Session()
            url = self._options.api_url
            settings = session.merge_environment_settings(url, {}, True, None, None)  # noqa: FBT003 - requests' signature
            if _is_loopback(urlsplit(url).hostname or ""):
                settings["proxies"] = {}
            self._sessions.own = session, dict(settings)
        own: tuple[requests.Session, dict[str, Any]] = self._sessions.own
        return own

    def _exchange(self, request: HTTPRequest) -> requests.Response:
        """Send once, following redirects only within the origin."""
        url = request.url
        query = request.encode_params()
        headers = {**_DEFAULT_HEADERS, "User-Agent": self._options.user_agent, **request.headers}
        for _ in range(_REDIRECTS + 1):
            self._refuse_foreign(url, request)
            # Prepared without the session: it would look for cookies and .netrc each time.
            prepared = requests.Request(
                request.method,
                url,
                params=query,
                data=request.data,
                headers=headers,
                auth=self._options.authenticate,
            ).prepare()
            # Once more, as requests reads some URLs otherwise than we do.
            self._refuse_foreign(str(prepared.url), request)
            answer = self._send_within_quota(prepared, request)
            if not answer.is_redirect:
                return answer
            url = _redirected(prepared.url or url, request, answer)
            query = ""
        raise RequestFailed(f"{_name(request)} is redirected in circles", status=answer.status_code)

    def _send_within_quota(self, prepared: requests.PreparedRequest, request: HTTPRequest) -> requests.Response:
        """Send when the quota permits, and let the answer correct it."""
        options = self._options
        group = options.group_of(request)
        timeout = (min(_CONNECT_TIMEOUT, options.request_timeout), options.request_timeout)
        session, settings = self._session
        try:
            options.rate_limiter.acquire(group, longest=max(options.max_wait, _LONGEST_WINDOW))
        except LongWait as wait:
            line = f"{_name(request)}: the limits of the API are used up"
            raise WaitTooLong(self._come_back(line, wait.seconds)) from wait
        except WaitStopped as stopped:
            raise RequestFailed(f"{_name(request)} is not sent: the run is ending") from stopped
        with self._lock:
            self.sent += 1
        try:
            answer = session.send(prepared, allow_redirects=False, timeout=timeout, **settings)
            # In one piece; requests' own way, by 10 KiB, takes longer than the decoding.
            vars(answer)["_content"] = b"".join(answer.iter_content(chunk_size=None))
        except BaseException:
            options.rate_limiter.lost(group)
            raise
        options.rate_limiter.answered(answer.headers, status=answer.status_code, now=self._clock.now(), group=group)
        options.on_response(answer)
        return answer

    def _refuse_foreign(self, url: str, request: HTTPRequest) -> None:
        if "\\" in url or origin(url) != origin(self._options.api_url):
            line = (
                f"{_name(request)} leads to {urlsplit(url).netloc}: the token only goes to "
                f"{urlsplit(self._options.api_url).netloc}. If the API has moved, set {self._options.url_setting}"
            )
            raise ForeignOrigin(redact(line, self._options.secrets))

    def _trouble(
        self, request: HTTPRequest, answer: requests.Response, check_content: Callable[[bytes], None]
    ) -> str | None:
        """Say in one line what is wrong with an answer that may be asked for again; None if nothing is.

        Raises:
            AccessRefused: On 401.
            StreamUnavailable: On 403.
            RequestFailed: On any other 4xx but 429.
        """
        status = answer.status_code
        if status < HTTPStatus.BAD_REQUEST:
            try:
                check_content(answer.content)
            except NotJson:
                return f"{_name(request)} answered {status} with a body that is no JSON"
            return None
        try:
            body = body_of(answer)
        except NotJson:
            body = None
        words = error_text(body, self._options.secrets) or answer.reason or "no reason given"
        line = redact(f"{_name(request)} answered {status}: {words}", self._options.secrets)
        if status in self._options.status_meanings:
            line = f"{line}. {self._options.status_meanings[status]}"
        if status == HTTPStatus.UNAUTHORIZED:
            raise AccessRefused(f"{line}. {self._options.refusal_hint}")
        if status == HTTPStatus.FORBIDDEN:
            raise StreamUnavailable(line, body=body)
        if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
            raise RequestFailed(line, status=status, body=body)
        return line

    def _retry_after(self, answer: requests.Response, *, limited: bool) -> float | None:
        """Find how many seconds an answer asks to wait: in its headers, or where the API says it else."""
        asked = retry_after(answer.headers, status=answer.status_code, now=self._clock.now())
        return self._options.retry_after(answer) if limited and asked is None else asked

    def _give_up_on_lost(self, request: HTTPRequest, error: Exception, attempt: int) -> None:
        """End the trying when a connection was lost too often; end the run when nothing but that happens.

        Raises:
            ApiUnreachable: If the API never answered in this run, or two requests in a row were lost for good.
            RequestFailed: If this request alone is lost.
        """
        line = f"{_name(request)}: {_reason(error)} ({attempt} tries)"
        if not self._answered:
            if attempt >= _TRIES_BEFORE_FIRST_ANSWER:
                raise ApiUnreachable(
                    f"{urlsplit(self._options.api_url).netloc} cannot be reached: {_reason(error)}. "
                    f"Check {self._options.url_setting} and the network",
                ) from error
        elif attempt >= _TRIES:
            with self._lock:
                self._lost_in_a_row += 1
                lost_in_a_row = self._lost_in_a_row
            if lost_in_a_row > 1:
                raise ApiUnreachable(f"{line}. The API cannot be reached any more") from error
            raise RequestFailed(line) from error

    def _announce(self, request: HTTPRequest, trouble: str, wait: float) -> None:
        if wait >= _NO_WAIT_WORTH_A_LINE:
            self._logger.info("%s; %s is sent again in %.0f s", trouble, _name(request), wait)

    def _come_back(self, trouble: str, wait: float) -> str:
        moment = (self._clock.now() + timedelta(seconds=wait)).isoformat(timespec="minutes")
        return (
            f"{trouble}. It asks to wait {wait / 60:.0f} min, more than max_wait_minutes allows: "
            f"run again after {moment}; what was read is kept in the state"
        )


def origin(url: str) -> tuple[str, str, int]:
    """Give the origin of a URL.

    Args:
        url: An absolute URL.

    Returns:
        Scheme, host (lower case) and port.
    """
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def url_error(url: str, *, allow_plain_http: bool) -> str | None:
    """Tell what is wrong with a URL that a token shall go to.

    Args:
        url: The setting's value.
        allow_plain_http: Whether the user accepts http beyond this machine.

    Returns:
        A clause for the user, or None if the URL may be used.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not parts.hostname:
        return "is no http(s) URL; an example: https://api.example.com/v1"
    if parts.username or parts.password:
        return "must not hold a user name or password"
    if parts.scheme == "http" and not (allow_plain_http or _is_loopback(parts.hostname)):
        return "is not encrypted; use https, or set allow_plain_http if the network is yours"
    return None


def _redirected(url: str, request: HTTPRequest, answer: requests.Response) -> str:
    """Find where an answer redirects to.

    Raises:
        RequestFailed: If that is no URL.
    """
    try:
        target = urljoin(url, answer.headers["Location"])
        origin(target)
    except ValueError as error:
        raise RequestFailed(f"{_name(request)} is redirected to no URL", status=answer.status_code) from error
    return target


def _with_jitter(asked: float) -> float:
    return asked + random.uniform(0, min(1.0, asked / 10))  # noqa: S311 - jitter, no secret


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _name(request: HTTPRequest) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


def _reason(error: BaseException) -> str:
    """Find the shortest true reason in a chain of wrapped connection errors, without addresses of objects."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    deepest: BaseException = error
    while deepest.args and isinstance(deepest.args[-1], BaseException):
        deepest = deepest.args[-1]
    reason = getattr(deepest, "reason", None)
    if isinstance(reason, BaseException):
        deepest = reason.__cause__ or reason
    return str(getattr(deepest, "strerror", None) or deepest).split(": ", maxsplit=1)[-1]
