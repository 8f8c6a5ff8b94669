"""Access tokens by OAuth 2.0 password grant (RFC 6749, section 4.3): kept in memory, renewed in time, never logged."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.api.client import ApiClient
from singer_rest_core.api.client_options import ClientOptions
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.errors import AccessRefused, RequestFailed, RunEnded, StreamUnavailable
from singer_rest_core.records.exact_json import body_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    import requests

    from singer_rest_core.clock import Clock

_MAX_RENEWAL_MARGIN = 30.0
"""Seconds before its expiry at which a token is renewed, as requests take a while; a quarter of a short lifetime."""
_HEADERS = {"Accept": "application/json"}


@dataclass(frozen=True)
class Login:
    """A user's credentials, and where to send them.

    Args:
        token_url: The token endpoint; the password is sent to its origin and nowhere else.
        url_setting: The setting that it comes from.
        client_id: A public client, which has no secret.
        username: The user.
        password: It is sent only while there is no valid refresh token.
        user_agent: Value of the `User-Agent` header.
        request_timeout: Seconds without a byte after which a response is given up.
        max_wait: Seconds; a longer wait that the endpoint asks for ends the run.
        refusal_hint: What the user should do when the login is refused, as a clause.
        not_found_hint: What the user should do when the endpoint does not exist, as a clause.
    """

    token_url: str
    url_setting: str
    client_id: str
    username: str
    password: str = field(repr=False)
    user_agent: str
    request_timeout: float
    max_wait: float
    refusal_hint: str
    not_found_hint: str


@dataclass(frozen=True)
class _Token:
    access: str = field(repr=False)
    renew_at: float
    refresh: str | None = field(repr=False)
    refresh_until: float

    @property
    def bearer(self) -> str:
        return f"Bearer {self.access}"


class PasswordGrant:
    """Adds access tokens to requests, from any thread; one of the threads logs in for all.

    Args:
        login: The user's credentials.
        logger: Where retries are logged.
        clock: Measures the lifetimes of tokens, and waits before a login is tried again.
    """

    def __init__(self, login: Login, logger: logging.Logger, *, clock: Clock) -> None:
        """Send nothing yet."""
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self.secrets = [login.password]
        """Values that must not reach a log: the password, and the current and previous tokens. Changed in place."""
        self._client = ApiClient(
            ClientOptions(
                api_url=login.token_url,
                authenticate=lambda request: request,
                user_agent=login.user_agent,
                request_timeout=login.request_timeout,
                max_wait=login.max_wait,
                secrets=self.secrets,
                refusal_hint=login.refusal_hint,
                rate_limiter=RateLimiter({}, clock=clock),
                group_of=lambda _: "",
                renew_credentials=lambda _: False,
                url_setting=login.url_setting,
            ),
            logger,
            clock=clock,
        )

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add a token to a request, after logging in or renewing the token where necessary.

        Args:
            request: A request to the API.

        Returns:
            The same request.

        Raises:
            RunEnded: If no token can be obtained.
        """
        with self._lock:
            token = self._token
            if token is None or self._clock.monotonic() >= token.renew_at:
                token = self._replace_token()
            request.headers["Authorization"] = token.bearer
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Replace the token after the API has refused it, unless another thread has done so already.

        Args:
            refused: The request that was refused.

        Returns:
            True: there is another token now.

        Raises:
            RunEnded: If no token can be obtained.
        """
        with self._lock:
            if self._token is None or refused.headers.get("Authorization") == self._token.bearer:
                self._replace_token()
        return True

    def _replace_token(self) -> _Token:
        previous, token = self._token, self._new_token(self._token)
        known = [each for one in (token, previous) if one for each in (one.access, one.refresh)]
        self.secrets[1:] = [secret for secret in dict.fromkeys(known) if secret]
        self._token = token
        return token

    def _new_token(self, previous: _Token | None) -> _Token:
        """Request a token with the refresh token while that is valid, otherwise with the password."""
        if previous is not None and previous.refresh is not None and self._clock.monotonic() < previous.refresh_until:
            try:
                renewed = self._request_token({"grant_type": "refresh_token", "refresh_token": previous.refresh})
            except (AccessRefused, RequestFailed, StreamUnavailable):
                pass  # the session may have ended early: the password decides
            else:
                # Without a new one, the previous one stays valid (RFC 6749, section 6).
                if renewed.refresh is None:
                    return replace(renewed, refresh=previous.refresh, refresh_until=previous.refresh_until)
                return renewed
        return self._log_in()

    def _log_in(self) -> _Token:
        login = self._login
        try:
            return self._request_token(
                {"grant_type": "password", "username": login.username, "password": login.password}
            )
        except RequestFailed as refusal:
            if refusal.status == HTTPStatus.BAD_REQUEST:
                raise AccessRefused(f"{refusal}. {login.refusal_hint}") from refusal
            if refusal.status == HTTPStatus.NOT_FOUND:
                raise AccessRefused(f"{refusal}. {login.not_found_hint}") from refusal
            raise RunEnded(str(refusal)) from refusal
        except StreamUnavailable as refusal:
            raise AccessRefused(f"{refusal}. {login.refusal_hint}") from refusal

    def _request_token(self, grant: Mapping[str, str]) -> _Token:
        requested_at = self._clock.monotonic()
        form = {**grant, "client_id": self._login.client_id}
        request = HTTPRequest(self._login.token_url, method="POST", headers=dict(_HEADERS), data=form)
        body = body_of(self._client.send(request, thorough=True))
        token = _parse_token(body if isinstance(body, dict) else {}, requested_at)
        if token is None:
            raise AccessRefused(f"POST {request.url} answered without an access_token. {self._login.not_found_hint}")
        return token


def _parse_token(body: Mapping[str, Any], requested_at: float) -> _Token | None:
    """Return the token of a response (RFC 6749, section 5.1; `refresh_expires_in` is Keycloak's own).

    A token without a lifetime is taken for valid until it is refused. A refresh token with a lifetime of 0 s never
    expires.
    """
    access, refresh = body.get("access_token"), body.get("refresh_token")
    if not isinstance(access, str) or not access:
        return None
    lifetime = _parse_seconds(body.get("expires_in"))
    refresh_lifetime = _parse_seconds(body.get("refresh_expires_in")) or float("inf")
    return _Token(
        access,
        renew_at=requested_at + lifetime - min(_MAX_RENEWAL_MARGIN, lifetime / 4),
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        refresh_until=requested_at + refresh_lifetime,
    )


def _parse_seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("inf")
