"""What the headers of an answer say about the quota: `X-RateLimit-*`, `RateLimit-*`, `RateLimit-Policy`, `Retry-After`.

The IETF draft (draft-ietf-httpapi-ratelimit-headers) has changed its form three times, and servers follow every one:
`RateLimit-Limit`, `-Remaining`, `-Reset` (to 06), `RateLimit: limit=100, remaining=50, reset=7` (07) and
`RateLimit: "burst";r=50;t=7` (from 08), with policies `100;w=10` (to 07) or `"burst";q=100;w=10` (from 08).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_rest_core.api.retry import delay, server_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_PREFIXES = ("ratelimit-", "x-ratelimit-", "x-rate-limit-")
_TELLING = ("ratelimit", "rate-limit", "retry-after")
_HOLDING = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
"""After which a `Retry-After` is meant for everybody."""
_LONGEST_VALUE = 2_000
_MOST_REQUESTS = 1e9
_LONGEST_WINDOW = 366 * 86_400.0
_MEMBERS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_PARAMETERS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


@dataclass(frozen=True)
class Policy:
    """A limit the server states.

    Args:
        limit: Requests.
        seconds: The length of its window, or None if the server does not say.
        name: The server's name for it; empty before draft 08.
        burst: Whether more than `limit` may be sent at once: then it is no window but a rate.
    """

    limit: int
    seconds: float | None
    name: str = ""
    burst: bool = False


@dataclass(frozen=True)
class Remaining:
    """How much of a limit is left.

    Args:
        remaining: Requests.
        reset: Seconds until there is more, or None if the server does not say.
        limit: The limit this is the rest of, if the server says so.
        name: The name of the policy; empty before draft 08.
    """

    remaining: int
    reset: float | None
    limit: int | None = None
    name: str = ""


@dataclass(frozen=True)
class Told:
    """All that one answer says about the quota.

    Args:
        policies: The limits.
        rests: What is left of them.
        hold: Seconds for which nothing may be sent, or None.
    """

    policies: tuple[Policy, ...] = ()
    rests: tuple[Remaining, ...] = ()
    hold: float | None = None


_NOTHING = Told()


def read(headers: Mapping[str, str], *, status: int, now: datetime) -> Told:
    """Read the headers of an answer.

    Args:
        headers: The answer's headers; case does not matter. An epoch or date in them is compared with the answer's own
            `Date` where it has one, so that the two clocks need not agree.
        status: The answer's status: only a 429 or 503 makes everybody wait.
        now: The present instant.

    Returns:
        What can be understood; the rest is ignored.
    """
    told = _telling(headers)
    if not told:
        return _NOTHING
    there = server_time(headers, now)
    policies = [*_policies(told.get("ratelimit-policy", ""))]
    foreign = {policy.name for policy in policies if policy.limit == 0 and policy.name}
    rests = [*_rests(told.get("ratelimit", ""))]
    for prefix in _PREFIXES:
        stated = [*_policies(told.get(f"{prefix}limit", ""))]
        policies += [policy for policy in stated if policy.seconds is not None]
        remaining = _whole(told.get(f"{prefix}remaining", ""))
        if remaining is not None:
            reset = delay(told.get(f"{prefix}reset", ""), there)
            rests.append(Remaining(remaining, reset, stated[0].limit if stated and stated[0].limit else None))
    return Told(
        tuple(dict.fromkeys(policy for policy in policies if policy.limit)),
        tuple(rest for rest in rests if rest.name not in foreign),
        _wait(told, status, there) if status in _HOLDING else None,
    )


def retry_after(headers: Mapping[str, str], *, status: int, now: datetime) -> float | None:
    """Read how long an answer asks to wait before its request is sent again.

    Args:
        headers: The answer's headers; case does not matter.
        status: The answer's status. Only after a 429 does the reset of a window count: many APIs send it with every
            answer, and after a 500 nobody has to wait for it.
        now: The present instant.

    Returns:
        Seconds, or None if the answer does not say.
    """
    return _wait(_telling(headers), status, server_time(headers, now))


def _telling(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep the headers that tell of limits, by their names in lower case."""
    named = ((name.lower(), value) for name, value in headers.items())
    return {name: value[:_LONGEST_VALUE].strip() for name, value in named if any(part in name for part in _TELLING)}


def _wait(told: Mapping[str, str], status: int, now: datetime) -> float | None:
    wait = delay(told.get("retry-after", ""), now)
    if wait is not None or status != HTTPStatus.TOO_MANY_REQUESTS:
        return wait
    resets = (delay(told.get(f"{prefix}reset", ""), now) for prefix in _PREFIXES)
    exhausted = (rest.reset for rest in _rests(told.get("ratelimit", "")) if rest.remaining == 0)
    return next((wait for wait in (*resets, *exhausted) if wait is not None), None)


def _policies(value: str) -> Iterator[Policy]:
    """Read `100;w=10`, `"burst";q=100;w=10` or a bare `100`; one that does not count requests gets the limit 0."""
    for first, parameters in _members(value):
        limit = _whole(parameters.get("q", first))
        seconds = _number(parameters.get("w", ""))
        window = seconds if seconds is not None and 0 < seconds <= _LONGEST_WINDOW else None
        if limit is None or ("w" in parameters and window is None):
            continue
        counted = parameters.get("qu", "requests") == "requests"
        burst = (_whole(parameters.get("burst", "")) or 0) > limit
        yield Policy(limit if counted else 0, window, first if "q" in parameters else "", burst)


def _rests(value: str) -> Iterator[Remaining]:
    """Read `"burst";r=50;t=7` or `limit=100, remaining=50, reset=7`."""
    members = [*_members(value)]
    flat = dict(first.split("=", 1) for first, _ in members if "=" in first)
    left = _whole(flat.get("remaining", ""))
    if left is not None:
        yield Remaining(left, _seconds(flat.get("reset", "")), _whole(flat.get("limit", "")) or None)
    for first, parameters in members:
        remaining = _whole(parameters.get("r", ""))
        if remaining is not None:
            yield Remaining(remaining, _seconds(parameters.get("t", "")), name=first)


def _members(value: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Split a list of structured fields (RFC 9651) into items and their parameters, without quotes."""
    for member in _MEMBERS.findall(value):
        first, *rest = [part.strip() for part in _PARAMETERS.findall(member)] or [""]
        pairs = (part.partition("=") for part in rest)
        yield _unquoted(first), {name.strip().lower(): _unquoted(given.strip()) for name, _, given in pairs}


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value


def _seconds(value: str) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= _LONGEST_WINDOW else None


def _whole(value: str) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= _MOST_REQUESTS else None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
