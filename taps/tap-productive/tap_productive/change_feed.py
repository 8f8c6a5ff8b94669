"""Lists without a time of change, read only as far as activities name changed rows (`change_detection: activities`).

All of this is inferred from the documentation: that every change of these records creates an activity, and how an
activity names the record. So it is off by default, and the lists are still read completely every
`full_refresh_interval_days`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from singer_rest_core.records import instant_or_none, is_recent
from singer_rest_core.singer import BOOKMARK, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    from singer_rest_core import Page
    from tap_productive.client import ProductiveStream
    from tap_productive.page_observer import ObservedStream

_READ_UNTIL = "activities_read_until"
"""The key in a stream's state of the bookmark that activities had when the stream was last read."""

_COMPLETE_READ_AT = "read_whole_at"
"""The key in a stream's state of the time when the list was last read completely."""

_IDS_A_REQUEST = 100
_ROLES = ("item", "parent", "root")
"""What an activity names by type and id: the record, what it belongs to, and what that belongs to."""


@dataclass(frozen=True)
class Feed:
    """How activities name the changed rows of a list.

    Args:
        filter: The list's filter that takes the ids which activities give: of its rows, or of the records they belong
            to.
        item_type: The `item_type` (`parent_type`, `root_type`) of activities whose `item_id` (…) is such an id.
        column: A column of activities that holds such an id, too, whatever the activity is about.
        row_type: The `item_type` of activities whose `item_id` is the id of a row itself, though the filter takes
            another: the row is requested by `id` where the activity does not name what it belongs to.
    """

    filter: str
    item_type: str
    column: str = ""
    row_type: str = ""

    def ids_in(self, activity: Mapping[str, object]) -> tuple[str, set[str]]:
        """Return the ids that an activity gives for the list.

        Args:
            activity: Its columns that name records.

        Returns:
            A filter of the list, and the ids for it.
        """
        named = {
            str(activity[f"{role}_id"])
            for role in _ROLES
            if activity[f"{role}_id"] is not None and _is_type(activity[f"{role}_type"], self.item_type)
        }
        if self.column and activity[self.column] is not None:
            named.add(str(activity[self.column]))
        if not named and self.row_type and _is_type(activity["item_type"], self.row_type):
            return "id", {str(activity["item_id"])} - {"None"}
        return self.filter, named


class ChangeFeed:
    """Collects the ids of changed rows from the stream of activities, for the streams read after it.

    Args:
        activities: The stream of activities; it is read before the others.
        feeds: How activities name the rows of the lists that are read.
        full_refresh_interval: The longest time between two complete reads of a list.
    """

    def __init__(
        self, activities: ProductiveStream, feeds: Iterable[Feed], *, full_refresh_interval: timedelta
    ) -> None:
        """Start before the first activity."""
        self._activities = activities
        self._feeds = frozenset(feeds)
        self._full_refresh_interval = full_refresh_interval
        self._ids: defaultdict[tuple[Feed, str], set[str]] = defaultdict(set)

    def on_page(self, stream: ObservedStream, page: Page) -> None:
        """Collect the ids in a page of activities; on their first run the lists are read completely.

        Args:
            stream: The stream of activities.
            page: A page of it.
        """
        if stream.scope is Scope.EVERYTHING:
            return
        names = [f"{role}_{suffix}" for role in _ROLES for suffix in ("type", "id")]
        names += sorted({feed.column for feed in self._feeds if feed.column})
        for values in zip(*(page.column(name) for name in names), strict=True):
            activity = dict(zip(names, values, strict=True))
            for feed in self._feeds:
                filter_name, ids = feed.ids_in(activity)
                self._ids[feed, filter_name] |= ids

    def is_usable_for(self, stream: ProductiveStream) -> bool:
        """Whether activities can stand for a complete read of a stream, as far as is known before they are read.

        Args:
            stream: Any stream.
        """
        state = stream.state_at_start
        return (
            stream.feed is not None
            and stream.replication_method == REPLICATION_FULL_TABLE
            and state.get(_READ_UNTIL) is not None
            and state.get(_READ_UNTIL) == self._activities.bookmark_at_start
            and self._was_read_whole_lately(instant_or_none(state.get(_COMPLETE_READ_AT)))
        )

    def _was_read_whole_lately(self, moment: datetime | None) -> bool:
        return moment is not None and is_recent(moment, self._full_refresh_interval, now=self._now)

    def changed_parts(self, stream: ProductiveStream) -> list[tuple[str, str]] | None:
        """Return the parts of a list that have changed.

        Args:
            stream: The list.

        Returns:
            Filters (name and value), each for a part of it; None if the list is to be read completely: it has no feed,
            or was not read to its end in the run before, or the activities were not in this one.
        """
        feed = stream.feed
        if feed is None or not self._was_read or not self.is_usable_for(stream):
            return None
        names = dict.fromkeys((feed.filter, "id"))
        return [(name, ",".join(ids)) for name in names for ids in _batches(self._ids[feed, name])]

    def record_read(self, stream: ProductiveStream, *, complete: bool) -> None:
        """Remember up to which activities a stream has been read to its end.

        After a complete read that took several runs it is read completely once more: activities of the runs before have
        named rows that changed after they were read.

        Args:
            stream: The stream.
            complete: Whether every row was read, not only the changed parts.
        """
        if stream.feed is None or stream.replication_method != REPLICATION_FULL_TABLE:
            return
        is_up_to_date = self._was_read and stream.began_in_this_run
        stream.remember(_READ_UNTIL, self._activities.stream_state.get(BOOKMARK) if is_up_to_date else None)
        if complete:
            stream.remember(_COMPLETE_READ_AT, self._now.isoformat(timespec="seconds"))

    @property
    def _now(self) -> datetime:
        return self._activities.run.clock.now()

    @property
    def _was_read(self) -> bool:
        """Whether the activities were read to their end in this run."""
        return self._activities.name in self._activities.run.result.complete


def _is_type(found: object, expected: str) -> bool:
    """Compare names of types; how the API writes those of several words is not documented."""
    return isinstance(found, str) and found.replace("_", "").casefold() == expected.casefold()


def _batches(ids: Iterable[str]) -> list[list[str]]:
    ordered = sorted(ids, key=lambda text: (len(text), text))
    return [ordered[start : start + _IDS_A_REQUEST] for start in range(0, len(ordered), _IDS_A_REQUEST)]
