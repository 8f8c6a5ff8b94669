"""A complete read that several runs share: its version, its start, and where the next run continues it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

UNFINISHED = "unfinished_read"
"""Where the stream's state keeps it."""


@dataclass(frozen=True)
class UnfinishedRead:
    """A complete read that was cut short.

    Args:
        version: The version that its rows carry.
        began: When its first part began.
        rows: How many rows came so far.
        place: Where it continues, as its reader said.
    """

    version: int
    began: datetime
    rows: int
    place: Mapping[str, Any]

    def as_state(self) -> dict[str, object]:
        """Return it as a JSON object for the state."""
        began = self.began.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"version": self.version, "began": began, "rows": self.rows, "place": dict(self.place)}

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> UnfinishedRead | None:
        """Read it from the stream's state.

        Args:
            state: The stream's state.

        Returns:
            The read; None if there is none, or what is there cannot be read: then the list is read from its beginning.
        """
        held: Any = state.get(UNFINISHED)
        try:
            return cls(int(held["version"]), instant(str(held["began"])), int(held["rows"]), dict(held["place"]))
        except (KeyError, OverflowError, TypeError, ValueError):
            return None
