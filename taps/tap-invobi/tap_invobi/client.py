"""What lists of Invobi without pages have in common."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from singer_rest_core import RestStream
from singer_rest_core.records import FlatRows, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Tap

    from singer_rest_core import Record

SCHEMAS = SchemaDirectory(files("tap_invobi") / "schemas")


class UnpagedList(RestStream):
    """A list in one answer: no paging is documented."""

    schema = StreamSchema(SCHEMAS)

    path: str
    """Its path below `api_url`."""

    member: str
    """The member of the answer that holds the rows."""

    value_column = ""
    """The column for rows that are plain values; empty if they are objects."""

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=type(self).path)
        self.row_layout = FlatRows(self.member)

    @override
    def records_in(self, body: Any) -> Iterator[Record]:
        """Return the rows; a plain value under the name of its column.

        Raises:
            RequestFailed: If a row has no key.
        """
        for row in rows_of(body, self.row_layout):
            is_value = self.value_column and not isinstance(row, dict)
            record = {self.value_column: row} if is_value else self.row_layout.flat(row)
            yield record
