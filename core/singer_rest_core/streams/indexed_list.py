"""Lists that keep an index of their rows for the streams that send a request for each row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from typing_extensions import override

from singer_rest_core.streams.rest import RestStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Tap

    from singer_rest_core.paging.list_query import ListQuery
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.records.conform import Record

Entry = TypeVar("Entry")


class IndexedList(RestStream, ABC, Generic[Entry]):
    """A list that keeps an index of its rows for the streams derived from it.

    A row that comes twice unchanged is written once. Its rows are read record by record: an entry is made of the row as
    the API gave it.
    """

    page_codec = None

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self._index: dict[str, Entry] = {}
        self._repeated_keys = 0
        self.was_read = False
        """Whether the list was read to its end in this run."""

    @abstractmethod
    def index_entry(self, row: Record) -> Entry:
        """Return what derived streams have to know of a row; see `row_digest`.

        Args:
            row: A raw record.

        Returns:
            Something small: there is one for each row.
        """

    def index(self) -> Mapping[str, Entry]:
        """Return the index; the list is read for it unless this run has read it already.

        Returns:
            The entries by key, in the order of the list.
        """
        if not self.was_read:
            for _ in self.read_aside():
                pass
        return self._index

    @override
    def page_written(self) -> None:
        """Send no STATE in the middle of the list: it would say nothing new, and name every row that is remembered."""

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        self._index = {}
        self._repeated_keys = 0
        self.was_read = False
        yield from super().pages(query, decoder)
        self.was_read = True
        self.repeats_rows = bool(self._repeated_keys)
        self.has_read_all &= self.has_all_keys
        if self._repeated_keys:
            self.logger.warning(
                "%d rows have the %s of another row, but other values: a loader keeps the last of them",
                self._repeated_keys,
                self.primary_keys[0],
            )

    @override
    def accept_page(self, page: Page, query: ListQuery) -> Page:
        """Index the rows of a page, and leave out those that came before with the same entry.

        Raises:
            RequestFailed: If a row has no key.
        """
        new: list[Record] = []
        for row in super().accept_page(page, query).rows:
            key = self.row_id(row)
            known, entry = self._index.get(str(key)), self.index_entry(row)
            if entry != known:
                self._repeated_keys += known is not None
                self._index[str(key)] = entry
                new.append(row)
        return page.with_rows(new)
