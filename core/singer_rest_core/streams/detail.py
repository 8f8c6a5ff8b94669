"""Streams that request a row of a list only if what is remembered of it does not do: details, documents.

An API without a time of change leaves one way to see a change cheaply: the row of the list differs from what it was. So
a digest of the row is remembered in the stream's state under the row's key, and forgotten with the row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from typing_extensions import override

from singer_rest_core.errors import RequestFailed
from singer_rest_core.singer.versions import CompleteRead, activation
from singer_rest_core.streams.per_row import PerRowStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    import requests
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.records.conform import Record

Entry = TypeVar("Entry")

_REMEMBERED = "remembered"
_MISSED = "missed"
"""Keys of rows that the last complete read of the list missed, though they may exist."""

_REMEMBERED_SINCE = "remembered_since"
"""The version of the run before which nothing was remembered, and how many complete reads of the list in a row showed
no row that is not remembered. Kept until that version was activated."""


class DetailStream(PerRowStream, ABC, Generic[Entry]):
    """A request for each row of a list, unless what is remembered of the row says that it is not needed."""

    records_per_state = 100
    """The state names every row of the list: it is not sent with each of them."""

    _entries: Mapping[str, Entry]
    """The rows that may be requested in this run."""

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

    @property
    @override
    def may_be_unchanged(self) -> bool:
        """Whether its reads can be compared: no, each brings what is due, and what is remembered says what is."""
        return False

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
    def entry_of_failed(self, key: str) -> Any:
        return self.entry_as_json(self._entries[key])

    @override
    def make_records(self) -> Iterator[Record]:
        """Request what is due, and find out which rows are gone."""
        listed = self.listed()
        kept = self.remembered
        if not kept and self.table_version is not None:
            self.remember(_REMEMBERED_SINCE, [self.table_version, 0])
        self._entries = self._unlisted_entries() | dict(listed)
        due = {key: entry for key, entry in self._entries.items() if self.is_due(entry, kept.get(key))}
        self.forget_failures_except({*due, *(self._failed.rows.keys() - self._entries.keys())})
        made = 0
        requests = ((key, self.request_for_row(key)) for key in self.in_turn(due))
        for key, (record, memory) in self.answered(requests, self._made):
            yield record
            made += 1
            kept[key] = memory
            self.remember(_REMEMBERED, kept)
        self.remember(_REMEMBERED, kept)
        # Rows that failed are remembered; of those that are not, the list has to tell once more.
        self.has_read_all = self.list_is_complete and not self._failed.has_overflowed
        self.covers_table = False
        self.rows_read = None  # the rows of the list are what is compared, see `_conclude`
        if self.list_is_complete:
            self._conclude(listed, kept, read_all_rows=made == len(listed))

    def _unlisted_entries(self) -> dict[str, Entry]:
        """Return the rows that failed and that an incremental list may show no more."""
        if self.finds_deletes:
            return {}
        return {key: self.entry_from_json(row.entry) for key, row in self._failed.rows.items()}

    def _made(self, key: str, answer: requests.Response) -> tuple[Record, str] | None:
        """Return the record and what to remember of it; None if the answer is of no use."""
        entry = self._entries[key]
        record = self.record_of(key, entry, answer)
        return None if record is None else (record, self.memory(entry, answer))

    def _conclude(self, listed: Mapping[str, Entry], kept: dict[str, str], *, read_all_rows: bool) -> None:
        """Report the rows that are gone, once the list was read to its end, and forget what was remembered of them.

        Raises:
            RequestFailed: If a list that had rows has none.
        """
        missing = kept.keys() - listed.keys()
        if not self.finds_deletes:
            self._forget(kept, self._gone(missing))
            return
        # The rows of the list are compared, however few of them were requested.
        read = CompleteRead(self.own_version, len(listed), self.read_began)
        decision = activation(self.stream_state, read, is_certain=True)
        if decision.version is None:
            self._gone(missing, is_believed=False)
        else:
            self._report_gone(listed, kept, read_all_rows=read_all_rows and not decision.is_error)
        self.state_manager.is_flushed = False
        if decision.is_error:
            self.page_written()
            raise RequestFailed(decision.warning)
        if decision.warning:
            self.logger.warning("%s", decision.warning)

    def _report_gone(self, listed: Mapping[str, Entry], kept: dict[str, str], *, read_all_rows: bool) -> None:
        gone = self._gone(kept.keys() - listed.keys())
        self._forget(kept, gone)
        self.forget_failures_except(listed)
        self.covers_table = read_all_rows and self.list_is_certain
        if not self.covers_table:
            self.write_deletes([{self.primary_keys[0]: key} for key in gone])
        version = self._version_to_activate(all_are_known=listed.keys() <= kept.keys())
        if version is not None and self.table_version is not None and not self.covers_table:
            self.activate_version(version)

    def _version_to_activate(self, *, all_are_known: bool) -> int | None:
        """Return the version that has the loader mark rows from before anything was remembered, if it is time.

        Such rows are left over after a state was cleared. Whatever is remembered has that version or a newer one.
        """
        try:
            version, reads = self.stream_state[_REMEMBERED_SINCE]
            reads = int(reads) + 1 if all_are_known else 0
            if reads and (self.list_is_certain or reads > 1):
                del self.stream_state[_REMEMBERED_SINCE]
                return int(version)
        except (KeyError, TypeError, ValueError):
            return None
        self.remember(_REMEMBERED_SINCE, [version, reads])
        return None

    def _gone(self, missing: AbstractSet[str], *, is_believed: bool = True) -> list[str]:
        """Return the rows that are gone: the list is beyond doubt and lacks them, or two complete reads of it did."""
        held = self.stream_state.get(_MISSED)
        missed_before = set(held) if isinstance(held, list) else set()
        gone = sorted(key for key in missing if is_believed and (self.list_is_certain or key in missed_before))
        missed = sorted(missing - set(gone))
        if missed or missed_before:
            self.remember(_MISSED, missed)
        return gone

    def _forget(self, kept: dict[str, str], gone: list[str]) -> None:
        for key in gone:
            del kept[key]
        self.remember(_REMEMBERED, kept)
