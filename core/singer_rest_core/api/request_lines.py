"""What errors and the log say about a request, in one line each."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from singer_rest_core.clock import time_span
from singer_rest_core.errors import WaitTooLong

if TYPE_CHECKING:
    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.retry import LongWait
    from singer_rest_core.clock import Clock

_SHORT = 600.0
"""Seconds: of a shorter wait, the time at its end is given to the second."""
_REQUEST_ID = re.compile(r"[\w.:/+=-]{1,100}")


def label(request: HTTPRequest) -> str:
    """Return method and path of a request; its query may hold anything.

    Args:
        request: The request.
    """
    return f"{request.method} {urlsplit(request.url).path}"


def answered(request: HTTPRequest, response: requests.Response) -> str:
    """Return what was answered with which status, and the id by which the API's support finds the request.

    Args:
        request: The request.
        response: Its response.
    """
    return f"{label(request)} answered {response.status_code}{request_id(response)}"


def request_id(response: requests.Response) -> str:
    """Return the id by which the API's support finds the request of a response, in brackets after a space.

    Args:
        response: The response.

    Returns:
        Empty if the response has none.
    """
    found = response.headers.get("X-Request-Id", "")
    return f" (x-request-id {found})" if _REQUEST_ID.fullmatch(found) else ""


def not_sent(request: HTTPRequest) -> str:
    """Return that a request is not sent.

    Args:
        request: The request.
    """
    return f"{label(request)} is not sent: the run is ending"


def wait_too_long(problem: str, wait: LongWait, clock: Clock) -> WaitTooLong:
    """Return the error about a wait that the user does not allow.

    Args:
        problem: What makes it necessary, as a sentence without its period.
        wait: How long.
        clock: The time.
    """
    moment = clock.now() + timedelta(seconds=wait.seconds)
    # Not a moment too early, and no minute late at a full hour that milliseconds have passed.
    if wait.seconds < _SHORT:
        after = (moment + timedelta(seconds=1)).isoformat(timespec="seconds")
    else:
        after = (moment + timedelta(seconds=59)).isoformat(timespec="minutes")
    return WaitTooLong(
        f"{problem}. That means waiting {time_span(wait.seconds)}, more than max_wait_minutes allows: "
        f"run again after {after}; what was read is kept in the state"
    )
