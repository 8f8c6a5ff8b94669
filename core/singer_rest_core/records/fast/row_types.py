"""The msgspec types that a stream's rows decode into, and the conversion of decoded rows to records."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from singer_rest_core.records.conform import RESCUED_DATA, convert_timestamp
from singer_rest_core.records.exact_json import decodes, exact_decoder
from singer_rest_core.records.fast.record_batch import RecordBatch
from singer_rest_core.records.fast.relationship_types import RelationshipTypes
from singer_rest_core.records.row_layout import (
    ID,
    ID_AMONG_ATTRIBUTES,
    ResourceRows,
    fields_of,
    is_another_id,
    relationships_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from singer_rest_core.records.conform import Column, Conformer
    from singer_rest_core.records.row_layout import RowLayout

_RESCUED = "rescued"
_TYPES_FOR_ID = (None, Any, str)
_TYPES_FOR_IDS = (None, Any, list[Any], list[str | None])


@dataclass(frozen=True)
class RowFacts:
    """Properties shared by all rows of a stream.

    Args:
        conformer: The conformer of its schema.
        layout: The layout of its pages.
        selected: The properties that are written.
        secret_fields: Fields that are dropped before any other processing.
        keys: The key columns.
        replication_key: The column whose value becomes the bookmark.
    """

    conformer: Conformer
    layout: RowLayout
    selected: Container[str]
    secret_fields: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    replication_key: str | None = None


class RowTypes:
    """The types of one stream's rows, and of pages of them.

    A row decodes into a struct with a field for each column, in the schema's order; `finish` turns it into its record.
    A field of the record that is not written is left unset.

    Args:
        facts: The properties shared by all rows.
        converted: Columns with values of unexpected types, which are therefore checked in Python.
        unknown: Fields of rows that are not in the schema.
        relationships: The types of their relationships; None to use those of the layout, if it has any.
    """

    def __init__(
        self,
        facts: RowFacts,
        converted: frozenset[str] = frozenset(),
        unknown: frozenset[str] = frozenset(),
        relationships: RelationshipTypes | None = None,
    ) -> None:
        """Compile the types."""
        self.converted = converted
        self.unknown = unknown
        self._facts = facts
        conformer = facts.conformer
        secret_fields = facts.secret_fields | {name for name in unknown if conformer.secret_names.match(name)}
        columns = {column.name: column for column in conformer.columns}
        extra = sorted(unknown | (secret_fields - columns.keys()))
        # Interned once, as `setattr` would otherwise do each time.
        self.fields = {name: sys.intern(f"f{number}") for number, name in enumerate([*columns, *extra])}
        self._secrets = [(name, None if name in columns else UNSET) for name in sorted(secret_fields)]
        self._unknown = [name for name in extra if name not in secret_fields]
        types = {name: self._type_of(column) for name, column in columns.items()}
        self._types, self._columns = types, columns
        self._timestamps = [
            each for each in columns.values() if types[each.name] is str and each.convert is convert_timestamp
        ]
        self._conversions = [each for each in columns.values() if types[each.name] is None]
        self._with_secrets = [
            each for each in columns.values() if each.may_hold_secrets and types[each.name] is not None
        ]
        self._hidden = [name for name in columns if name not in facts.selected]
        self._keeps_rescued = conformer.keeps_rescued and RESCUED_DATA in facts.selected
        self._relationships = relationships
        if relationships is None and isinstance(facts.layout, ResourceRows):
            to_one = {name: self.fields[name] for name, form in types.items() if form in _TYPES_FOR_ID}
            to_many = {name: self.fields[name] for name, form in types.items() if form in _TYPES_FOR_IDS}
            self._relationships = RelationshipTypes(to_one, to_many, typed=facts.layout.typed, names=facts.layout.usual)
        absent = dict.fromkeys(extra, UNSET) | ({ID: UNSET} if self._relationships else {})
        members: list[Any] = [
            (self.fields[name], _or_null(types.get(name)), msgspec.field(name=name, default=absent.get(name)))
            for name in self.fields
        ]
        if self._keeps_rescued:
            # No JSON value decodes as UnsetType: a row with this field takes the slow path, which rescues it.
            members.append((_RESCUED, UnsetType, msgspec.field(name=RESCUED_DATA, default=None)))
        self._record: Any = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
        self._absent = self._record()
        self.row: Any = self._record
        if self._relationships:
            self.row = msgspec.defstruct(
                "Resource",
                [
                    (ID, _or_null(types.get(ID)), None),
                    ("attributes", self._record | None, None),
                    ("relationships", self._relationships.struct | None, None),
                ],
                gc=False,
            )
        self.decode_page = exact_decoder(_page_of(self.row, facts.layout)).decode

    @cached_property
    def decode_row(self) -> Callable[[bytes], Any]:
        """The decoder for one row."""
        return exact_decoder(self.row).decode

    @cached_property
    def decode_raw_page(self) -> Callable[[bytes], Any]:
        """The decoder for a page whose rows are left undecoded."""
        return exact_decoder(_page_of(msgspec.Raw, self._facts.layout)).decode

    def widened(self, row: Any, *, max_names: int) -> RowTypes:  # noqa: ANN401 - JSON is any of six types
        """Return types that also decode a row that did not decode.

        Args:
            row: The row, as decoded by `exact_json.decode`.
            max_names: The largest number of unknown fields, and of relationships, in the types.

        Returns:
            Wider types, or `self` if the row would still not decode.
        """
        values = [*fields_of(row, self._facts.layout)]
        new = {name for name, _ in values} - self.fields.keys() - {RESCUED_DATA}
        if new and len(self.unknown) + len(new) > max_names:
            return self
        misfits = {
            name
            for name, value in values
            if value is not None and self._types.get(name) is not None and not decodes(value, self._types[name])
        }
        relationships = self._relationships
        if relationships is not None:
            relationships = relationships.widened(relationships_of(row), max_names=max_names)
        if not misfits and not new and relationships is self._relationships:
            return self
        return RowTypes(self._facts, self.converted | misfits, self.unknown | new, relationships)

    def finish(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Convert decoded rows to records: flatten, convert, rescue and report, column by column.

        Args:
            rows: Instances of `row`; they must not be used afterwards.

        Returns:
            Structs that encode as the records, including properties that are not selected (see `hide`).

        Raises:
            UnexpectedPage: If a related record lacks the type that is to be written.
        """
        records = rows if self._relationships is None else [each.attributes or self._record() for each in rows]
        batch = self._batch(records)
        if self._relationships is not None:
            self._flatten(rows, self._relationships, batch)
        for name, value in self._secrets:
            batch.fill(name, value)
        for column in self._timestamps:
            batch.convert_timestamps(column)
        for column in self._conversions:
            batch.convert(column)
        for column in self._with_secrets:
            batch.remove_secrets(column)
        for name in self._unknown:
            batch.rescue_column(name)
        if self._keeps_rescued:
            batch.write_rescued(_RESCUED)
        return records

    def values(self, records: Sequence[Any], name: str) -> list[Any]:
        """Return the values of a column of records.

        Args:
            records: Records from `finish`.
            name: The column.

        Returns:
            The value of each record; None if there is no such column.
        """
        return self._batch(records).values(name) if name in self._columns else [None] * len(records)

    def raw_values(self, rows: Sequence[Any], name: str) -> list[Any]:
        """Return the values of a field of rows that `finish` has not converted.

        Args:
            rows: Instances of `row`.
            name: A field of the API; for a resource, `id` or an attribute.

        Returns:
            The value of each row; None where it is absent.
        """
        records = rows if self._relationships is None else [each.attributes or self._absent for each in rows]
        values = self._batch(records).values(name) if name in self.fields else [UNSET] * len(records)
        if self._relationships is not None and name == ID:
            values = [value if row.id is None else row.id for row, value in zip(rows, values, strict=True)]
        return [None if value is UNSET else value for value in values]

    def hide(self, records: Sequence[Any]) -> None:
        """Remove the properties that are not selected from records.

        Args:
            records: Records from `finish`.
        """
        for name in self._hidden:
            self._batch(records).fill(name, UNSET)

    def _batch(self, records: Sequence[Any]) -> RecordBatch:
        return RecordBatch(records, self.fields, self._facts.conformer)

    def _flatten(self, resources: Sequence[Any], relationships: RelationshipTypes, batch: RecordBatch) -> None:
        """Add ids and relationships to the attributes, as `ResourceRows.flat` does."""

        def put(index: int, name: str, value: object) -> None:
            """Set a value that comes from a relationship, so that decoding has not checked its type."""
            if name not in self.fields:
                batch.rescue(index, name, value)
            elif self._types.get(name) is None:
                batch.put(index, name, value)
            else:
                batch.put_converted(index, self._columns[name], value)

        if ID in self.fields:
            self._set_ids(resources, batch)
        else:
            for index, resource in enumerate(resources):
                if resource.id is not None:
                    put(index, ID, resource.id)
        relationships.fill(batch.records, [each.relationships for each in resources], put)

    def _set_ids(self, resources: Sequence[Any], batch: RecordBatch) -> None:
        """Set the ids of resources in their records, which hold an attribute named `id` if there is one."""
        field = self.fields[ID]
        for index, (resource, attribute) in enumerate(zip(resources, batch.values(ID), strict=True)):
            if resource.id is None:
                if attribute is UNSET and ID in self._columns:
                    setattr(batch.records[index], field, None)
                continue
            if attribute is not UNSET and is_another_id(attribute, resource.id):
                batch.rescue(index, ID_AMONG_ATTRIBUTES, attribute)
            setattr(batch.records[index], field, resource.id)

    def _type_of(self, column: Column) -> Any:  # noqa: ANN401 - a type form, which has no type
        """Return the type that makes `convert` unnecessary, or None if there is none or rows do not conform to it."""
        if column.name in self.converted or column.name in self._facts.secret_fields:
            return None
        if column.native is date and column.name in {*self._facts.keys, self._facts.replication_key}:
            return None  # keys and bookmarks are compared as texts
        return str if column.convert is convert_timestamp else column.native


def _or_null(form: Any) -> Any:  # noqa: ANN401 - a type form, which has no type
    return Any if form is None or form is Any else form | None


def _page_of(row: Any, layout: RowLayout) -> Any:  # noqa: ANN401 - a type form, which has no type
    if layout.key is None:
        return list[row]
    rows: Any = list[row]
    if layout.inner is not None:
        rows |= _page_with(rows, layout.inner, layout.envelope)
    return _page_with(rows, layout.key, layout.envelope)


def _page_with(rows: Any, key: str, envelope: Sequence[str]) -> Any:  # noqa: ANN401 - a type form, which has no type
    members: list[Any] = [
        (f"e{number}", Any, msgspec.field(name=name, default=None)) for number, name in enumerate(envelope)
    ]
    return msgspec.defstruct("Page", [("rows", rows, msgspec.field(name=key)), *members], gc=False)
