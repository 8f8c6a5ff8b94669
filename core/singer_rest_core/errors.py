"""The errors a tap may end in, each worth one line to the person who reads the log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalSyncError, SkippableSyncError

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_MESSAGE = 300
_MEMBERS_WITH_WORDS = (
    "errors",
    "error",
    "problem_details",
    "title",
    "message",
    "detail",
    "error_description",
    "description",
)


class RunEnded(FatalSyncError):
    """Ends the whole run at once: what is wrong is true of every stream (credentials, network, waiting time)."""


class AccessRefused(RunEnded):
    """The API does not accept the credentials (401), or not for this account."""


class ForeignOrigin(RunEnded):
    """A request or redirect would carry the token to a host other than the configured one."""


class ApiUnreachable(RunEnded):
    """No connection to the API, or none any more."""


class WaitTooLong(RunEnded):
    """The API asks for a longer wait than the setting `max_wait_minutes` allows."""


class OutputLost(RunEnded):
    """What was read cannot be written."""


class RunIncomplete(FatalSyncError):
    """The run came to its end, but some streams did not: raised once, after the others were read."""


class RequestFailed(FatalSyncError):
    """A request that ends its stream.

    Args:
        message: One line that names method, path, status and the API's own words.
        status: The HTTP status, or None where no answer came.
        body: The decoded body of the answer, or None.
    """

    def __init__(self, message: str, *, status: int | None = None, body: object = None) -> None:
        """Keep what the answer said beside the line for the log."""
        super().__init__(message)
        self.status = status
        self.body = body


class StreamUnavailable(SkippableSyncError):
    """The account may not read this stream, or the feature is off: it is skipped with a warning, the run goes on.

    Args:
        message: One line that says why.
        body: The decoded body of the answer that said so, or None.
    """

    def __init__(self, message: str, *, body: object = None) -> None:
        """Keep what the answer said beside the line for the log."""
        super().__init__(message)
        self.body = body


class RunInterrupted(BaseException):
    """A signal asked the run to stop; no `Exception`, so that nothing on the way out takes it for a failed stream.

    Args:
        signum: The number of the signal.
    """

    def __init__(self, signum: int) -> None:
        """Remember the signal: the exit code is made from it."""
        super().__init__(signum)
        self.signum = signum


def error_text(body: object, secrets: Iterable[str] = ()) -> str:
    """Find the API's own words in the body of an error.

    Understands JSON:API (`errors`), problem details (RFC 9457: `title`, `detail`; also under `problem_details`), OAuth
    (`error_description`) and the plain forms `{"error": …}` and `{"message": …}`.

    Args:
        body: The decoded body.
        secrets: Values to blot out, before the line is cut to its length.

    Returns:
        One line without control characters, at most 300 characters; empty if nothing is found.
    """
    return _one_line(redact(": ".join(_distinct(_words(body))), secrets))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Blot out secrets, should an API repeat them in its answer.

    Args:
        text: Any text on its way to a log.
        secrets: The values of the secret settings.

    Returns:
        The text with `***` where a secret stood.
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, "***")
    return text


def _words(body: object) -> list[str]:
    if isinstance(body, str):
        return [body]
    if isinstance(body, Sequence):
        return _words(body[0]) if body else []
    if not isinstance(body, Mapping):
        return []
    found: list[str] = []
    for name in _MEMBERS_WITH_WORDS:
        value: Any = body.get(name)
        if isinstance(value, Mapping) and not _words(value):
            value = [f"{key} {_first(entry)}" for key, entry in value.items()]
        found += _words(value)
    return found


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _distinct(words: list[str]) -> list[str]:
    return list(dict.fromkeys(word.strip().rstrip(".") for word in words if word.strip()))


def _one_line(text: str) -> str:
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[: _LONGEST_MESSAGE - 1]}…"
