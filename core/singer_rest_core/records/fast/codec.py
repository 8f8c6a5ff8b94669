"""Pages converted from bytes to RECORD messages without a dict per record: the fast path.

A stream's schema and selection are compiled once into msgspec types. Decoding a page into them checks types in C; only
what a type cannot express is left to Python: relationships, timestamps, numbers sent as text. A row that cannot be
decoded takes the slow path, `Conformer.conform`, and the types are widened by what it contained, so that the next row
like it decodes. Both paths give the same records, as the columns of the conformer alone define what fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from singer_rest_core.records import exact_json
from singer_rest_core.records.fast.row_types import RowTypes
from singer_rest_core.records.nesting import flattened, is_too_deep
from singer_rest_core.records.row_layout import check_errors, envelope_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from datetime import datetime

    from singer_rest_core.records.conform import Record
    from singer_rest_core.records.fast.row_types import RowFacts

Row = Any
"""A row from `PageCodec.decode`: a struct defined at run time, or a value as returned by `exact_json.decode`."""

_NUL_ESCAPED = b"\\u0000"
_BACKSLASH = b"\\"
"""Searched first: many pages have none, and searching one byte takes a fiftieth of the time of searching six."""
_MAX_LEARNED_NAMES = 100
"""Unknown fields, and relationships, that are added to the types. Rows of an API that sends new names without end stay
on the slow path."""
_MESSAGES_PER_PIECE = 50
"""As many as stay in the processor's cache until they are written; encoding a page in one piece takes 50 % longer."""
_MSGSPEC_ERRORS = (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError)

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
        envelope: The members of the page next to its rows.
    """

    rows: Sequence[Row]
    envelope: Record


@dataclass(frozen=True)
class EncodedPage:
    """The messages of a page.

    Args:
        pieces: RECORD messages, each ending in a line break, several per piece.
        count: The number of messages.
        replication_values: The replication value of each record as written, in order; empty without a replication key.
        before: The number of bytes in each message before its record.
        after: The number of bytes after it, without the line break.
    """

    pieces: Sequence[bytes]
    count: int
    replication_values: Sequence[str | None]
    before: int
    after: int

    def records_in(self, piece: bytes) -> list[bytes]:
        """Return the records as JSON, without what messages have around them.

        Args:
            piece: One of `pieces`.

        Returns:
            A record for each message.
        """
        start, end = self.before, -self.after
        return [message[start:end] for message in piece.splitlines()]

    @property
    def bookmark_values(self) -> Sequence[str]:
        """The replication values that a bookmark needs to see: the first and the last if they ascend, otherwise all.

        Values of the same length that end in Z have the same order as texts and as instants.
        """
        values = [value for value in self.replication_values if value is not None]
        length = len(values[0]) if values else 0
        comparable = all(len(value) == length and value[-1] == "Z" for value in values)
        return [values[0], values[-1]] if values and comparable and values == sorted(values) else values


class PageCodec:
    """Converts the pages of one stream to RECORD messages.

    `decode` may be called from any thread, `encode` from a single one.

    Args:
        stream: The stream name in messages.
        facts: The properties shared by all its rows.
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
            content: The page in UTF-8. Members of a page or resource that the layout does not name are not read; they
                only have to be well-formed.

        Returns:
            The page.

        Raises:
            NotJson: If the content is not a JSON document.
            UnexpectedPage: If it is not a page of rows.
        """
        page = self._decode(content)
        check_errors(page.envelope, self._layout)
        return page

    def _decode(self, content: bytes) -> DecodedPage:
        if is_too_deep(content):
            content = flattened(content)
        try:
            if _BACKSLASH not in content or _NUL_ESCAPED not in content:
                try:
                    return DecodedPage(*self._parts(self._types.decode_page(content)))
                except msgspec.ValidationError:
                    pass
            return self._decode_by_row(content)
        except _MSGSPEC_ERRORS:
            body = exact_json.decode(content)
            return DecodedPage(rows_of(body, self._layout), envelope_of(body, self._layout))

    def ids(self, rows: Sequence[Row]) -> list[Hashable]:
        """Return the keys of rows.

        Args:
            rows: Rows of a decoded page that were not yet encoded.

        Returns:
            The key of each row, as the API sent it; a tuple if the key has several columns.
        """
        names = self._facts.keys
        if len(names) == 1:
            return self.column(rows, names[0])
        return list(zip(*(self.column(rows, name) for name in names), strict=True))

    def column(self, rows: Sequence[Row], name: str) -> list[Any]:
        """Return the values of one column.

        Args:
            rows: Rows of a decoded page that were not yet encoded.
            name: The column.

        Returns:
            The value of each row, as the API sent it; None where it is absent.
        """
        values: list[Any] = [None] * len(rows)
        for types, indices in self._grouped(rows):
            alike = [rows[index] for index in indices]
            if types is None:
                found = [self._layout.flat(row).get(name) for row in alike]
            else:
                found = types.raw_values(alike, name)
            for index, value in zip(indices, found, strict=True):
                values[index] = value
        return values

    def encode(self, rows: Sequence[Row], *, version: int | None, extracted: datetime) -> EncodedPage:
        """Convert rows to RECORD messages.

        Args:
            rows: Rows of a decoded page, all or some; they must not be used afterwards.
            version: The table version for the messages, or None.
            extracted: The extraction time for the messages.

        Returns:
            The messages.

        Raises:
            UnexpectedPage: If the layout cannot make a record from a row.
        """
        time_extracted = _encoder.encode(extracted.astimezone(UTC)).decode()[1:-1]
        table_version = UNSET if version is None else version
        messages: list[Any] = [None] * len(rows)
        replication_values: list[str | None] = [None] * len(rows)
        for types, indices in self._grouped(rows):
            records, values = self._records(types, [rows[index] for index in indices])
            for index, record, value in zip(indices, records, values, strict=True):
                messages[index] = _RecordMessage(self._stream, record, table_version, time_extracted)
                replication_values[index] = value
        starts = range(0, len(messages), _MESSAGES_PER_PIECE)
        pieces = [_encoder.encode_lines(messages[start : start + _MESSAGES_PER_PIECE]) for start in starts]
        frame = _encoder.encode(_RecordMessage(self._stream, {}, table_version, time_extracted))
        before = frame.rindex(b"{}")
        return EncodedPage(
            pieces,
            len(messages),
            [] if self._facts.replication_key is None else replication_values,
            before=before,
            after=len(frame) - before - len(b"{}"),
        )

    def _grouped(self, rows: Sequence[Row]) -> list[tuple[RowTypes | None, Sequence[int]]]:
        """Return the indices of the rows that decoded into the same types; None stands for the slow path."""
        groups: dict[type, list[int]] = {row_type: [] for row_type in dict.fromkeys(map(type, rows))}
        if len(groups) == 1:
            return [(self._types_of_row.get(type(rows[0])), range(len(rows)))]
        for index, row in enumerate(rows):
            groups[type(row)].append(index)
        return [(self._types_of_row.get(row_type), indices) for row_type, indices in groups.items()]

    def _records(self, types: RowTypes | None, rows: Sequence[Row]) -> tuple[Sequence[Any], Sequence[str | None]]:
        """Return the records of rows that decoded into the same types, and their replication values."""
        replication_key = self._facts.replication_key or ""
        if types is None:
            conformed = [self._conformed(row) for row in rows]
            values = [record.get(replication_key) for record in conformed]
            return [self._selected(record) for record in conformed], values
        records = types.finish(rows)
        values = types.values(records, replication_key)
        types.hide(records)
        return records, values

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
        types = self._types.widened(row, max_names=_MAX_LEARNED_NAMES)
        if types is not self._types:
            self._types_of_row[types.row] = types
            self._types = types
        return row

    def _parts(self, page: Any) -> tuple[Sequence[Row], Record]:  # noqa: ANN401 - a struct defined at run time
        if self._layout.key is None:
            return page, {}
        if self._layout.inner is not None and not isinstance(page.rows, list):
            page = page.rows
        envelope = zip(self._layout.envelope, msgspec.structs.astuple(page)[1:], strict=True)
        return page.rows, {name: value for name, value in envelope if value is not None}

    def _conformed(self, row: Row) -> Record:
        fields = self._layout.flat(row).items()
        return self._facts.conformer.conform(
            {name: value for name, value in fields if name not in self._facts.secret_fields},
        )

    def _selected(self, record: Record) -> Record:
        return {name: value for name, value in record.items() if name in self._facts.selected}
