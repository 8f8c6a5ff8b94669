"""The msgspec types that a stream's rows decode into, and how a decoded row becomes its record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from singer_rest_core.conform import RESCUED_DATA, Misfit
from singer_rest_core.exact_json import encode
from singer_rest_core.row_layout import ResourceRows, UnexpectedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence

    from singer_rest_core.conform import Column, Conformer, Record
    from singer_rest_core.row_layout import RowLayout

_ID = "id"
_NONE: Mapping[str, Any] = {}


class _Reference(msgspec.Struct, gc=False):
    id: str
    type: str | None = None


class _Relationship(msgspec.Struct, gc=False):
    data: _Reference | list[_Reference] | None = None


@dataclass(frozen=True)
class RowFacts:
    """What is true of all rows of a stream.

    Args:
        conformer: The columns of its schema.
        layout: How a page is made.
        selected: The properties that are written.
        secret_fields: Names that are dropped before anything else happens.
        keys: The columns that tell a row from the others.
        replication_key: The column of bookmarks.
    """

    conformer: Conformer
    layout: RowLayout
    selected: Container[str]
    secret_fields: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    replication_key: str | None = None


class RowTypes:
    """The types of one stream's rows, and of pages of them.

    A row decodes into a struct with a field for each column in the schema's order, which is its record when `finish` is
    done with it. A field of the record that is not written is left unset.

    Args:
        facts: What is true of all rows.
        converted: Columns that hold other values than they should: their types are checked in Python.
        unknown: Fields that are not in the schema, but in rows.
    """

    def __init__(
        self,
        facts: RowFacts,
        converted: frozenset[str] = frozenset(),
        unknown: frozenset[str] = frozenset(),
    ) -> None:
        """Compile the types."""
        self.converted = converted
        self.unknown = unknown
        self._facts = facts
        conformer = facts.conformer
        secret_fields = facts.secret_fields | {name for name in unknown if conformer.is_secret(name)}
        columns = {column.name: column for column in conformer.columns}
        extra = sorted(unknown | (secret_fields - columns.keys()))
        self.fields = {name: f"f{number}" for number, name in enumerate([*columns, *extra])}
        self._secrets = [(self.fields[name], None if name in columns else UNSET) for name in sorted(secret_fields)]
        self._unknown = [(name, self.fields[name]) for name in extra if name not in secret_fields]
        types = {name: self._type_of(column) for name, column in columns.items()}
        self._types, self._columns = types, columns
        self._conversions = [
            (name, self.fields[name], columns[name].convert) for name, form in types.items() if form is None
        ]
        # Two fields more than there may be, so that it always gives a tuple.
        self._unconverted = attrgetter(*(field for _, field, _ in self._conversions), "__class__", "__class__")
        self._hidden = [self.fields[name] for name in columns if name not in facts.selected]
        self._keeps_rescued = conformer.keeps_rescued and RESCUED_DATA in facts.selected
        self._resources = facts.layout if isinstance(facts.layout, ResourceRows) else None
        absent = dict.fromkeys(extra, UNSET) | ({_ID: UNSET} if self._resources else {})
        members: list[Any] = [
            (self.fields[name], _or_null(types.get(name)), msgspec.field(name=name, default=absent.get(name)))
            for name in self.fields
        ]
        if self._keeps_rescued:
            # No JSON decodes as UnsetType: a row that has this name goes the slow way, which rescues it.
            members.append(("rescued", UnsetType, msgspec.field(name=RESCUED_DATA, default=None)))
        self._record: Any = msgspec.defstruct("Record", members, forbid_unknown_fields=True, gc=False)
        self.row: Any = self._record
        if self._resources:
            self.row = msgspec.defstruct(
                "Resource",
                [
                    (_ID, _or_null(types.get(_ID)), None),
                    ("attributes", self._record | None, None),
                    ("relationships", dict[str, _Relationship] | None, None),
                ],
                gc=False,
            )
            self._to_one = self._by_stem("_id", lambda form: form in {None, Any, str})
            self._to_many = self._by_stem("_ids", lambda form: form in {None, Any, list[Any], list[str | None]})
        self.decode_row = _exact_decoder(self.row).decode
        self.decode_page = _exact_decoder(_page_of(self.row, facts.layout)).decode
        self.decode_raw_page = _exact_decoder(_page_of(msgspec.Raw, facts.layout)).decode

    def widened(self, values: Mapping[str, Any], *, most: int) -> RowTypes:
        """Give types that also decode what a row holds that did not.

        Args:
            values: The fields of such a row.
            most: How many unknown fields there may be at all.

        Returns:
            Wider types, or the same if that would not help.
        """
        misfits = {
            name
            for name, value in values.items()
            if value is not None and self._types.get(name) is not None and not _decodes(value, self._types[name])
        }
        new = values.keys() - self.fields.keys() - {RESCUED_DATA}
        if len(self.unknown) + len(new) > most:
            new = set()
        if not misfits and not new:
            return self
        return RowTypes(self._facts, self.converted | misfits, self.unknown | new)

    def finish(self, row: Any) -> Any:  # noqa: ANN401 - a struct made at run time
        """Make the record of a decoded row: convert, rescue, report.

        Args:
            row: An instance of `row`; it is used up.

        Returns:
            A struct that encodes as the record, but for what is not selected: see `hide`.

        Raises:
            UnexpectedPage: If the row is no resource object.
        """
        rescued: Record = {}
        record = row if self._resources is None else self._flat(row, self._resources, rescued)
        for field, value in self._secrets:
            setattr(record, field, value)
        for (name, field, convert), value in zip(self._conversions, self._unconverted(record), strict=False):
            if value is not None:
                try:
                    setattr(record, field, convert(value))
                except Misfit as misfit:
                    self._rescue(record, name, value, misfit, rescued)
        for name, field in self._unknown:
            value = getattr(record, field)
            if value is not UNSET:
                setattr(record, field, UNSET)
                rescued[name] = value
                self._facts.conformer.report_once(name)
        if rescued and self._keeps_rescued:
            record.rescued = self._facts.conformer.rescued_data(rescued)
        return record

    def value(self, record: Any, name: str) -> Any:  # noqa: ANN401 - a struct made at run time
        """Look into a record.

        Args:
            record: What `finish` gave.
            name: A column.

        Returns:
            Its value; None if there is no such column.
        """
        return getattr(record, self.fields[name]) if name in self._columns else None

    def raw_value(self, row: Any, name: str) -> Any:  # noqa: ANN401 - a struct made at run time
        """Look into a row before it is finished.

        Args:
            row: An instance of `row`.
            name: A field of the API; of a resource, `id` or an attribute.

        Returns:
            Its value; None if it is not there.
        """
        record = row if self._resources is None else row.attributes
        value = UNSET if record is None or name not in self.fields else getattr(record, self.fields[name])
        if value is UNSET:
            return row.id if self._resources and name == _ID else None
        return value

    def hide(self, record: Any) -> None:  # noqa: ANN401 - a struct made at run time
        """Leave out of a record what is not selected.

        Args:
            record: What `finish` gave.
        """
        for field in self._hidden:
            setattr(record, field, UNSET)

    def _flat(self, resource: Any, layout: ResourceRows, rescued: Record) -> Any:  # noqa: ANN401 - structs made at run time
        """Do what `ResourceRows.flat` does."""
        record = self._record() if resource.attributes is None else resource.attributes
        own = self.fields.get(_ID)
        if own is None:
            self._put(record, _ID, resource.id, rescued)
        elif getattr(record, own) is UNSET:
            setattr(record, own, resource.id)
        for name, relationship in (resource.relationships or _NONE).items():
            related = relationship.data
            if related is None:
                continue
            if type(related) is list:
                value = [entry.id for entry in related]
                field, column = self._to_many.get(name), "ids"
            else:
                value = related.id
                field, column = self._to_one.get(name), "id"
                if name in layout.typed:
                    if related.type is None:
                        raise UnexpectedPage("a row is no resource object")
                    self._put(record, f"{name}_type", related.type, rescued)
            if field is not None:
                setattr(record, field, value)
            else:
                self._put(record, f"{name}_{column}", value, rescued)
        return record

    def _put(self, record: Any, name: str, value: object, rescued: Record) -> None:  # noqa: ANN401 - a struct made at run time
        """Set a field that the relationships of a row give; the type of an attribute of that name has not seen it."""
        field = self.fields.get(name)
        if field is None:
            rescued[name] = value
            self._facts.conformer.report_once(name)
        elif self._types.get(name) is None:
            setattr(record, field, value)
        else:
            try:
                setattr(record, field, self._columns[name].convert(value))
            except Misfit as misfit:
                self._rescue(record, name, value, misfit, rescued)

    def _rescue(self, record: Any, name: str, value: object, misfit: Misfit, rescued: Record) -> None:  # noqa: ANN401 - a struct made at run time
        setattr(record, self.fields[name], None)
        rescued[name] = value
        self._facts.conformer.report_once(name, str(misfit))

    def _by_stem(self, suffix: str, accepts: Callable[[Any], bool]) -> dict[str, str]:
        """Find the fields that a relationship may fill as it is, by its name."""
        return {
            name.removesuffix(suffix): field
            for name, field in self.fields.items()
            if name.endswith(suffix) and accepts(self._types.get(name))
        }

    def _type_of(self, column: Column) -> Any:  # noqa: ANN401 - a type form, which has no type
        """Give the type that makes `convert` superfluous, if there is one and rows keep to it."""
        if column.name in self.converted or column.name in self._facts.secret_fields:
            return None
        if column.native is date and column.name in {*self._facts.keys, self._facts.replication_key}:
            return None  # others look at these values, and expect texts
        return column.native


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
    beside: list[Any] = [
        (f"e{number}", Any, msgspec.field(name=name, default=None)) for number, name in enumerate(envelope)
    ]
    return msgspec.defstruct("Page", [("rows", rows, msgspec.field(name=key)), *beside], gc=False)


def _exact_decoder(form: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type form, which has no type
    return msgspec.json.Decoder(form, float_hook=Decimal)


def _decodes(value: object, form: Any) -> bool:  # noqa: ANN401 - a type form, which has no type
    try:
        _exact_decoder(form).decode(encode(value))
    except (msgspec.DecodeError, ValueError, ArithmeticError):
        return False
    return True
