"""Lists that an API sorts but does not filter: read from the newest row down to where the last run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.records.timestamps import instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class DescendingRead:
    """Follows one reading of a descending list.

    Args:
        bound: The oldest replication value that is wanted, inclusive.

    Raises:
        ValueError: If the bound is no timestamp.
    """

    def __init__(self, bound: str) -> None:
        """Begin before the first page."""
        self._bound = instant(bound)
        self._last: datetime | None = None
        self.reached = False
        """Whether an older row came: what follows it is older still."""

    def page(self, values: Sequence[object]) -> list[bool] | None:
        """Take note of a page.

        Args:
            values: The replication value of each row; what is no timestamp tells nothing, and its row is wanted.

        Returns:
            Which rows are wanted; None if they do not come in descending order.
        """
        moments = [_instant(value) for value in values]
        known = [moment for moment in (self._last, *moments) if moment is not None]
        if known != sorted(known, reverse=True):
            return None
        self._last = known[-1] if known else None
        wanted = [moment is None or moment >= self._bound for moment in moments]
        self.reached = self.reached or not all(wanted)
        return wanted


def _instant(value: object) -> datetime | None:
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None
