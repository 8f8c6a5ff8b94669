"""Lists that say nothing of changes, read by what activities tell of them (setting `change_detection: activities`).

All of this is inferred from the documentation: that every change of these records leaves an activity, and how an
activity names the record. So it is off unless asked for, and the lists are still read whole every
`full_refresh_interval_days`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from singer_rest_core.records.timestamps import instant
from singer_rest_core.singer.bookmarks import BOOKMARK, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import timedelta

    from singer_rest_core import Page
    from tap_productive.client import ProductiveStream
    from tap_productive.page_observer import ObservedStream

_READ_UNTIL = "activities_read_until"
"""The bookmark of activities that a stream's rows are as of."""

_READ_WHOLE_AT = "read_whole_at"
_IDS_A_REQUEST = 100
_SIDES = ("item", "parent", "root")
"""What an activity names by type and id: the record, what it is part of, and what that is part of."""


@dataclass(frozen=True)
class Feed:
    """How activities tell which rows of a list have changed.

    Args:
        filter: The list's filter that takes the ids which activities give: of its rows, or of what they are part of.
        item_type: What `item_type` (or that of the parent or root) is where `item_id` is such an id.
        column: A column of activities that holds such an id, too, whatever the activity is about.
        part_type: What `item_type` is where `item_id` is the id of a row itself, though the filter takes another: the
            row is asked for by `id` where the activity does not say what it is part of.
    """

    filter: str
    item_type: str
    column: str = ""
    part_type: str = ""

    def ids_in(self, activity: Mapping[str, object]) -> tuple[str, set[str]]:
        """Find what an activity tells of the list.

        Args:
            activity: Its columns that say what it is about.

        Returns:
            A filter of the list, and the ids for it.
        """
        named = {
            str(activity[f"{side}_id"])
            for side in _SIDES
            if activity[f"{side}_id"] is not None and _is_type(activity[f"{side}_type"], self.item_type)
        }
        if self.column and activity[self.column] is not None:
            named.add(str(activity[self.column]))
        if not named and self.part_type and _is_type(activity["item_type"], self.part_type):
            return "id", {str(activity["item_id"])} - {"None"}
        return self.filter, named


class ChangeFeed:
    """Collects what the stream of activities tells, for the streams after it.

    Args:
        activities: The stream of activities; it is read before the others.
        feeds: How activities tell of the lists that are read.
        whole_every: The longest time between two complete reads of a list.
    """

    def __init__(self, activities: ProductiveStream, feeds: Iterable[Feed], *, whole_every: timedelta) -> None:
        """Start before the first activity."""
        self._activities = activities
        self._feeds = frozenset(feeds)
        self._whole_every = whole_every
        self._ids: defaultdict[tuple[Feed, str], set[str]] = defaultdict(set)

    def on_page(self, stream: ObservedStream, page: Page) -> None:
        """Collect the ids in a page of activities; on their first run nobody needs them.

        Args:
            stream: The stream of activities.
            page: A page of it.
        """
        if stream.scope is Scope.EVERYTHING:
            return
        names = [f"{side}_{what}" for side in _SIDES for what in ("type", "id")]
        names += sorted({feed.column for feed in self._feeds if feed.column})
        for values in zip(*(page.column(name) for name in names), strict=True):
            activity = dict(zip(names, values, strict=True))
            for feed in self._feeds:
                name, ids = feed.ids_in(activity)
                self._ids[feed, name] |= ids

    def may_tell(self, stream: ProductiveStream) -> bool:
        """Tell whether a stream may be read by its activities; known before they are read.

        Args:
            stream: Any stream.

        Returns:
            Whether `parts` may give less than the whole list.
        """
        noted = stream.state_at_start
        return (
            stream.feed is not None
            and stream.replication_method == REPLICATION_FULL_TABLE
            and noted.get(_READ_UNTIL) is not None
            and noted.get(_READ_UNTIL) == self._activities.bookmark_at_start
            and datetime.now(UTC) - instant(str(noted.get(_READ_WHOLE_AT))) < self._whole_every
        )

    def parts(self, stream: ProductiveStream) -> list[tuple[str, str]] | None:
        """Return the parts of a list that have changed.

        Args:
            stream: The list.

        Returns:
            Filters, each for a part of it; None if the whole list is to be read: it has no feed, or was not read to its
            end in the run before, or the activities were not in this one.
        """
        feed = stream.feed
        if feed is None or not self._is_complete or not self.may_tell(stream):
            return None
        names = dict.fromkeys((feed.filter, "id"))
        return [(name, ",".join(ids)) for name in names for ids in _batches(self._ids[feed, name])]

    def note_read(self, stream: ProductiveStream, *, whole: bool) -> None:
        """Remember as of which activities a stream has been read to its end.

        Args:
            stream: The stream.
            whole: Whether all of it was.
        """
        if stream.feed is None or stream.replication_method != REPLICATION_FULL_TABLE:
            return
        stream.remember(_READ_UNTIL, self._activities.stream_state.get(BOOKMARK) if self._is_complete else None)
        if whole:
            stream.remember(_READ_WHOLE_AT, datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def _is_complete(self) -> bool:
        return self._activities.name in self._activities.run.result.complete


def _is_type(found: object, expected: str) -> bool:
    """Compare names of types; how the API writes those of several words is not documented."""
    return isinstance(found, str) and found.replace("_", "").casefold() == expected.casefold()


def _batches(ids: Iterable[str]) -> list[list[str]]:
    ordered = sorted(ids, key=lambda text: (len(text), text))
    return [ordered[start : start + _IDS_A_REQUEST] for start in range(0, len(ordered), _IDS_A_REQUEST)]
