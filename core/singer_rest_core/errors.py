"""The errors that end a run, a stream or a request; the message of each is one line for the log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import FatalSyncError, SkippableSyncError

from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_LENGTH = 300
_MESSAGE_MEMBERS = (
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
    """Ends the whole run at once: the cause affects every stream (credentials, network, waiting time)."""


class AccessRefused(RunEnded):
    """The API refuses the credentials (401), or their access to this account."""


class ApiUnreachable(RunEnded):
    """The API cannot be reached, or can no longer be reached."""


class ConnectionMisconfigured(RunEnded):
    """A proxy or certificate file of the environment cannot be used; the line names its variable."""


class WaitTooLong(RunEnded):
    """The API asks for a longer wait than the setting `max_wait_minutes` allows."""


class OutputLost(RunEnded):
    """Messages can no longer be written to stdout."""


class RunIncomplete(FatalSyncError):
    """Some streams failed; raised once, after all others were read."""


class RequestFailed(FatalSyncError):
    """A request failed, which ends its stream.

    Args:
        message: One line with method, path, status and the API's own message.
        status: The HTTP status, or None if there was no response.
        body: The decoded body of the response, or None.
    """

    def __init__(self, message: str, *, status: int | None = None, body: object = None) -> None:
        """Keep what the response said beside the line for the log."""
        super().__init__(message)
        self.status = status
        self.body = body


class ForeignOrigin(RequestFailed):
    """A request or redirect would send the token to an origin other than the configured one; it was not sent."""


class AnswerTooLarge(RequestFailed):
    """A response has more bytes than are read into memory or to disk."""


class OutcomeUnknown(RequestFailed):
    """A request that may be sent only once may have been carried out: its response was lost, or of no use.

    The message says what happened; what follows from that is for the caller to add.
    """


class StreamUnavailable(SkippableSyncError):
    """The account may not read this stream, or the feature is off: the stream is skipped with a warning.

    Args:
        message: One line with the reason.
        body: The decoded body of the response that said so, or None.
    """

    def __init__(self, message: str, *, body: object = None) -> None:
        """Keep what the response said beside the line for the log."""
        super().__init__(message)
        self.body = body


class RunInterrupted(BaseException):
    """A signal asked the run to stop; not an `Exception`, so that no handler takes it for a failed stream.

    Args:
        signum: The number of the signal.
    """

    def __init__(self, signum: int) -> None:
        """Keep the signal: the exit code depends on it."""
        super().__init__(signum)
        self.signum = signum
        self.state_was_lost = False
        """Whether the last STATE could not be written, as the loader did not read."""


def error_text(body: object, secrets: Iterable[str] = ()) -> str:
    """Return the API's own message from the body of an error response.

    Understands JSON:API (`errors`), problem details (RFC 9457: `title`, `detail`; also under `problem_details`), OAuth
    (`error_description`) and the plain forms `{"error": …}` and `{"message": …}`.

    Args:
        body: The decoded body.
        secrets: Values to redact before the line is cut to its maximum length.

    Returns:
        One line without control characters, at most 300 characters; empty if there is no message.
    """
    return _one_line(redact(": ".join(_distinct(_messages(body))), secrets))


def _messages(body: object) -> list[str]:
    if isinstance(body, str):
        return [body]
    if isinstance(body, Sequence):
        return _messages(body[0]) if body else []
    if not isinstance(body, Mapping):
        return []
    found: list[str] = []
    for name in _MESSAGE_MEMBERS:
        value: Any = body.get(name)
        if isinstance(value, Mapping) and not _messages(value):
            value = [f"{key} {_first(entry)}" for key, entry in value.items()]
        found += _messages(value)
    # A code is better than nothing.
    return found or _messages(body.get("code"))


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _distinct(messages: list[str]) -> list[str]:
    return list(dict.fromkeys(message.strip().rstrip(".") for message in messages if message.strip()))


def _one_line(text: str) -> str:
    line = re.sub(r"[\x00-\x1f\x7f-\x9f\s]+", " ", text).strip()
    return line if len(line) <= _MAX_LENGTH else f"{line[: _MAX_LENGTH - 1]}…"
