"""Sends single requests, and reports in plain words what happened to those that got no complete response."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from singer_rest_core.api.environment import Environment, untrusted_certificate
from singer_rest_core.api.response_body import read_error
from singer_rest_core.errors import ConnectionMisconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_rest_core.api.response_body import ReadBody

_CONNECT_TIMEOUT = 10.0
_FIRST_ERROR = 400
_PROXY_LOGIN_REQUIRED = 407
_BROKEN_BODY = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
_NOT_CONNECTED = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, ssl.SSLError)


class LostConnection(Exception):
    """A request got no response.

    Args:
        reason: Why, as a clause.
        was_sent: Whether the server may have received the request.
    """

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        """Keep both; the message is up to the caller."""
        super().__init__(reason)
        self.was_sent = was_sent


class BrokenBody(Exception):
    """A response began, but its body is cut short or cannot be decompressed.

    Args:
        reason: Why, as a clause.
        response: The response without its body.
    """

    def __init__(self, reason: str, response: requests.Response) -> None:
        """Keep both; the message is up to the caller."""
        super().__init__(reason)
        self.response = response


class Connection:
    """Sends requests to one API, from any thread: each has a connection of its own.

    Args:
        api_url: The URL of the API.
        timeout: Seconds without a byte after which a response is given up.
    """

    def __init__(self, api_url: str, *, timeout: float) -> None:
        """Connect to nothing yet."""
        self._api_url = api_url
        self._timeout = (min(_CONNECT_TIMEOUT, timeout), timeout)
        self._sessions = threading.local()
        self._lock = threading.Lock()
        self._environment: Environment | None = None

    @property
    def environment(self) -> Environment:
        """The proxies and certificates to use, read and checked once.

        Raises:
            ConnectionMisconfigured: If they cannot be used.
        """
        with self._lock:
            if self._environment is None:
                self._environment = Environment(self._api_url)
            return self._environment

    def send(self, request: requests.PreparedRequest, read_body: ReadBody, *, anew: bool = False) -> requests.Response:
        """Send a request once.

        Args:
            request: The request, with its credentials.
            read_body: Reads the body of a response below 400; of others, the beginning is read into memory.
            anew: Whether to open a new connection: one that was idle may have been closed by the server, which is
                seen only once the request is sent.

        Returns:
            The response, its body read; redirects are not followed.

        Raises:
            LostConnection: If there was no response.
            BrokenBody: If its body is cut short or cannot be decompressed.
            BodyTooLarge: If it has more bytes than are read.
            ConnectionMisconfigured: If a proxy or certificate of the environment makes every request fail.
        """
        environment, session = self.environment, self._session
        if anew:
            session.close()
        try:
            response = session.send(request, allow_redirects=False, timeout=self._timeout, **environment.settings)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise self._lost(error) from error
        if response.status_code == _PROXY_LOGIN_REQUIRED:
            response.close()
            raise self._proxy_login_required()
        try:
            (read_body if response.status_code < _FIRST_ERROR else read_error)(response)
        except (requests.ConnectionError, *_BROKEN_BODY, urllib3.exceptions.HTTPError) as error:
            response.close()
            raise BrokenBody(_reason(error), response) from error
        return response

    @property
    def _session(self) -> requests.Session:
        """The session of this thread. It looks up nothing in the environment: that is done once for all."""
        if not hasattr(self._sessions, "own"):
            self._sessions.own = requests.Session()
        own: requests.Session = self._sessions.own
        return own

    def _lost(self, error: Exception) -> LostConnection | ConnectionMisconfigured:
        proxy = self.environment.proxy
        causes = list(_causes(error))
        refused = next((each for each in causes if isinstance(each, ssl.SSLCertVerificationError)), None)
        if refused is not None:
            return untrusted_certificate(urlsplit(self._api_url).netloc, refused.verify_message.rstrip("."))
        is_proxy_error = any(isinstance(each, urllib3.exceptions.ProxyError) for each in causes)
        if is_proxy_error and any("407" in str(each) for each in causes):
            return self._proxy_login_required()
        was_sent = not is_proxy_error and not any(isinstance(each, _NOT_CONNECTED) for each in causes)
        reason = _reason(error)
        return LostConnection(f"through {proxy}: {reason}" if proxy else reason, was_sent=was_sent)

    def _proxy_login_required(self) -> ConnectionMisconfigured:
        proxy = self.environment.proxy or "a proxy"
        return ConnectionMisconfigured(
            f"{proxy[0].upper()}{proxy[1:]} refuses requests (407): it wants a user and a password, as in "
            "http://user:password@proxy.example.com:3128"
        )


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and those it wraps, by argument, reason or cause, outermost first."""
    seen: list[BaseException] = []
    pending = [error]
    while pending:
        each = pending.pop(0)
        if any(each is known for known in seen):
            continue
        seen.append(each)
        yield each
        wrapped = [*each.args, getattr(each, "reason", None), each.__cause__, each.__context__]
        pending += [inner for inner in wrapped if isinstance(inner, BaseException)]


def _reason(error: BaseException) -> str:
    """Return the message of the innermost of wrapped connection errors, without addresses of objects."""
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "connection timed out"
    if isinstance(error, requests.exceptions.Timeout):
        return "response timed out"
    causes = [each for each in _causes(error) if not isinstance(each, requests.RequestException)]
    system = next((each.strerror for each in reversed(causes) if isinstance(each, OSError) and each.strerror), None)
    if system:
        return " ".join(system.split())
    innermost: BaseException = error
    while innermost.args and isinstance(innermost.args[-1], BaseException):
        innermost = innermost.args[-1]
    reason = getattr(innermost, "reason", None)
    if isinstance(reason, BaseException):
        innermost = reason.__cause__ or reason
    text = str(innermost).split(": ", maxsplit=1)[-1]
    return " ".join(text.split()) or type(innermost).__name__
