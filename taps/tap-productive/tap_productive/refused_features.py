"""What the API refuses to do with a list, as a value that later runs remember."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core.records import instant, is_recent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

STATE_KEY = "refused"
"""Where the stream's state keeps it."""


@dataclass(frozen=True)
class RefusedFeatures:
    """What the API refuses to do with a list: trying it again in every run would cost requests.

    Args:
        includes: Relationships that it does not include.
        cursor: Whether it does not page through the list by cursor.
        filter: Whether it does not filter the list by its replication key.
        inclusive_filter: Whether it filters the list by its replication key with `gt`, but not with `gt_eq`.
        sort: Whether it does not sort the list by what never changes, or not where it is read by cursor.
    """

    includes: frozenset[str] = frozenset()
    cursor: bool = False
    filter: bool = False
    sort: bool = False
    inclusive_filter: bool = False

    def __bool__(self) -> bool:
        """Whether it refuses anything."""
        return self != RefusedFeatures()

    @classmethod
    def from_state(cls, state: Mapping[str, Any], *, max_age: timedelta, now: datetime) -> RefusedFeatures:
        """Return what an earlier run remembered.

        Args:
            state: The stream's state.
            max_age: How long it counts: the API may change.
            now: The present instant.

        Returns:
            What was remembered; nothing if it is too old or cannot be read: then everything is requested again.
        """
        kept: Any = state.get(STATE_KEY)
        try:
            if not is_recent(instant(str(kept["at"])), max_age, now=now):
                return cls()
            return cls(
                frozenset(kept["includes"]),
                cursor=kept["cursor"] is True,
                filter=kept["filter"] is True,
                sort=kept.get("sort") is True,
                inclusive_filter=kept.get("inclusive_filter") is True,
            )
        except (KeyError, TypeError, ValueError):
            return cls()

    def to_state(self, now: datetime) -> dict[str, object]:
        """Return what to remember.

        Args:
            now: The present instant.

        Returns:
            A JSON object for the stream's state.
        """
        kept: dict[str, object] = {
            "at": now.isoformat(timespec="seconds"),
            "includes": sorted(self.includes),
            "cursor": self.cursor,
            "filter": self.filter,
            "sort": self.sort,
        }
        return kept | ({"inclusive_filter": True} if self.inclusive_filter else {})
