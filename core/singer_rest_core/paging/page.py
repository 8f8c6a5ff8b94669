"""One page of a list as a value, and how an answer is decoded into one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, Self

from singer_rest_core.records.exact_json import decode
from singer_rest_core.records.row_layout import envelope_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    import requests

    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.codec import PageCodec
    from singer_rest_core.records.row_layout import RowLayout


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Args:
        rows: The rows, as the decoder gives them: raw records, or what the codec encodes.
        envelope: The members beside the rows that the row layout names.
        answer: The answer the page came in.
        decoder: What decoded it, and can look into its rows.
    """

    rows: Sequence[Any]
    envelope: Record
    answer: requests.Response
    decoder: PageDecoder = field(repr=False)

    @property
    def ids(self) -> Sequence[Hashable]:
        """The values of the primary keys of each row."""
        return self.decoder.ids(self.rows)

    def column(self, name: str) -> Sequence[Any]:
        """Return the values of one column.

        Args:
            name: The column.

        Returns:
            The value of each row as the API gave it; None where a row has none.
        """
        return self.decoder.column(self.rows, name)

    def with_rows(self, rows: Sequence[Any]) -> Self:
        """Return the same page with fewer rows.

        Args:
            rows: Some of its rows.

        Returns:
            The page.
        """
        return replace(self, rows=rows)


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

    def ids(self, rows: Sequence[Any]) -> Sequence[Hashable]:
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
