"""Sort orders: the keys by which rows are sorted, and found again by a cursor."""

from __future__ import annotations

from functools import total_ordering
from typing import TYPE_CHECKING, TypeAlias, cast

from typing_extensions import override

from sandbox.productive import errors
from sandbox.productive.field_lookup import sort_field
from sandbox.productive.fields import ID_FIELD, Kind
from sandbox.productive.query import Sort
from sandbox.productive.timestamps import parse_day, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.fields import Field
    from sandbox.productive.records import Dataset, Record

SortValue: TypeAlias = "tuple[int, int | float | str]"
"""One sort value: 0 and the value, or 1 and 0 for null. Nulls come last, as in PostgreSQL (not documented)."""

# Without a sort, most lists are ordered by id. Projects and people were observed not to be (README 0.8); salaries are
# documented as newest first (README 4).
DEFAULT_SORTS = {
    "people": (Sort("name", descending=False),),
    "projects": (Sort("name", descending=False),),
    "salaries": (Sort("id", descending=True),),
}


@total_ordering
class Descending:
    """A sort value that compares in reverse."""

    __slots__ = ("value",)

    def __init__(self, value: SortValue) -> None:
        """Reverse the order of `value`."""
        self.value = value

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Descending) and self.value == other.value

    @override
    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Descending) -> bool:
        """Compare in reverse."""
        return other.value < self.value


SortKey: TypeAlias = "tuple[SortValue | Descending, ...]"


class SortOrder:
    """The order of a resource's rows: its sorts, then the id."""

    def __init__(self, resource: Resource, sorts: Sequence[Sort], refused: Collection[str] = ()) -> None:
        """Parse the sorts of a request.

        Raises:
            ApiError: A sort is not documented, or the sandbox does not support it.
        """
        self.sorts = tuple(sorts) or DEFAULT_SORTS.get(resource.name, ())
        self.is_explicit = bool(sorts)
        self.fields: list[Field] = []
        for sort in self.sorts:
            if self.is_explicit and (sort.name not in resource.sorts or sort.name in refused):
                raise errors.unsupported_sort(sort.name)
            field = sort_field(resource, sort.name)
            if field is None:
                detail = (
                    f"The documentation does not say what sort {sort.name} means; the sandbox does not implement it"
                )
                raise errors.unsupported_sort(sort.name, detail)
            self.fields.append(field)

    @property
    def text(self) -> str:
        """The order in the syntax of `sort`."""
        return ",".join(f"{'-' if sort.descending else ''}{sort.name}" for sort in self.sorts)

    @property
    def by_own_attributes(self) -> bool:
        """Whether only the rows' own attributes determine the order."""
        return all(field.own for field in self.fields)

    def values(self, dataset: Dataset, record: Record) -> tuple[SortValue, ...]:
        """Return a row's sort values, its id last: the content of a cursor."""
        return (*(_sort_value(dataset, record, field) for field in self.fields), _sort_value(dataset, record, ID_FIELD))

    def key(self, values: Sequence[SortValue]) -> SortKey:
        """Return the sort key for these values."""
        directed = [
            Descending(value) if sort.descending else value for sort, value in zip(self.sorts, values, strict=False)
        ]
        return (*directed, values[-1])


def _sort_value(dataset: Dataset, record: Record, field: Field) -> SortValue:
    values = field.read(dataset, record)
    if not values:
        return (1, 0)
    value = values[0]
    return (0, _sortable(value, field.kind))


def _sortable(value: Json, kind: Kind) -> int | float | str:
    if kind is Kind.INSTANT:
        return parse_timestamp(str(value)).epoch_ms
    if kind is Kind.DATE:
        return parse_day(str(value))
    if kind is Kind.ID:
        return int(str(value))
    if kind is Kind.NUMBER and isinstance(value, str):
        return float(value)
    if kind is Kind.TEXT:
        return str(value).casefold()
    return cast("int | float", value)
