"""The Keycloak that issues tokens: the password grant as documented, the rest as Keycloak does it.

The vendor documents only the request and the fields of the answer. Errors, the refresh request and the default
lifetimes are Keycloak's own (inferred).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sandbox.credentials import credential_of
from sandbox.gateway import ApiError, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock
    from sandbox.gateway import ApiRequest

CLIENT_ID = "api-client"
USERNAME = "sandbox-user"
PASSWORD = "sandbox-password"  # noqa: S105 - opens nothing else
FORM = "application/x-www-form-urlencoded"
GRANTS = ("password", "refresh_token")


@dataclass
class Lifetimes:
    """How long tokens last.

    Attributes:
        expires_in: Lifetime of an access token in seconds.
        refresh_expires_in: Lifetime of a refresh token in seconds.
        requests_per_token: Number of requests after which an access token expires early, unannounced; 0 for never.
    """

    expires_in: float = 300
    refresh_expires_in: float = 1800
    requests_per_token: int = 0


class Keycloak:
    """Issues and checks tokens."""

    def __init__(self, clock: Clock, account: str = "") -> None:
        """Measure token lifetimes by `clock`; the user is that of `account`."""
        self._account = account
        self._clock = clock
        self._issued = 0
        self.reset()

    def reset(self) -> None:
        """Revoke all tokens and clear the login counts. Earlier tokens are never issued again."""
        self.lifetimes = Lifetimes()
        self.logins: Counter[str] = Counter()
        self._access: dict[str, tuple[float, int]] = {}
        self._refresh: dict[str, float] = {}

    def revoke(self, *, refresh_tokens: bool = True) -> None:
        """Revoke all access tokens and, by default, all refresh tokens."""
        self._access.clear()
        if refresh_tokens:
            self._refresh.clear()

    def is_valid(self, token: str) -> bool:
        """Return whether an access token is valid now."""
        expires_at, requests_left = self._access.get(token, (0.0, 0))
        return self._clock.monotonic() < expires_at and requests_left != 0

    def use(self, token: str) -> bool:
        """Count one request with an access token, and return whether the token is valid."""
        if not self.is_valid(token):
            return False
        expires_at, requests_left = self._access[token]
        self._access[token] = (expires_at, requests_left - 1)
        return True

    def answer(self, request: ApiRequest) -> Reply:
        """Return tokens.

        Raises:
            ApiError: The request is invalid, or its credentials are.
        """
        if request.method != "POST":
            raise ApiError(405, {"error": "HTTP 405 Method Not Allowed"})
        if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
            raise ApiError(415, {"error": "HTTP 415 Unsupported Media Type"})
        form = dict(parse_qsl(request.body.decode()))
        grant = form.get("grant_type", "")
        try:
            self._check_grant(grant, form)
        except ApiError:
            self.logins["refused"] += 1
            raise
        self.logins[grant] += 1
        return self._tokens()

    def _check_grant(self, grant: str, form: Mapping[str, str]) -> None:
        if not grant:
            raise oauth_error(400, "invalid_request", "Missing form parameter: grant_type")
        if form.get("client_id") != CLIENT_ID:
            raise oauth_error(401, "invalid_client", "Invalid client or Invalid client credentials")
        if grant not in GRANTS:
            raise oauth_error(400, "unsupported_grant_type", "Unsupported grant_type")
        if grant == "password":
            if (form.get("username"), form.get("password")) != (credential_of(USERNAME, self._account), PASSWORD):
                raise oauth_error(401, "invalid_grant", "Invalid user credentials")
            return
        expires_at = self._refresh.get(form.get("refresh_token", ""))
        if expires_at is None:
            raise oauth_error(400, "invalid_grant", "Invalid refresh token")
        if self._clock.monotonic() >= expires_at:
            raise oauth_error(400, "invalid_grant", "Token is not active")

    def _tokens(self) -> Reply:
        self._issued += 1
        kinds = ("access", "refresh")
        access, refresh = (credential_of(f"covage-{kind}-{self._issued:06}", self._account) for kind in kinds)
        now = self._clock.monotonic()
        self._access[access] = (now + self.lifetimes.expires_in, self.lifetimes.requests_per_token or -1)
        self._refresh[refresh] = now + self.lifetimes.refresh_expires_in
        return Reply(
            {
                "access_token": access,
                "expires_in": self.lifetimes.expires_in,
                "refresh_expires_in": self.lifetimes.refresh_expires_in,
                "refresh_token": refresh,
                "token_type": "Bearer",
                "session_state": f"00000000-0000-4000-8000-{self._issued:012}",
                "scope": "profile email",
            },
            headers={"Cache-Control": "no-store"},
        )


def login_of(request: ApiRequest) -> str:
    """Return the user of a login, or its refresh token; empty if the request has neither."""
    form = dict(parse_qsl(request.body.decode(errors="replace")))
    return form.get("username") or form.get("refresh_token", "")


def oauth_error(status: int, error: str, description: str) -> ApiError:
    """Return an error in OAuth's format."""
    return ApiError(status, {"error": error, "error_description": description})
