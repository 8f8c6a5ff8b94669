"""The recycle bin, and the tombstones that it gives other streams (setting `tombstones`)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from singer_rest_core.records import to_utc
from singer_rest_core.singer import DELETED_AT, Scope
from tap_productive.client import ProductiveStream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_rest_core import Page, Record
    from tap_productive.query import ProductiveQuery


class DeletedItems(ProductiveStream):
    """The recycle bin: deleted records of 14 types. Rows are only added, until restored or deleted permanently.

    With `tombstones` it is read after all other lists, but in a first run: what it holds has been deleted since they
    were read, or before.
    """

    name = "deleted_items"
    filter_times = ("created_at",)
    sort_times = ("created_at",)  # in the vendor's specification and its command line only
    replication_key = "created_at"
    references = ("deleter",)

    turn = 1

    lists: Sequence[ProductiveStream] = ()
    """The lists whose rows may have been deleted; set by the tap before the first stream is read."""

    read_before: frozenset[str] = frozenset()
    """The lists that an earlier run has read, at least in part; set by the tap before the first stream is read."""

    _deleted: Sequence[Sequence[object]] = ()
    """Type, id and time of the records in the page at hand that are still deleted."""

    @property
    @override
    def turn_ahead(self) -> int:
        """That of all lists in a run without state: nothing was loaded before, so no tombstone is written."""
        return self.turn if self.read_before else 0

    @property
    @override
    def may_be_unchanged(self) -> bool:
        """Whether its reads can be compared: not where tombstones are written between its rows."""
        return not self.config["tombstones"]

    @override
    def accept_page(self, page: Page, query: ProductiveQuery) -> Page:
        """Keep which records the page reports as deleted."""
        page = super().accept_page(page, query)
        if self.config["tombstones"]:
            columns = [page.column(name) for name in ("item_type", "item_id", "created_at", "recovered_at")]
            self._deleted = [deleted for *deleted, recovered_at in zip(*columns, strict=True) if recovered_at is None]
        return page

    @override
    def page_written(self) -> None:
        """Write the tombstones of the page before STATE says that it was read."""
        self.write_tombstones()
        super().page_written()

    def write_tombstones(self) -> None:
        """Write the keys of deleted rows, for streams whose deletes do not show in a complete read."""
        keys: defaultdict[str, list[Record]] = defaultdict(list)
        for kind, item, moment in self._deleted:
            keys[str(kind)].append({"id": str(item), **_deleted_at(moment)})
        self._deleted = ()
        for stream in self.lists:
            if stream.selected and self._may_be_loaded(stream) and not stream.finds_deletes:
                stream.write_deletes([key for kind in stream.deleted_item_types for key in keys[kind]])

    def _may_be_loaded(self, stream: ProductiveStream) -> bool:
        """Whether rows of a stream may have been loaded before they were deleted: not on its first run."""
        return self.scope == Scope.CHANGES or stream.name in self.read_before


def _deleted_at(moment: Any) -> dict[str, str]:  # noqa: ANN401 - JSON is any of six types
    """Return the time as the records of a delete hold it; nothing if it is not a timestamp."""
    try:
        return {DELETED_AT: to_utc(moment)} if isinstance(moment, str) else {}
    except ValueError:
        return {}
