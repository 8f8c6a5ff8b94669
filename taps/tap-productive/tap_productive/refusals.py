"""What the API says when it refuses a part of a request, and what a stream keeps of that for the runs after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

REFUSED = "refused"
"""Where a stream's state keeps what the API refuses."""


@dataclass(frozen=True)
class Refused:
    """What the API refuses to do with a list: trying it again in every run would cost requests.

    Args:
        includes: Relationships that it does not include.
        cursor: Whether it does not walk the list by cursor.
        filter: Whether it does not filter the list by its replication key.
        sort: Whether it does not sort the list, or not where it is read by cursor, by what never changes.
    """

    includes: frozenset[str] = frozenset()
    cursor: bool = False
    filter: bool = False
    sort: bool = False

    def __bool__(self) -> bool:
        """Whether it refuses anything."""
        return bool(self.includes) or self.cursor or self.filter or self.sort

    @classmethod
    def noted(cls, state: Mapping[str, Any], *, keep_for: timedelta, now: datetime) -> Refused:
        """Read what a run before has noted.

        Args:
            state: The stream's state.
            keep_for: How long a note counts: the API may change.
            now: The present instant.

        Returns:
            What it noted; nothing if that is too old, or cannot be read: then the API is asked again.
        """
        noted: Any = state.get(REFUSED)
        try:
            if now - instant(str(noted["at"])) >= keep_for:
                return cls()
            return cls(
                frozenset(noted["includes"]),
                cursor=noted["cursor"] is True,
                filter=noted["filter"] is True,
                sort=noted.get("sort") is True,
            )
        except (KeyError, TypeError, ValueError):
            return cls()

    def as_state(self, now: datetime) -> dict[str, object]:
        """Write it down.

        Args:
            now: The present instant.

        Returns:
            A JSON object for the stream's state.
        """
        at = now.isoformat(timespec="seconds")
        return {
            "at": at,
            "includes": sorted(self.includes),
            "cursor": self.cursor,
            "filter": self.filter,
            "sort": self.sort,
        }


def refused_names(names: Sequence[str], accepted: Callable[[Sequence[str]], bool]) -> set[str]:
    """Find which of several names an API refuses, by halves.

    Args:
        names: Names that are refused together.
        accepted: Tries some of them.

    Returns:
        Those that are refused by themselves.
    """
    if len(names) == 1:
        return set(names)
    middle = len(names) // 2
    first, second = names[:middle], names[middle:]
    if accepted(first):
        return refused_names(second, accepted)
    refused = refused_names(first, accepted)
    return refused if accepted(second) else refused | refused_names(second, accepted)


def refusal_words(body: object, *members: str) -> str:
    """Give what the errors of an answer say.

    Args:
        body: The decoded body.
        members: Which members of an error; its code and title if none.

    Returns:
        Their words in lower case.
    """
    errors = body.get("errors") if isinstance(body, dict) else None
    told = [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return " ".join(str(error.get(name, "")).lower() for error in told for name in members or ("code", "title"))
