"""Access tokens by OAuth2 password grant (RFC 6749, section 4.3): in memory, renewed in time, never in a message."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.api.client import ApiClient, ClientOptions
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.errors import AccessRefused, RequestFailed, RunEnded, StreamUnavailable
from singer_rest_core.records.exact_json import body_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    import requests

    from singer_rest_core.clock import Clock

_LARGEST_MARGIN = 30.0
"""Seconds before its end at which a token is renewed, as requests take a while; of a short life, a quarter of it."""
_FORM = {"Accept": "application/json"}


@dataclass(frozen=True)
class Login:
    """What a user logs in with.

    Args:
        token_url: The token endpoint; the password goes to its origin and nowhere else.
        url_setting: The setting that it comes from.
        client_id: A public client: it has no secret.
        username: The user.
        password: It is sent only while there is no valid refresh token.
        user_agent: Who we say we are.
        request_timeout: Seconds without a byte after which an answer is given up.
        max_wait: Seconds; a longer wait that the endpoint asks for ends the run.
        refusal_hint: What the user should do when the login is refused, as a clause.
        not_found_hint: What the user should do when there is no such endpoint, as a clause.
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
    """Puts access tokens into requests, from any thread; however many ask at once, one of them logs in.

    Args:
        login: What a user logs in with.
        logger: Where waiting is announced.
        clock: Measures the lives of tokens, and waits before a login is tried again.
    """

    def __init__(self, login: Login, logger: logging.Logger, *, clock: Clock) -> None:
        """Send nothing yet."""
        self._login = login
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self.secrets = [login.password]
        """What must not reach a log: the password, and the tokens of now and before. It is changed in place."""
        self._transport = ApiClient(
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
        """Put a token into a request; log in, or renew the token, where that is due.

        Args:
            request: A request to the API.

        Returns:
            The same request.

        Raises:
            RunEnded: If there is no token to be had.
        """
        with self._lock:
            token = self._token
            if token is None or self._clock.monotonic() >= token.renew_at:
                token = self._renew()
            request.headers["Authorization"] = token.bearer
        return request

    def renew(self, refused: requests.PreparedRequest) -> bool:
        """Get another token after the API has refused one, unless another thread has done so meanwhile.

        Args:
            refused: The request that was refused.

        Returns:
            True: there is another token now.

        Raises:
            RunEnded: If there is no token to be had.
        """
        with self._lock:
            if self._token is None or refused.headers.get("Authorization") == self._token.bearer:
                self._renew()
        return True

    def _renew(self) -> _Token:
        before, now = self._token, self._renewed(self._token)
        known = [each for token in (now, before) if token for each in (token.access, token.refresh)]
        self.secrets[1:] = [secret for secret in dict.fromkeys(known) if secret]
        self._token = now
        return now

    def _renewed(self, token: _Token | None) -> _Token:
        """Use the refresh token while it is valid, else the password."""
        if token is not None and token.refresh is not None and self._clock.monotonic() < token.refresh_until:
            try:
                renewed = self._ask({"grant_type": "refresh_token", "refresh_token": token.refresh})
            except (AccessRefused, RequestFailed, StreamUnavailable):
                pass  # the session may have ended before its time: the password says whether we may have another
            else:
                # Without a new one, the old one holds (RFC 6749, section 6).
                if renewed.refresh is None:
                    return replace(renewed, refresh=token.refresh, refresh_until=token.refresh_until)
                return renewed
        login = self._login
        try:
            return self._ask({"grant_type": "password", "username": login.username, "password": login.password})
        except RequestFailed as refusal:
            if refusal.status == HTTPStatus.BAD_REQUEST:
                raise AccessRefused(f"{refusal}. {login.refusal_hint}") from refusal
            if refusal.status == HTTPStatus.NOT_FOUND:
                raise AccessRefused(f"{refusal}. {login.not_found_hint}") from refusal
            raise RunEnded(str(refusal)) from refusal
        except StreamUnavailable as refusal:
            raise AccessRefused(f"{refusal}. {login.refusal_hint}") from refusal

    def _ask(self, grant: Mapping[str, str]) -> _Token:
        asked = self._clock.monotonic()
        form = {**grant, "client_id": self._login.client_id}
        request = HTTPRequest(self._login.token_url, method="POST", headers=dict(_FORM), data=form)
        body = body_of(self._transport.send(request, thorough=True))
        token = _token_of(body if isinstance(body, dict) else {}, asked)
        if token is None:
            raise AccessRefused(f"POST {request.url} answered without an access_token. {self._login.not_found_hint}")
        return token


def _token_of(body: Mapping[str, Any], asked: float) -> _Token | None:
    """Read an answer of the token endpoint (RFC 6749, section 5.1; `refresh_expires_in` is Keycloak's own).

    What says nothing of its end is taken for valid until it is refused. A refresh token that ends after 0 s has no end.
    """
    access, refresh = body.get("access_token"), body.get("refresh_token")
    if not isinstance(access, str) or not access:
        return None
    life = _seconds(body.get("expires_in"))
    refresh_life = _seconds(body.get("refresh_expires_in")) or float("inf")
    return _Token(
        access,
        renew_at=asked + life - min(_LARGEST_MARGIN, life / 4),
        refresh=refresh if isinstance(refresh, str) and refresh else None,
        refresh_until=asked + refresh_life,
    )


def _seconds(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("inf")
