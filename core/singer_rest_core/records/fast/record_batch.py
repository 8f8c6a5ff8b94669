"""Decoded records of one page, converted column by column, so that lookups happen once per column, not per row."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from singer_rest_core.records.conform import Misfit
from singer_rest_core.records.timestamps import fast_column_to_utc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.records.conform import Column, Conformer, Record


class RecordBatch:
    """Records during their conversion, and the rescued values of each.

    Args:
        records: Structs of one type.
        fields: The struct's fields by their names in JSON.
        conformer: The conformer of the stream.
    """

    def __init__(self, records: Sequence[Any], fields: Mapping[str, str], conformer: Conformer) -> None:
        """Start without rescued values."""
        self.records = records
        self._fields = fields
        self._conformer = conformer
        self._rescued: defaultdict[int, Record] = defaultdict(dict)

    def values(self, name: str) -> list[Any]:
        """Return the values of a field of all records.

        Args:
            name: The field's name in JSON.
        """
        return list(map(attrgetter(self._fields[name]), self.records))

    def fill(self, name: str, value: object) -> None:
        """Set a field of all records to one value.

        Args:
            name: The field's name in JSON.
            value: The value.
        """
        field = self._fields[name]
        for record in self.records:
            setattr(record, field, value)

    def put(self, index: int, name: str, value: object) -> None:
        """Set a field of one record.

        Args:
            index: The record's index.
            name: The field's name in JSON.
            value: A value of the field's type.
        """
        setattr(self.records[index], self._fields[name], value)

    def put_converted(self, index: int, column: Column, value: object) -> None:
        """Convert a value and set it in one record; rescue it if it does not fit.

        Args:
            index: The record's index.
            column: The column to set.
            value: A value that is not null.
        """
        try:
            self.put(index, column.name, column.convert(value))
        except Misfit as misfit:
            self._rescue_misfit(index, column.name, value, misfit)

    def rescue(self, index: int, name: str, value: object) -> None:
        """Rescue a value of one record whose field is not in the schema.

        Args:
            index: The record's index.
            name: The field.
            value: The raw value.
        """
        self._rescued[index][name] = value
        self._conformer.report_unknown(name)

    def convert(self, column: Column) -> None:
        """Convert a column of all records.

        Args:
            column: The column.
        """
        field, convert = self._fields[column.name], column.convert
        values = self.values(column.name)
        for index, value in enumerate(values) if values.count(None) < len(values) else ():
            if value is not None:
                try:
                    setattr(self.records[index], field, convert(value))
                except Misfit as misfit:
                    self._rescue_misfit(index, column.name, value, misfit)

    def remove_secrets(self, column: Column) -> None:
        """Remove secret fields from the values of a column that need no other conversion.

        Args:
            column: The column.
        """
        if not self._conformer.secret_names.are_absent_from(self.values(column.name)):
            self.convert(column)

    def convert_timestamps(self, column: Column) -> None:
        """Convert a timestamp column whose values are all texts or null; same result as `convert`, but faster.

        Args:
            column: The column.
        """
        field, values = self._fields[column.name], self.values(column.name)
        indices = [index for index, text in enumerate(values) if text is not None]
        texts = [values[index] for index in indices]
        for index, text, utc in zip(indices, texts, fast_column_to_utc(texts), strict=True):
            if utc is None:
                self.put_converted(index, column, text)
            else:
                setattr(self.records[index], field, utc)

    def rescue_column(self, name: str) -> None:
        """Rescue a field of all records that is not in the schema.

        Args:
            name: The field's name in JSON.
        """
        values = self.values(name)
        if values.count(UNSET) == len(values):
            return
        for index, value in enumerate(values):
            if value is not UNSET:
                self.rescue(index, name, value)
        self.fill(name, UNSET)

    def write_rescued(self, field: str) -> None:
        """Write the rescued values into the records.

        Args:
            field: The struct's field for them.
        """
        for index, values in self._rescued.items():
            setattr(self.records[index], field, self._conformer.rescued_data(values))

    def _rescue_misfit(self, index: int, name: str, value: object, misfit: Misfit) -> None:
        self.put(index, name, None)
        self._rescued[index][name] = value
        self._conformer.report_misfit(name, misfit)
