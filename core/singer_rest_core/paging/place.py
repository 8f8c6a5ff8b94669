"""Where a complete read by cursor stopped, as the state keeps it: in one chain of pages, or in windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from singer_rest_core.records.conform import Record


class PlaceLostError(Exception):
    """The API does not know the place any more where an earlier run stopped."""


@dataclass(frozen=True)
class Place:
    """Where a read continues.

    Args:
        cursor: The token of the next page; None at the beginning of a window.
        borders: The ends of all windows but the last; empty if the list is read as one.
        windows_read: How many windows were read to their end.
        second_pass_rows: How many rows a second pass has found so far, made because the first one fell short; None in
            the first.
    """

    cursor: Mapping[str, Any] | None
    borders: Sequence[datetime] = field(default=())
    windows_read: int = 0
    second_pass_rows: int | None = None

    def as_state(self) -> Record:
        """Return it as a JSON object for the state."""
        if not self.borders:
            second_pass = {} if self.second_pass_rows is None else {"again": self.second_pass_rows}
            return {"cursor": self.cursor, **second_pass}
        borders = [border.astimezone(UTC).isoformat().replace("+00:00", "Z") for border in self.borders]
        return {"windows": borders, "done": self.windows_read, "cursor": self.cursor}

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> Place:
        """Read it from the state.

        Args:
            state: What `as_state` returned in an earlier run.

        Returns:
            The place.

        Raises:
            PlaceLostError: If the state does not say where the read continues.
        """
        try:
            cursor = None if state["cursor"] is None else dict(state["cursor"])
            borders = [instant(str(border)) for border in state.get("windows", [])]
            windows_read = int(state.get("done", 0))
            second_pass_rows = int(state["again"]) if "again" in state else None
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise PlaceLostError("the state does not say where") from error
        if not 0 <= windows_read <= len(borders):
            raise PlaceLostError(f"the state names window {windows_read} of {len(borders) + 1}")
        return cls(cursor, borders, windows_read, second_pass_rows)
