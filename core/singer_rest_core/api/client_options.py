"""What the HTTP client needs to know of an API and of the user's settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.rate_limit import RateLimiter


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
        account_refusal: Returns what the user should do about a 403 that refuses the account and not one list, by its
            decoded body, as a sentence without its period; empty if it is one list that is refused.
        proves_access: Whether an answer to a request shows that the API accepts the credentials for the account.
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
    account_refusal: Callable[[object], str] = lambda _: ""
    proves_access: Callable[[HTTPRequest], bool] = lambda _: True
