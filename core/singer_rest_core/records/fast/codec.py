"""Pages from bytes to RECORD messages without a dict a record.

A stream's schema and selection are compiled once into msgspec types. A page is decoded into them, which checks types in
C; what is left for Python is what a type cannot say: relationships, timestamps, numbers given as text. A row that does
not decode takes the way of `Conformer.conform`, and the types are widened by what it held, so that the next row like it
decodes. Both ways give the same records: what fits is said once, by the columns of the conformer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from singer_rest_core.records import exact_json
from singer_rest_core.records.fast.row_types import RowTypes
from singer_rest_core.records.row_layout import envelope_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.row_types import RowFacts

Row = Any
"""A row as `PageCodec.decode` gives it: a struct made at run time, or what `exact_json.decode` gives."""

_NUL_ESCAPED = b"\\u0000"
_BACKSLASH = b"\\"
"""Looked for first: many pages have none, and to miss one byte takes a fiftieth of the time of missing six."""
_NEW_FIELDS = 100
"""Unknown fields, and relationships, that get a place in the types; names without end are none, and stay on the slow
way."""
_MESSAGES_A_PIECE = 50
"""So many stay in the processor's cache until they are written; a page in one piece takes half as long again."""
_NOT_FOR_MSGSPEC = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)

_encoder = msgspec.json.Encoder(decimal_format="number")


class _RecordMessage(msgspec.Struct, gc=False, tag_field="type", tag="RECORD"):
    stream: str
    record: Any
    version: int | msgspec.UnsetType
    time_extracted: str


@dataclass(frozen=True)
class DecodedPage:
    """A page that was decoded, but not yet converted.

    Args:
        rows: The rows in the codec's own form.
        envelope: What the page says beside its rows.
    """

    rows: Sequence[Row]
    envelope: Record


@dataclass(frozen=True)
class EncodedPage:
    """The messages of a page.

    Args:
        pieces: RECORD messages, each with its line end, some in a piece.
        count: How many.
        replication_values: The replication value of each record as it is written, in order; empty without such a key.
    """

    pieces: Sequence[bytes]
    count: int
    replication_values: Sequence[str | None]

    @property
    def bookmark_values(self) -> Sequence[str]:
        """The replication values that tell a bookmark as much as all of them: first and last if they ascend.

        Values of one length that end in Z ascend as texts just as their instants do.
        """
        values = [value for value in self.replication_values if value is not None]
        length = len(values[0]) if values else 0
        comparable = all(len(value) == length and value[-1] == "Z" for value in values)
        return [values[0], values[-1]] if values and comparable and values == sorted(values) else values


class PageCodec:
    """Makes RECORD messages of the pages of one stream.

    `decode` may run in any thread, `encode` in one.

    Args:
        stream: The name that messages carry.
        facts: What is true of all its rows.
    """

    def __init__(self, stream: str, facts: RowFacts) -> None:
        """Compile the types."""
        self._stream = stream
        self._facts = facts
        self._layout = facts.layout
        self._types = RowTypes(facts)
        self._types_of_row = {self._types.row: self._types}

    def decode(self, content: bytes) -> DecodedPage:
        """Decode a page.

        Args:
            content: The page as UTF-8. Parts that are not read (the members of a page or resource that the layout does
                not name) only have to be well-formed.

        Returns:
            The page.

        Raises:
            NotJson: If the content is no JSON document.
            UnexpectedPage: If it is no page of rows.
        """
        try:
            if _BACKSLASH not in content or _NUL_ESCAPED not in content:
                try:
                    return DecodedPage(*self._parts(self._types.decode_page(content)))
                except msgspec.ValidationError:
                    pass
            return self._decode_by_row(content)
        except _NOT_FOR_MSGSPEC:
            body = exact_json.decode(content)
            return DecodedPage(rows_of(body, self._layout), envelope_of(body, self._layout))

    def ids(self, rows: Sequence[Row]) -> list[Hashable]:
        """Find what tells rows from each other.

        Args:
            rows: Rows of a decoded page that were not encoded yet.

        Returns:
            The key of each, as the API gave it; a tuple if it has several columns.
        """
        names = self._facts.keys
        if len(names) == 1:
            return self.column(rows, names[0])
        return list(zip(*(self.column(rows, name) for name in names), strict=True))

    def column(self, rows: Sequence[Row], name: str) -> list[Any]:
        """Give the values of one column.

        Args:
            rows: Rows of a decoded page that were not encoded yet.
            name: The column.

        Returns:
            The value of each row as the API gave it; None where there is none.
        """
        values: list[Any] = []
        for row_type, alike in groupby(rows, type):
            types = self._types_of_row.get(row_type)
            if types is None:
                values += [self._layout.flat(row).get(name) for row in alike]
            else:
                values += types.raw_values(list(alike), name)
        return values

    def encode(self, rows: Sequence[Row], *, version: int | None, extracted: datetime) -> EncodedPage:
        """Make messages of rows.

        Args:
            rows: Rows of a decoded page, all or some; they are used up.
            version: The version of the table that messages carry, or None.
            extracted: The time that messages carry.

        Returns:
            The messages.

        Raises:
            UnexpectedPage: If a row is nothing the layout can make a record of.
        """
        moment = _encoder.encode(extracted.astimezone(UTC)).decode()[1:-1]
        table_version = UNSET if version is None else version
        replication_key = self._facts.replication_key
        values: list[str | None] = []
        messages: list[_RecordMessage] = []
        for row_type, alike in groupby(rows, type):
            types = self._types_of_row.get(row_type)
            if types is None:
                conformed = [self._conformed(row) for row in alike]
                if replication_key is not None:
                    values += [record.get(replication_key) for record in conformed]
                records: Sequence[Any] = [self._selected(record) for record in conformed]
            else:
                records = types.finish(list(alike))
                if replication_key is not None:
                    values += types.values(records, replication_key)
                types.hide(records)
            messages += [_RecordMessage(self._stream, record, table_version, moment) for record in records]
        starts = range(0, len(messages), _MESSAGES_A_PIECE)
        pieces = [_encoder.encode_lines(messages[start : start + _MESSAGES_A_PIECE]) for start in starts]
        return EncodedPage(pieces, len(messages), values)

    def _decode_by_row(self, content: bytes) -> DecodedPage:
        raw_rows, envelope = self._parts(self._types.decode_raw_page(content))
        rows = [self._decode_row(bytes(raw)) for raw in raw_rows]
        return DecodedPage(rows, exact_json.decode(exact_json.encode(envelope)))

    def _decode_row(self, raw: bytes) -> Row:
        if _NUL_ESCAPED not in raw:
            try:
                return self._types.decode_row(raw)
            except msgspec.ValidationError:
                pass
        row = exact_json.decode(raw)
        types = self._types.widened(row, most=_NEW_FIELDS)
        if types is not self._types:
            self._types_of_row[types.row] = types
            self._types = types
        return row

    def _parts(self, page: Any) -> tuple[Sequence[Row], Record]:  # noqa: ANN401 - a struct made at run time
        if self._layout.key is None:
            return page, {}
        if self._layout.inner is not None and not isinstance(page.rows, list):
            page = page.rows
        beside = zip(self._layout.envelope, msgspec.structs.astuple(page)[1:], strict=True)
        return page.rows, {name: value for name, value in beside if value is not None}

    def _conformed(self, row: Row) -> Record:
        fields = self._layout.flat(row).items()
        return self._facts.conformer.conform(
            {name: value for name, value in fields if name not in self._facts.secret_fields},
        )

    def _selected(self, record: Record) -> Record:
        return {name: value for name, value in record.items() if name in self._facts.selected}
