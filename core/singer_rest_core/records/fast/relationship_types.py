"""The msgspec types for the relationships of JSON:API resources, and copying their ids into the records."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from singer_rest_core.records.exact_json import decodes
from singer_rest_core.records.row_layout import NOT_A_RESOURCE, UnexpectedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence


class _Id(msgspec.Struct, gc=False):
    id: str


class _ToOne(msgspec.Struct, gc=False, frozen=True):
    data: _Id | None = None


class _ToMany(msgspec.Struct, gc=False, frozen=True):
    data: list[_Id] | None = None


class _Reference(_Id, gc=False):
    type: str | None = None


class _ToAny(msgspec.Struct, gc=False, frozen=True):
    data: _Reference | list[_Reference] | None = None


class RelationshipTypes:
    """The type of the relationships of one stream's rows.

    A relationship whose column tells whether it is to-one or to-many is decoded as just that, which is fast; any other
    is decoded as anything JSON:API allows.

    Args:
        to_one: The columns that accept an id unchanged: struct fields by column name.
        to_many: The columns that accept a list of ids unchanged: struct fields by column name.
        typed: Relationships for which the type of the related record is written too.
        names: The relationships that rows have.
        irregular: Those of `names` whose data differs from what their column tells.
    """

    def __init__(
        self,
        to_one: Mapping[str, str],
        to_many: Mapping[str, str],
        *,
        typed: Container[str],
        names: frozenset[str] = frozenset(),
        irregular: frozenset[str] = frozenset(),
    ) -> None:
        """Compile the type."""
        self._columns, self._typed = (to_one, to_many), typed
        self.names, self.irregular = names, irregular
        self._forms: dict[str, Any] = {}
        self._to_one: list[tuple[Callable[[Any], _ToOne], str]] = []
        self._to_many: list[tuple[Callable[[Any], _ToMany], str]] = []
        self._to_any: list[tuple[Callable[[Any], _ToAny], str]] = []
        members: list[Any] = []
        for number, name in enumerate(sorted(names)):
            field = f"r{number}"
            relationship = attrgetter(field)
            id_field, ids_field = to_one.get(f"{name}_id"), to_many.get(f"{name}_ids")
            form: type[msgspec.Struct] = _ToAny
            if name in typed or name in irregular or (id_field is None) is (ids_field is None):
                self._to_any.append((relationship, name))
            elif id_field is not None:
                form = _ToOne
                self._to_one.append((relationship, id_field))
            elif ids_field is not None:
                form = _ToMany
                self._to_many.append((relationship, ids_field))
            self._forms[name] = form
            members.append((field, form, msgspec.field(name=name, default=form())))
        # A relationship that was not seen before must not be ignored.
        self.struct: Any = msgspec.defstruct("Relationships", members, forbid_unknown_fields=True, gc=False)
        self._none = self.struct()

    def widened(self, found: Mapping[str, Any], *, max_names: int) -> RelationshipTypes:
        """Return types that also decode the relationships of a row that did not decode.

        Args:
            found: Its relationships by name, unchecked.
            max_names: The largest number of relationships in the types.

        Returns:
            Wider types, or `self` if the row would still not decode.
        """
        new = found.keys() - self.names
        if new and len(self.names) + len(new) > max_names:
            return self
        irregular = {
            name for name, value in found.items() if name in self.names and not decodes(value, self._forms[name])
        }
        if not new and irregular <= self.irregular:
            return self
        return RelationshipTypes(
            *self._columns, typed=self._typed, names=self.names | new, irregular=self.irregular | irregular
        )

    def fill(
        self, records: Sequence[Any], relationships: Sequence[Any], put: Callable[[int, str, object], None]
    ) -> None:
        """Copy the ids of related records into the records, as `ResourceRows.flat` does.

        Args:
            records: Structs with the fields of the columns.
            relationships: The relationships of each record: an instance of `struct`, or None.
            put: Called with the index of a record, a column and a value if the column may not accept it unchanged.

        Raises:
            UnexpectedPage: If a related record lacks the type that is to be written.
        """
        all_of = [each or self._none for each in relationships]
        for to_one, field in self._to_one:
            for record, its_one in zip(records, map(to_one, all_of), strict=True):
                related = its_one.data
                if related is not None:
                    setattr(record, field, related.id)
        for to_many, field in self._to_many:
            for record, its_many in zip(records, map(to_many, all_of), strict=True):
                references = its_many.data
                if references is not None:
                    setattr(record, field, references and [each.id for each in references])
        for to_any, name in self._to_any:
            for index, its_any in enumerate(map(to_any, all_of)):
                if its_any.data is not None:
                    self._put(index, name, its_any.data, put)

    def _put(
        self, index: int, name: str, related: _Reference | list[_Reference], put: Callable[[int, str, object], None]
    ) -> None:
        if isinstance(related, list):
            put(index, f"{name}_ids", [entry.id for entry in related])
            return
        put(index, f"{name}_id", related.id)
        if name in self._typed:
            if related.type is None:
                raise UnexpectedPage(NOT_A_RESOURCE)
            put(index, f"{name}_type", related.type)
