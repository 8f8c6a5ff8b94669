"""One page of a list as a value, and how an answer is decoded into one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, Self

from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.row_layout import envelope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    import requests

    from singer_rest_core.paging.list_query import ListQuery
    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.codec import PageCodec
    from singer_rest_core.records.row_layout import RowLayout


_PLAIN = frozenset({int, str})
_LONGEST_URL = 200


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Args:
        rows: The rows, as the decoder gives them: raw records, or what the codec encodes.
        envelope: The members beside the rows that the row layout names.
        answer: The answer the page came in.
        decoder: What decoded it, and can look into its rows.
        query: What was asked of the list; its reader sets it.
        total: How many rows the list has, where the API says so; its reader sets it.
        is_ordered: Whether rows have come in ascending order of the query's column so far; its reader sets it.
        began: When the read began by the clock of the API, if that is behind ours; its reader sets it.
        resume_at: What continues the read after this page, for the state; None if it cannot be continued.
        left_out: Where the rows were that have no usable key, and what is wrong with each; they are not among `rows`.
    """

    rows: Sequence[Any]
    envelope: Record
    answer: requests.Response
    decoder: PageDecoder = field(repr=False)
    query: ListQuery | None = None
    total: int | None = None
    is_ordered: bool = False
    began: datetime | None = None
    resume_at: Record | None = None
    left_out: Sequence[str] = ()
    _kept: Sequence[int] | None = field(default=None, repr=False)
    """Which of the decoded rows these are; None if all."""

    @cached_property
    def keys(self) -> Sequence[Any]:
        """The values of the primary keys of each row, as the API gave them.

        Raises:
            UnexpectedPage: If a row is not what rows of this list are.
        """
        return self.decoder.ids(self.rows)

    @cached_property
    def ids(self) -> Sequence[Hashable]:
        """What tells each row from the others: its keys, or its place where it has none that could."""
        if set(map(type, self.keys)) <= _PLAIN:
            return self.keys
        return [key if _can_tell_apart(key) else self.place(index) for index, key in enumerate(self.keys)]

    def place(self, index: int) -> str:
        """Return where a row was, for people and to tell it from others.

        Args:
            index: Its index among `rows`.
        """
        number = 1 + (index if self._kept is None else self._kept[index])
        return f"row {number} of GET {self.answer.request.path_url[:_LONGEST_URL]}"

    def without_unusable_keys(self, faults: Mapping[int, str]) -> Self:
        """Return the page without the rows whose key no loader can use.

        Args:
            faults: What is wrong with their keys, as clauses, by their index.
        """
        left_out = [f"{self.place(index)}: {fault}" for index, fault in faults.items()]
        usable = self.only([index not in faults for index in range(len(self.rows))])
        return replace(usable, left_out=[*self.left_out, *left_out])

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of one column.

        Args:
            name: The column.

        Returns:
            The value of each row as the API gave it; None where a row has none.
        """
        return self.decoder.column(self.rows, name)

    def with_rows(self, rows: Sequence[Any]) -> Self:
        """Return the same page with other rows.

        Args:
            rows: The rows.

        Returns:
            The page.
        """
        return replace(self, rows=rows)

    def only(self, wanted: Sequence[bool]) -> Self:
        """Return the same page with some of its rows.

        Args:
            wanted: A flag for each row.

        Returns:
            The page.
        """
        if all(wanted):
            return self
        places = [place for place, is_wanted in enumerate(wanted) if is_wanted]
        kept = places if self._kept is None else [self._kept[place] for place in places]
        return replace(self, rows=[self.rows[place] for place in places], _kept=kept)

    def without_content(self) -> Self:
        """Return the page without rows and content, which are kept elsewhere; the answer itself is emptied.

        Returns:
            What `with_content` completes again.
        """
        vars(self.answer)["_content"] = b""
        kept = range(len(self.rows)) if self._kept is None else self._kept
        return replace(self, rows=(), _kept=kept)

    def with_content(self, content: bytes) -> Self:
        """Return the page as it was before `without_content`.

        Args:
            content: The content of its answer.

        Returns:
            The page, decoded again.
        """
        vars(self.answer)["_content"] = content
        decoded = self.decoder.decode(self.answer).rows
        kept = range(len(decoded)) if self._kept is None else self._kept
        return replace(self, rows=[decoded[place] for place in kept])


class PageDecoder(Protocol):
    """Turns answers into pages."""

    def decode(self, answer: requests.Response) -> Page:
        """Decode one answer.

        Args:
            answer: An answer below 400, whole.

        Returns:
            The page.

        Raises:
            NotJson: If the content is no JSON document.
            UnexpectedPage: If it is no page of rows.
        """
        ...

    def ids(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Return the values of the primary keys of each row."""
        ...

    def column(self, rows: Sequence[Any], name: str) -> Sequence[Any]:
        """Return the value of one column of each row; None where a row has none."""
        ...


@dataclass(frozen=True)
class RecordDecoder:
    """Decodes pages into raw records, one dict a row.

    Args:
        records_in: Returns the raw records of an answer, whose decoded body it gets too.
        layout: Names the members of the envelope.
        row_id: Returns the values of a record's primary keys.
    """

    records_in: Callable[[requests.Response, Any], Iterable[Record]]
    layout: RowLayout
    row_id: Callable[[Record], Hashable]

    def decode(self, answer: requests.Response) -> Page:
        """Decode one answer, see `PageDecoder`."""
        body = decode(answer.content)
        return Page(list(self.records_in(answer, body)), envelope_of(body, self.layout), answer, self)

    def ids(self, rows: Sequence[Any]) -> Sequence[Hashable]:
        """Return the values of the primary keys of each row."""
        return [self.row_id(row) for row in rows]

    def column(self, rows: Sequence[Any], name: str) -> Sequence[Any]:
        """Return the value of one column of each row; None where a row has none."""
        return [row.get(name) for row in rows]


@dataclass(frozen=True)
class CodecDecoder:
    """Decodes pages into the rows of a stream's codec, without a dict a row.

    Args:
        codec: Decodes and later encodes them.
    """

    codec: PageCodec

    def decode(self, answer: requests.Response) -> Page:
        """Decode one answer, see `PageDecoder`."""
        decoded = self.codec.decode(answer.content)
        return Page(decoded.rows, decoded.envelope, answer, self)

    def ids(self, rows: Sequence[Any]) -> Sequence[Hashable]:
        """Return the values of the primary keys of each row."""
        return self.codec.ids(rows)

    def column(self, rows: Sequence[Any], name: str) -> Sequence[Any]:
        """Return the value of one column of each row; None where a row has none."""
        return self.codec.column(rows, name)


def _can_tell_apart(key: object) -> bool:
    """Return whether a row can be told from others by its key."""
    if isinstance(key, tuple):
        return all(_can_tell_apart(each) for each in key)
    return key is not None and not isinstance(key, dict | list)
