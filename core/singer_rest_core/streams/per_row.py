"""Streams that ask for one thing for each row of a list, and spare what they have: details, documents.

An API that tells no time of change leaves one way to see a change cheaply: the row of the list is not what it was. So a
digest of the row is remembered in the stream's state, beside the key of the row, and goes with it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL

from singer_rest_core.errors import RequestFailed, StreamUnavailable
from singer_rest_core.streams.derived import DerivedStream
from singer_rest_core.streams.rest import RestStream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.records.conform import Record
    from singer_rest_core.streams.rest import Row

Note = TypeVar("Note")
Key = TypeVar("Key")

_REMEMBERED = "remembered"

_MOST_REFUSED = 5
"""So many rows may be refused: with more, it is hardly the rows, and the others are not asked for any more."""


class IndexedList(RestStream, ABC, Generic[Note]):
    """A list whose rows are noted for the streams that are made of it; a row that comes twice as it is is written once.

    Its rows are taken one by one: a note is made of the row as the API gave it.
    """

    page_codec = None

    def __init__(self, tap: Tap, *, path: str) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            path: The list's path below `api_url`.
        """
        super().__init__(tap, path=path)
        self._noted: dict[str, Note] = {}
        self._changed = 0
        self.was_read = False
        """Whether the list was read to its end in this run."""

    @abstractmethod
    def note(self, row: Record) -> Note:
        """Say what is to be known of a row later; see `row_digest`.

        Args:
            row: A raw record.

        Returns:
            Something small: there is one for each row.
        """

    def noted(self) -> Mapping[str, Note]:
        """Give the notes of all rows; the list is read for them unless this run has read it already.

        Returns:
            The notes by key, in the order of the list.
        """
        if not self.was_read:
            self.prepare()
            self.read_for_notes()
        return self._noted

    def read_for_notes(self) -> None:
        """Read the list, and write nothing of it."""
        for answer in self.answers(None):
            rows = list(self.parse_response(answer))
            self.take_page([self.row_id(row) for row in rows], rows, answer)

    def page_written(self) -> None:
        """Send no STATE in the middle of the list: it would tell nothing new, and name every row that is remembered."""

    def answers(self, context: Context | None) -> Iterator[requests.Response]:
        """Read the pages of the list in order, see `RestStream.answers`.

        Args:
            context: The partition, or None.

        Yields:
            Answers.
        """
        self._noted = {}
        self._changed = 0
        self.was_read = False
        yield from super().answers(context)
        self.was_read = True
        if self._changed:
            self.logger.warning(
                "%d rows have the %s of another one, but other values: a loader keeps the last of them",
                self._changed,
                self.primary_keys[0],
            )

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, and leave out the rows that came before as they are.

        Args:
            ids: The ids of its rows.
            rows: Raw records.
            answer: The page.

        Returns:
            The rows that are new.

        Raises:
            RequestFailed: If a row has no key.
        """
        new: list[Row] = []
        for row in super().take_page(ids, rows, answer):
            record: Any = row
            key = self.row_id(record)
            if key is None:
                raise RequestFailed(f"GET {self.path} answered with a row without {self.primary_keys[0]}")
            known, note = self._noted.get(str(key)), self.note(record)
            if note != known:
                self._changed += known is not None
                self._noted[str(key)] = note
                new.append(row)
        return new


class PerRowStream(DerivedStream, ABC):
    """A request for each of some rows of a list.

    One may have been deleted since the list was read. One may be refused: then the others are read all the same, so
    that it does not stand before them in every run, and the stream fails at its end.
    """

    asks_for_documents = False
    """Whether the answers are no JSON."""

    not_found = 0
    """How many of the rows last asked for were not found."""

    _refusals: Sequence[RequestFailed | StreamUnavailable] = ()
    """Of the rows last asked for."""

    _was_answered = False
    """Whether any of the rows last asked for came."""

    def get_records(self, context: Context | None) -> Iterator[Record]:
        """Make the records; where rows were refused, the stream fails once the others are made.

        Args:
            context: Not used: streams are not partitioned.

        Yields:
            Raw records.
        """
        yield from super().get_records(context)
        self._fail_if_refused()

    def found(self, asked: Iterable[tuple[Key, HTTPRequest]]) -> Iterator[tuple[Key, requests.Response]]:
        """Ask for rows, and pass over those that are not found (404) or refused.

        Args:
            asked: Keys and requests.

        Yields:
            Key and answer of the others.
        """
        self.not_found = 0
        self._refusals = []
        self._was_answered = False
        for key, pending in self.ask_each(asked, document=self.asks_for_documents):
            try:
                answer = pending.result()
            except (RequestFailed, StreamUnavailable) as refusal:
                self._pass_over(refusal)
            else:
                self._was_answered = True
                yield key, answer
        if self.not_found:
            self.logger.warning(
                "%d that the list names were not found (404): asked for again next time", self.not_found
            )

    def _pass_over(self, refusal: RequestFailed | StreamUnavailable) -> None:
        """Go on with the next row, unless no answer came, or too many were refused."""
        status = refusal.status if isinstance(refusal, RequestFailed) else HTTPStatus.FORBIDDEN
        if status is None:
            self.page_written()
            raise refusal
        if status == HTTPStatus.NOT_FOUND:
            self.not_found += 1
            return
        self._refusals = [*self._refusals, refusal]
        if len(self._refusals) > _MOST_REFUSED:
            self._fail_if_refused()

    def _fail_if_refused(self) -> None:
        """Say what was refused; where nothing but that came, and each time with 403, the stream may not be read.

        Raises:
            StreamUnavailable: In that case.
            RequestFailed: If rows were refused.
        """
        if not self._refusals:
            return
        self.page_written()
        first, *others = self._refusals
        if not self._was_answered and all(isinstance(each, StreamUnavailable) for each in self._refusals):
            raise first
        raise RequestFailed(f"{first}{f'; {len(others)} more were refused' if others else ''}") from first


class DetailStream(PerRowStream, ABC, Generic[Note]):
    """A request for each row of a list, unless what is remembered of the row says that it is not needed."""

    records_per_state = 100
    """The state names every row of the list: it is not to be sent with each of them."""

    @abstractmethod
    def listed(self) -> Mapping[str, Note]:
        """Give what is known of each row of the list.

        Returns:
            Notes by key.
        """

    @property
    @abstractmethod
    def listed_whole(self) -> bool:
        """Whether the list was surely read whole."""

    @property
    def tells_deletes(self) -> bool:
        """Whether a row that is not in the list any more is gone."""
        return True

    @abstractmethod
    def is_due(self, note: Note, remembered: str | None) -> bool:
        """Tell whether a row has to be asked for.

        Args:
            note: What is known of it.
            remembered: What was remembered when it was asked for last; None if it never was.

        Returns:
            Whether it has.
        """

    @abstractmethod
    def memory(self, note: Note, answer: requests.Response) -> str:
        """Say what to remember of a row that was asked for.

        Args:
            note: What is known of it.
            answer: What was answered.

        Returns:
            Something short: the state holds one for each row.
        """

    @abstractmethod
    def request_for(self, key: str) -> HTTPRequest:
        """Ask for what belongs to a row.

        Args:
            key: The key of the row.

        Returns:
            A request without credentials.
        """

    @abstractmethod
    def record_of(self, key: str, note: Note, answer: requests.Response) -> Record | None:
        """Make the record.

        Args:
            key: The key of the row.
            note: What is known of it.
            answer: What was answered.

        Returns:
            A raw record; None if the answer is of no use, which the stream says: next time it is asked for again.
        """

    @property
    def remembered(self) -> dict[str, str]:
        """What is remembered, by key."""
        kept = self.stream_state.get(_REMEMBERED)
        entries = kept.items() if isinstance(kept, dict) else ()
        return {key: text for key, text in entries if isinstance(text, str)}

    def forget_all(self) -> None:
        """Ask for everything anew, as what was made of it is of no use any more."""
        self.remember(_REMEMBERED, {})

    def make_records(self) -> Iterator[Record]:
        """Ask for what is due.

        Yields:
            Raw records.
        """
        listed = self.listed()
        kept = self.remembered
        due = [key for key, note in listed.items() if self.is_due(note, kept.get(key))]
        made = 0
        for key, answer in self.found((key, self.request_for(key)) for key in due):
            record = self.record_of(key, listed[key], answer)
            if record is None:
                continue
            yield record
            made += 1
            kept[key] = self.memory(listed[key], answer)
            self.remember(_REMEMBERED, kept)
        self.has_read_all = self.listed_whole
        if self.replication_method != REPLICATION_INCREMENTAL:
            self.has_read_all &= self.tells_deletes and made == len(listed)
        if self.listed_whole:
            self._forget(kept, kept.keys() - listed.keys())

    def _forget(self, kept: dict[str, str], gone: Iterable[str]) -> None:
        """Tell of the rows that are gone, unless ACTIVATE_VERSION will, and let what was remembered of them go."""
        keys = sorted(gone)
        if self.tells_deletes and not self.has_read_all:
            self.write_deletes([{self.primary_keys[0]: key} for key in keys])
        for key in keys:
            del kept[key]
        self.remember(_REMEMBERED, kept)
