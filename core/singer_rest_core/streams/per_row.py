"""Streams that send a request for each row of a list, and spare those whose answer is known: details, documents.

An API without a time of change leaves one way to see a change cheaply: the row of the list differs from what it was. So
a digest of the row is remembered in the stream's state under the row's key, and forgotten with the row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import override

from singer_rest_core.errors import ApiUnreachable, RequestFailed, StreamUnavailable
from singer_rest_core.streams.derived import DerivedStream
from singer_rest_core.streams.failed_rows import FailedRows
from singer_rest_core.streams.rest import RestStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.paging.list_query import ListQuery
    from singer_rest_core.paging.page import Page, PageDecoder
    from singer_rest_core.records.conform import Record

Entry = TypeVar("Entry")
Key = TypeVar("Key")

_REMEMBERED = "remembered"
_MISSED = "missed"
"""Keys of rows that the last complete read of the list missed, though they may exist."""

_FAILED = "failed"
"""Rows whose requests failed, see `FailedRows`."""

_MOST_WITHOUT_AN_ANSWER = 20
"""So many rows may fail before any is answered: with more, it is hardly the rows, and the others wait for another run,
in which they come first."""


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
            if key is None:
                raise RequestFailed(f"GET {self.path} answered with a row without {self.primary_keys[0]}")
            known, entry = self._index.get(str(key)), self.index_entry(row)
            if entry != known:
                self._repeated_keys += known is not None
                self._index[str(key)] = entry
                new.append(row)
        return page.with_rows(new)


class PerRowStream(DerivedStream, ABC):
    """A request for each of some rows of a list.

    A row may have been deleted since the list was read. One may be refused, or answered with an error for good: the
    others are read all the same, and the stream fails at its end.
    """

    requests_documents = False
    """Whether the answers are no JSON."""

    not_found = 0
    """How many of the rows last requested were not found."""

    _failures: Sequence[RequestFailed | StreamUnavailable] = ()
    """Of the rows last requested."""

    _was_answered = False
    """Whether any of the rows last requested came."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Make the records; where rows failed, the stream fails once the others are made.

        Yields:
            Raw records.
        """
        yield from super().get_records(context)
        self._fail_if_rows_failed()

    def answered(self, requests: Iterable[tuple[Key, HTTPRequest]]) -> Iterator[tuple[Key, requests.Response]]:
        """Request rows, and pass over those that fail.

        Args:
            requests: Keys and requests.

        Yields:
            Key and answer of the others.
        """
        self.not_found = 0
        self._failures = []
        self._was_answered = False
        for key, pending in self.request_each(requests, document=self.requests_documents):
            try:
                answer = pending.result()
            except (RequestFailed, StreamUnavailable) as failure:
                self._pass_over(key, failure)
            except ApiUnreachable as failure:
                self.row_failed(key, failure)
                self.page_written()
                raise
            else:
                self._was_answered = True
                yield key, answer
        if self.not_found:
            self.logger.warning("%d rows of the list were not found (404): requested again later", self.not_found)

    def row_failed(self, key: Any, failure: Exception) -> None:  # noqa: ANN401 - the tap's own kind of key
        """Remember that the request for a row failed.

        Args:
            key: The row.
            failure: What was answered, if anything.
        """

    def _pass_over(self, key: object, failure: RequestFailed | StreamUnavailable) -> None:
        """Go on with the next row, unless nothing but failures came."""
        self.row_failed(key, failure)
        if isinstance(failure, RequestFailed) and failure.status == HTTPStatus.NOT_FOUND:
            self.not_found += 1
            return
        self._failures = [*self._failures, failure]
        if len(self._failures) >= _MOST_WITHOUT_AN_ANSWER and not self._was_answered:
            self._fail_if_rows_failed()

    def _fail_if_rows_failed(self) -> None:
        """Report what failed; where every row was answered with 403, the stream may not be read.

        Raises:
            StreamUnavailable: In that case.
            RequestFailed: If rows failed.
        """
        if not self._failures:
            return
        self.page_written()
        first, *others = self._failures
        if not self._was_answered and all(isinstance(each, StreamUnavailable) for each in self._failures):
            raise first
        raise RequestFailed(f"{first}{f'; {len(others)} more failed' if others else ''}") from first


class DetailStream(PerRowStream, ABC, Generic[Entry]):
    """A request for each row of a list, unless what is remembered of the row says that it is not needed."""

    records_per_state = 100
    """The state names every row of the list: it is not sent with each of them."""

    _entries: Mapping[str, Entry]
    """The rows that may be requested in this run."""

    def __init__(self, tap: Tap, **sdk_arguments: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Make the stream of a tap.

        Args:
            tap: The tap.
            sdk_arguments: What the SDK's class takes beside it.
        """
        super().__init__(tap, **sdk_arguments)
        self._failed = FailedRows()

    @abstractmethod
    def listed(self) -> Mapping[str, Entry]:
        """Return the index entry of each row of the list.

        Returns:
            Entries by key.
        """

    @property
    @abstractmethod
    def list_is_complete(self) -> bool:
        """Whether the list was surely read to its end without missing a row."""

    @property
    @abstractmethod
    def list_is_certain(self) -> bool:
        """Whether that is beyond doubt; else a row is gone only if two complete reads of the list missed it."""

    @property
    def finds_deletes(self) -> bool:
        """Whether a row that is not in the list any more is gone."""
        return True

    @abstractmethod
    def is_due(self, entry: Entry, remembered: str | None) -> bool:
        """Whether a row has to be requested.

        Args:
            entry: Its entry in the index of the list.
            remembered: What was remembered when it was last requested; None if it never was.
        """

    @abstractmethod
    def memory(self, entry: Entry, answer: requests.Response) -> str:
        """Return what to remember of a row that was requested.

        Args:
            entry: Its entry in the index of the list.
            answer: The answer.

        Returns:
            Something short: the state holds one for each row.
        """

    @abstractmethod
    def request_for_row(self, key: str) -> HTTPRequest:
        """Return the request for what belongs to a row.

        Args:
            key: The key of the row.

        Returns:
            A request without credentials.
        """

    @abstractmethod
    def record_of(self, key: str, entry: Entry, answer: requests.Response) -> Record | None:
        """Make the record.

        Args:
            key: The key of the row.
            entry: Its entry in the index of the list.
            answer: The answer.

        Returns:
            A raw record; None if the answer is of no use, which the stream logs: it is requested again next time.
        """

    @property
    def remembered(self) -> dict[str, str]:
        """What is remembered, by key."""
        kept = self.stream_state.get(_REMEMBERED)
        entries = kept.items() if isinstance(kept, dict) else ()
        return {key: text for key, text in entries if isinstance(text, str)}

    def forget_all(self) -> None:
        """Request every row again, as what was made of them is of no use any more."""
        self.remember(_REMEMBERED, {})

    def entry_as_json(self, entry: Entry) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Return an entry for the state.

        Args:
            entry: An entry in the index of the list.

        Returns:
            What `entry_from_json` understands.
        """
        return entry

    def entry_from_json(self, held: Any) -> Entry:  # noqa: ANN401 - JSON is any of six types
        """Return an entry from the state.

        Args:
            held: What `entry_as_json` returned.

        Returns:
            The entry.
        """
        entry: Entry = held
        return entry

    @override
    def row_failed(self, key: Any, failure: Exception) -> None:
        self._failed.add(str(key), self.entry_as_json(self._entries[str(key)]), self.run.clock.now())

    @override
    def make_records(self) -> Iterator[Record]:
        """Request what is due: rows that failed before last, and less and less often."""
        listed = self.listed()
        kept = self.remembered
        self._failed = FailedRows.in_state(self.stream_state.get(_FAILED))
        # An incremental list may show a row no more that is still due.
        unlisted = {} if self.finds_deletes else {key: row.entry for key, row in self._failed.rows.items()}
        self._entries = {key: self.entry_from_json(held) for key, held in unlisted.items()} | dict(listed)
        due = [key for key, entry in self._entries.items() if self.is_due(entry, kept.get(key))]
        order, waiting = self._failed.in_order(due, self.run.clock.now())
        made = 0
        for key, answer in self.answered((key, self.request_for_row(key)) for key in order):
            record = self.record_of(key, self._entries[key], answer)
            if record is None:
                self._failed.add(key, self.entry_as_json(self._entries[key]), self.run.clock.now())
                continue
            yield record
            made += 1
            kept[key] = self.memory(self._entries[key], answer)
            self._failed.forget(key)
            self._remember(kept)
        if waiting:
            self.logger.warning(
                "%d rows failed in earlier runs and are not requested in this one: their requests become rarer",
                len(waiting),
            )
        self._remember(kept)
        self.has_read_all = self.list_is_complete
        self.covers_table = self.list_is_complete and self.finds_deletes and made == len(listed)
        self.is_certain = self.list_is_certain
        self.rows_read = made
        if self.list_is_complete:
            self._forget(kept, kept.keys() - listed.keys())

    @override
    def page_written(self) -> None:
        self._remember(self.remembered)
        super().page_written()

    def _remember(self, kept: dict[str, str]) -> None:
        self.remember(_REMEMBERED, kept)
        if self._failed.rows or _FAILED in self.stream_state:
            self.remember(_FAILED, self._failed.as_state())

    def _forget(self, kept: dict[str, str], missing: Iterable[str]) -> None:
        """Report the rows that are gone, unless ACTIVATE_VERSION will, and forget what was remembered of them.

        A row is gone if the list is beyond doubt and lacks it, or if two complete reads of the list did.
        """
        held = self.stream_state.get(_MISSED)
        missed_before = set(held) if isinstance(held, list) else set()
        keys = sorted(key for key in missing if self.list_is_certain or key in missed_before)
        missed = sorted(set(missing) - set(keys))
        if missed or missed_before:
            self.remember(_MISSED, missed)
        if self.finds_deletes and not self.covers_table:
            self.write_deletes([{self.primary_keys[0]: key} for key in keys])
        for key in keys:
            del kept[key]
            self._failed.forget(key)
        if self.finds_deletes:
            listed = self._entries
            for key in [each for each in self._failed.rows if each not in listed]:
                self._failed.forget(key)
        self._remember(kept)
