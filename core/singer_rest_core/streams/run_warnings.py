"""Warnings about what a run was given that cannot be meant: no stream, a key that is no column, times in the future."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_rest_core.records.timestamps import instant, is_date
from singer_rest_core.singer.bookmarks import BOOKMARK, BOOKMARK_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from singer_rest_core.streams.base import BaseStream

_CLOCK_DIFFERENCE = timedelta(minutes=5)
"""How far the clock of an API may be ahead of ours."""
_EASTERNMOST = timedelta(hours=14)
"""Where a new day begins first: a date there is no date in the future."""
_MOST_NAMES = 5


def run_warnings(selected: Sequence[BaseStream], start_date: object, *, now: datetime) -> Iterator[str]:
    """Look at what a run was given.

    Args:
        selected: The streams it reads.
        start_date: The setting; None if it is not set.
        now: The present instant.

    Yields:
        One line for each kind of thing that cannot be meant.
    """
    if not selected:
        yield "No stream is selected, so nothing is read: select some in the catalog, or with Meltano's `select`"
    keys = [f"{each.name} ({each.unknown_replication_key})" for each in selected if each.unknown_replication_key]
    if keys:
        yield (
            f"The replication key in the catalog is not a column: {listed(keys)}. Such a stream is read as the tap "
            "declares it: correct the catalog, or `metadata` in meltano.yml"
        )
    bookmarks = [f"{each.name} ({held})" for each in selected if (held := _future_bookmark(each, now))]
    if bookmarks:
        yield (
            f"The state has bookmarks in the future: {listed(bookmarks)}. What changes before then is not read: "
            "correct the state, or clear it to read everything again"
        )
    if isinstance(start_date, str) and _is_future(start_date, now):
        yield f"Setting start_date is in the future ({start_date}): what changed before then is not read"


def _future_bookmark(stream: BaseStream, now: datetime) -> str | None:
    state = stream.state_at_start
    is_read_from_it = (
        stream.replication_method == REPLICATION_INCREMENTAL and state.get(BOOKMARK_KEY) == stream.replication_key
    )
    held = state.get(BOOKMARK)
    return held if is_read_from_it and isinstance(held, str) and _is_future(held, now) else None


def _is_future(text: str, now: datetime) -> bool:
    """Return whether a date or timestamp is in the future everywhere; a text that is neither has errors of its own."""
    try:
        moment = instant(text)
    except ValueError:
        return False
    return moment > now + (_EASTERNMOST if is_date(text) else _CLOCK_DIFFERENCE)


def listed(names: Sequence[str]) -> str:
    """Return names for a line of the log.

    Args:
        names: Any number of them.

    Returns:
        The first few, and how many more there are.
    """
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
