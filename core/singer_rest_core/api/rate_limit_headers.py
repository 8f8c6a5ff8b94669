"""Headers about rate limits: `X-RateLimit-*`, `RateLimit-*`, `RateLimit-Policy`, `Retry-After`.

The IETF draft (draft-ietf-httpapi-ratelimit-headers) has changed its form three times, and servers use every one:
`RateLimit-Limit`, `-Remaining`, `-Reset` (to 06), `RateLimit: limit=100, remaining=50, reset=7` (07) and
`RateLimit: "burst";r=50;t=7` (from 08), with policies `100;w=10` (to 07) or `"burst";q=100;w=10` (from 08).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_rest_core.api.retry import parse_delay, server_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_PREFIXES = ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
_RELEVANT = ("ratelimit", "rate-limit", "retry-after")
_PAUSING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""Statuses after which a `Retry-After` holds for every request."""
_MAX_VALUE_LENGTH = 2_000
_MAX_REQUESTS = 1e9
_MAX_WINDOW = 366 * 86_400.0
_MEMBERS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARAMETERS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


@dataclass(frozen=True)
class Policy:
    """A limit that the server states.

    Args:
        limit: Requests.
        seconds: The length of its window, or None if the server does not say.
        name: The server's name for it; empty before draft 08.
        burst: Whether more than `limit` may be sent at once: then it is not a window but a rate.
    """

    limit: int
    seconds: float | None
    name: str = ""
    burst: bool = False


@dataclass(frozen=True)
class LimitStatus:
    """How much of a limit is left.

    Args:
        remaining: Requests.
        reset: Seconds until there is more, or None if the server does not say.
        limit: The limit that this is left of, if the server says so.
        name: The name of the policy; empty before draft 08.
    """

    remaining: int
    reset: float | None
    limit: int | None = None
    name: str = ""


@dataclass(frozen=True)
class StatedLimits:
    """Everything that one response says about rate limits.

    Args:
        policies: The limits.
        statuses: What is left of them.
        retry_after: Seconds for which no request of the group may be sent, or None.
    """

    policies: tuple[Policy, ...] = ()
    statuses: tuple[LimitStatus, ...] = ()
    retry_after: float | None = None


_NOTHING_STATED = StatedLimits()


def parse_rate_limit_headers(headers: Mapping[str, str], *, status: int, now: datetime) -> StatedLimits:
    """Return what the headers of a response say about rate limits.

    Args:
        headers: The response's headers; case does not matter. An epoch or date in them is compared with the response's
            own `Date` where it has one, so that the two clocks need not agree.
        status: The response's status: only after 429 and 503 does `Retry-After` hold for every request.
        now: The present instant.

    Returns:
        What can be parsed; anything else is ignored.
    """
    values = _relevant(headers)
    if not values:
        return _NOTHING_STATED
    server_now = server_time(headers, now)
    policies = [*_parse_policies(values.get("ratelimit-policy", ""))]
    not_requests = {policy.name for policy in policies if policy.limit == 0 and policy.name}
    statuses = [*_parse_statuses(values.get("ratelimit", ""))]
    for prefix in _PREFIXES:
        stated = [*_parse_policies(values.get(f"{prefix}limit", ""))]
        policies += [policy for policy in stated if policy.seconds is not None]
        remaining = _parse_count(values.get(f"{prefix}remaining", ""))
        if remaining is not None:
            reset = parse_delay(values.get(f"{prefix}reset", ""), server_now)
            statuses.append(LimitStatus(remaining, reset, stated[0].limit if stated and stated[0].limit else None))
    return StatedLimits(
        tuple(dict.fromkeys(policy for policy in policies if policy.limit)),
        tuple(limit_status for limit_status in statuses if limit_status.name not in not_requests),
        _retry_after(values, status, server_now) if status in _PAUSING else None,
    )


def retry_after(headers: Mapping[str, str], *, status: int, now: datetime) -> float | None:
    """Return how long a response asks to wait before its request is sent again.

    Args:
        headers: The response's headers; case does not matter.
        status: The response's status. Only after a 429 does the reset of a window count: many APIs send it with every
            response, and after a 500 it need not be waited for.
        now: The present instant.

    Returns:
        Seconds, or None if the response does not say.
    """
    return _retry_after(_relevant(headers), status, server_time(headers, now))


def _relevant(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers about limits, by their names in lower case."""
    named = ((name.lower(), value) for name, value in headers.items())
    return {name: value[:_MAX_VALUE_LENGTH].strip() for name, value in named if any(part in name for part in _RELEVANT)}


def _retry_after(values: Mapping[str, str], status: int, now: datetime) -> float | None:
    wait = parse_delay(values.get("retry-after", ""), now)
    if wait is not None or status != HTTPStatus.TOO_MANY_REQUESTS:
        return wait
    resets = (parse_delay(values.get(f"{prefix}reset", ""), now) for prefix in _PREFIXES)
    exhausted = (each.reset for each in _parse_statuses(values.get("ratelimit", "")) if each.remaining == 0)
    return next((wait for wait in (*resets, *exhausted) if wait is not None), None)


def _parse_policies(value: str) -> Iterator[Policy]:
    """Parse `100;w=10`, `"burst";q=100;w=10` or a bare `100`; one that does not count requests gets the limit 0."""
    for first, parameters in _parse_list(value):
        limit = _parse_count(parameters.get("q", first))
        seconds = _parse_number(parameters.get("w", ""))
        window = seconds if seconds is not None and 0 < seconds <= _MAX_WINDOW else None
        if limit is None or ("w" in parameters and window is None):
            continue
        counted = parameters.get("qu", "requests") == "requests"
        burst = (_parse_count(parameters.get("burst", "")) or 0) > limit
        yield Policy(limit if counted else 0, window, first if "q" in parameters else "", burst)


def _parse_statuses(value: str) -> Iterator[LimitStatus]:
    """Parse `"burst";r=50;t=7` or `limit=100, remaining=50, reset=7`."""
    members = [*_parse_list(value)]
    flat = dict(first.split("=", 1) for first, _ in members if "=" in first)
    remaining = _parse_count(flat.get("remaining", ""))
    if remaining is not None:
        yield LimitStatus(remaining, _parse_seconds(flat.get("reset", "")), _parse_count(flat.get("limit", "")) or None)
    for first, parameters in members:
        remaining = _parse_count(parameters.get("r", ""))
        if remaining is not None:
            yield LimitStatus(remaining, _parse_seconds(parameters.get("t", "")), name=first)


def _parse_list(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Parse a list of structured fields (RFC 9651) into items and their parameters, without quotes."""
    for member in _MEMBERS.findall(value):
        item, *parameters = [part.strip() for part in _PARAMETERS.findall(member)] or [""]
        pairs = (part.partition("=") for part in parameters)
        yield _unquote(item), {name.strip().lower(): _unquote(given.strip()) for name, _, given in pairs}


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value


def _parse_seconds(value: str) -> float | None:
    number = _parse_number(value)
    return number if number is not None and 0 <= number <= _MAX_WINDOW else None


def _parse_count(value: str) -> int | None:
    number = _parse_number(value)
    return int(number) if number is not None and 0 <= number <= _MAX_REQUESTS else None


def _parse_number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
