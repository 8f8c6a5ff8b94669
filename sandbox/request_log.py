"""The log of requests and answers, without credentials, and without bodies, as a login has credentials in its body."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.json_types import JsonObject


@dataclass
class LogEntry:
    """One request.

    Attributes:
        method: The HTTP method.
        path: The whole path, mount included.
        query: The decoded query, in the order sent.
        authenticated: Whether it carried a valid credential; the credential itself is never logged.
        organization: The requested organization; None in systems where the token alone determines it.
        user_agent: Its User-Agent.
        feature_flags: Its X-Feature-Flags header, which only Productive has.
        status: The answer's status; 0 before the answer, or if the connection was dropped.
        content_length: The size of the answer's body in bytes, as announced.
        account: The further account whose credential it carried; empty for that without a name.
        at: When it arrived, in seconds of a clock that only runs forward.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    authenticated: bool
    organization: str | None
    user_agent: str | None
    feature_flags: str | None
    status: int = 0
    content_length: int = 0
    account: str = ""
    at: float = field(default_factory=time.monotonic)


class RequestLog:
    """The requests since the start, or since the log was cleared."""

    def __init__(self) -> None:
        """Start with an empty log."""
        self._entries: list[LogEntry] = []

    def add(self, entry: LogEntry) -> None:
        """Add an entry."""
        self._entries.append(entry)

    def clear(self) -> None:
        """Remove all entries."""
        self._entries.clear()

    def as_json(self) -> list[JsonObject]:
        """Return all entries, oldest first."""
        return [asdict(entry) for entry in self._entries]
