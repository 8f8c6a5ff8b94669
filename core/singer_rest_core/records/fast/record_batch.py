"""Records of one page that are being finished, column by column: what a column needs is looked up once, not a row."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from singer_rest_core.records.conform import Misfit
from singer_rest_core.records.utc_text import utc_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.records.conform import Column, Conformer, Record


class RecordBatch:
    """Records while they are finished, and what is rescued of each.

    Args:
        records: Structs of one type.
        fields: The struct's fields by the names they have in JSON.
        conformer: Knows the columns, and what is reported.
    """

    def __init__(self, records: Sequence[Any], fields: Mapping[str, str], conformer: Conformer) -> None:
        """Begin with nothing rescued."""
        self.records = records
        self._fields = fields
        self._conformer = conformer
        self._rescued: defaultdict[int, Record] = defaultdict(dict)

    def values(self, name: str) -> list[Any]:
        """Give a field of all records.

        Args:
            name: Its name in JSON.
        """
        return list(map(attrgetter(self._fields[name]), self.records))

    def fill(self, name: str, value: object) -> None:
        """Set a field of all records.

        Args:
            name: Its name in JSON.
            value: The same for all.
        """
        field = self._fields[name]
        for record in self.records:
            setattr(record, field, value)

    def put(self, place: int, name: str, value: object) -> None:
        """Set a field of one record to what its type takes.

        Args:
            place: Which record.
            name: The field's name in JSON.
            value: The value.
        """
        setattr(self.records[place], self._fields[name], value)

    def put_converted(self, place: int, column: Column, value: object) -> None:
        """Set a field of one record to what its column makes of a value; rescue what does not fit.

        Args:
            place: Which record.
            column: The column.
            value: Any but null.
        """
        try:
            self.put(place, column.name, column.convert(value))
        except Misfit as misfit:
            self._give_up(place, column.name, value, misfit)

    def rescue(self, place: int, name: str, *value_and_why: Any) -> None:  # noqa: ANN401 - JSON is any of six types
        """Keep a raw value of one record.

        Args:
            place: Which record.
            name: The field.
            value_and_why: The value and, where it is a column's, why it does not fit.
        """
        value, *why = value_and_why
        self._rescued[place][name] = value
        self._conformer.report_once(name, *why)

    def convert(self, column: Column) -> None:
        """Convert a field of all records.

        Args:
            column: Its column.
        """
        field, convert = self._fields[column.name], column.convert
        values = self.values(column.name)
        for place, value in enumerate(values) if values.count(None) < len(values) else ():
            if value is not None:
                try:
                    setattr(self.records[place], field, convert(value))
                except Misfit as misfit:
                    self._give_up(place, column.name, value, misfit)

    def leave_secrets_out(self, column: Column) -> None:
        """Convert a field of all records whose values fit already, but may hold secrets.

        Args:
            column: Its column.
        """
        if not self._conformer.have_no_secrets(self.values(column.name)):
            self.convert(column)

    def write_in_utc(self, column: Column) -> None:
        """Convert a field of all records that holds texts: does what `convert` does with a column of timestamps.

        Args:
            column: Its column.
        """
        field, values = self._fields[column.name], self.values(column.name)
        places = [place for place, text in enumerate(values) if text is not None]
        texts = [values[place] for place in places]
        for place, text, utc in zip(places, texts, utc_texts(texts), strict=True):
            if utc is None:
                self.put_converted(place, column, text)
            else:
                setattr(self.records[place], field, utc)

    def rescue_all(self, name: str) -> None:
        """Rescue a field of all records that the schema does not know.

        Args:
            name: Its name in JSON.
        """
        for place, value in enumerate(self.values(name)):
            if value is not UNSET:
                self.rescue(place, name, value)
        self.fill(name, UNSET)

    def write_rescued(self, field: str) -> None:
        """Write what was rescued into the records.

        Args:
            field: The struct's field for it.
        """
        for place, values in self._rescued.items():
            setattr(self.records[place], field, self._conformer.rescued_data(values))

    def _give_up(self, place: int, name: str, value: object, misfit: Misfit) -> None:
        self.put(place, name, None)
        self.rescue(place, name, value, str(misfit))
