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
class WindowPlace:
    """Where the read of one window continues.

    Args:
        cursor: The token of the next page; None at the beginning.
        is_read: Whether the window was read to its end.
    """

    cursor: Mapping[str, Any] | None = None
    is_read: bool = False


@dataclass(frozen=True)
class Place:
    """Where a read continues.

    Args:
        cursor: The token of the next page; None if the list is read in windows.
        borders: The ends of all windows but the last; empty if the list is read as one.
        windows: Where each window continues.
        second_pass_rows: How many rows a second pass has found so far, made because the first one fell short; None in
            the first.
    """

    cursor: Mapping[str, Any] | None
    borders: Sequence[datetime] = field(default=())
    windows: Sequence[WindowPlace] = field(default=())
    second_pass_rows: int | None = None

    def as_state(self) -> Record:
        """Return it as a JSON object for the state: with windows, `places` has "read", a cursor or null for each."""
        if not self.borders:
            second_pass = {} if self.second_pass_rows is None else {"again": self.second_pass_rows}
            return {"cursor": self.cursor, **second_pass}
        borders = [border.astimezone(UTC).isoformat().replace("+00:00", "Z") for border in self.borders]
        return {"windows": borders, "places": [_READ if each.is_read else each.cursor for each in self.windows]}

    @classmethod
    def in_state(cls, state: Mapping[str, Any]) -> Place:
        """Read it from the state.

        Args:
            state: What `as_state` returned in an earlier run. Windows were once read one after the other:
                `done` of them to their end, and the next one up to `cursor`.

        Returns:
            The place.

        Raises:
            PlaceLostError: If the state does not say where the read continues.
        """
        try:
            borders = [instant(str(border)) for border in state.get("windows", [])]
            cursor = None if "places" in state or state["cursor"] is None else dict(state["cursor"])
            second_pass_rows = int(state["again"]) if "again" in state else None
            if not borders:
                return cls(cursor, second_pass_rows=second_pass_rows)
            if "places" in state:
                windows = _windows_in(state["places"])
            else:
                # A number that no read can have written must not take the memory of so many windows.
                windows = _windows_after(min(int(state["done"]), len(borders) + 1), cursor)
        except (KeyError, OverflowError, TypeError, ValueError) as error:
            raise PlaceLostError("the state does not say where") from error
        unread = len(borders) + 1 - len(windows)
        if unread < 0 or (all(each.is_read for each in windows) and not unread):
            raise PlaceLostError(f"the state names {len(windows)} of {len(borders) + 1} windows")
        return cls(None, borders, [*windows, *[WindowPlace()] * unread])


_READ = "read"


def _windows_in(places: Sequence[Any]) -> list[WindowPlace]:
    return [
        WindowPlace(is_read=True) if each == _READ else WindowPlace(None if each is None else dict(each))
        for each in places
    ]


def _windows_after(done: int, cursor: Mapping[str, Any] | None) -> list[WindowPlace]:
    if done < 0:
        raise ValueError(done)
    return [*[WindowPlace(is_read=True)] * done, WindowPlace(cursor)]
