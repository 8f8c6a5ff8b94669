"""The msgspec types of a resource's relationships, and how the ids in them get into its record."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from singer_rest_core.records.exact_json import decodes
from singer_rest_core.records.row_layout import NO_RESOURCE, UnexpectedPage

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

    A relationship that leads where its column says is decoded for that alone, which is fast; any other is decoded as
    whatever JSON:API allows.

    Args:
        one: The columns that take an id as it is: fields of the record by column.
        many: The same of those that take a list of ids.
        typed: Relationships whose type is kept too.
        names: The relationships that rows have.
        odd: Those of them that do not lead where their column says.
    """

    def __init__(
        self,
        one: Mapping[str, str],
        many: Mapping[str, str],
        *,
        typed: Container[str],
        names: frozenset[str] = frozenset(),
        odd: frozenset[str] = frozenset(),
    ) -> None:
        """Compile the type."""
        self._columns, self._typed = (one, many), typed
        self.names, self.odd = names, odd
        self._forms: dict[str, Any] = {}
        self._to_one: list[tuple[Callable[[Any], _ToOne], str]] = []
        self._to_many: list[tuple[Callable[[Any], _ToMany], str]] = []
        self._to_any: list[tuple[Callable[[Any], _ToAny], str]] = []
        members: list[Any] = []
        for number, name in enumerate(sorted(names)):
            place = f"r{number}"
            relationship = attrgetter(place)
            id_field, ids_field = one.get(f"{name}_id"), many.get(f"{name}_ids")
            form: type[msgspec.Struct] = _ToAny
            if name in typed or name in odd or (id_field is None) is (ids_field is None):
                self._to_any.append((relationship, name))
            elif id_field is not None:
                form = _ToOne
                self._to_one.append((relationship, id_field))
            elif ids_field is not None:
                form = _ToMany
                self._to_many.append((relationship, ids_field))
            self._forms[name] = form
            members.append((place, form, msgspec.field(name=name, default=form())))
        # One that nobody has seen must not be passed over.
        self.struct: Any = msgspec.defstruct("Relationships", members, forbid_unknown_fields=True, gc=False)
        self._none = self.struct()

    def widened(self, found: Mapping[str, Any], *, most: int) -> RelationshipTypes:
        """Give types that also decode what a row holds that did not decode.

        Args:
            found: Its relationships by name, whatever they are.
            most: How many there may be at all.

        Returns:
            Wider types, or the same if that would not help.
        """
        new = found.keys() - self.names
        if len(self.names) + len(new) > most:
            new = set()
        odd = {name for name, value in found.items() if name in self.names and not decodes(value, self._forms[name])}
        if not new and odd <= self.odd:
            return self
        one, many = self._columns
        return RelationshipTypes(one, many, typed=self._typed, names=self.names | new, odd=self.odd | odd)

    def fill(
        self, records: Sequence[Any], relationships: Sequence[Any], put: Callable[[int, str, object], None]
    ) -> None:
        """Put the ids of what rows relate to into their records, as `ResourceRows.flat` does.

        Args:
            records: Structs with the fields of the columns.
            relationships: Those of each: an instance of `struct`, or None.
            put: Takes the place of a record, a column and its value where the column does not take it as it is.

        Raises:
            UnexpectedPage: If a relationship lacks the type that is to be kept.
        """
        all_of = [each or self._none for each in relationships]
        for to_one, field in self._to_one:
            for record, its_one in zip(records, map(to_one, all_of), strict=True):
                related = its_one.data
                if related is not None:
                    setattr(record, field, related.id)
        for to_many, field in self._to_many:
            for record, its_many in zip(records, map(to_many, all_of), strict=True):
                those = its_many.data
                if those is not None:
                    setattr(record, field, those and [each.id for each in those])
        for to_any, name in self._to_any:
            for place, whatever in enumerate(map(to_any, all_of)):
                if whatever.data is not None:
                    self._put(place, name, whatever.data, put)

    def _put(
        self, place: int, name: str, related: _Reference | list[_Reference], put: Callable[[int, str, object], None]
    ) -> None:
        if isinstance(related, list):
            put(place, f"{name}_ids", [entry.id for entry in related])
            return
        put(place, f"{name}_id", related.id)
        if name in self._typed:
            if related.type is None:
                raise UnexpectedPage(NO_RESOURCE)
            put(place, f"{name}_type", related.type)
