"""Compiles the tree of `filter[…]` into a predicate on rows (README 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, cast

from sandbox.productive import errors
from sandbox.productive.field_lookup import filter_field
from sandbox.productive.fields import Field, Kind
from sandbox.productive.timestamps import parse_day, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.query import FilterTree
    from sandbox.productive.records import Dataset, Record

RowPredicate = Callable[["Dataset", "Record"], bool]

_ORDER = {"gt", "gt_eq", "lt", "lt_eq"}
_EQUALITY = {"eq", "not_eq"}
_SUBSTRING = {"contains", "not_contain"}
OPERATIONS = _EQUALITY | _SUBSTRING | _ORDER

# The operations that the vendor's CLI allows by kind of field. Few endpoints document theirs; here, all allow these.
_ALLOWED = {
    Kind.NUMBER: _EQUALITY | _ORDER,
    Kind.DATE: _EQUALITY | _ORDER,
    Kind.INSTANT: _EQUALITY | _ORDER,
    Kind.TEXT: _EQUALITY | _SUBSTRING,
    Kind.BOOLEAN: {"eq"},
    Kind.ID: _EQUALITY,
}


# The filters by the id of a custom field, and the attribute with the values.
_CUSTOM = {
    "custom_fields": "custom_fields",
    "people_custom_fields": "people_custom_fields",
}

WITH_DRAFT = "with_draft"
"""The filter that includes drafts: lists that have it hide drafts otherwise (README 6, on bookings)."""


@dataclass(frozen=True)
class FilterRules:
    """How a resource's filters are read.

    Attributes:
        resource: The filtered resource.
        refused: Documented filters that the admin has disabled.
        to_the_second: Whether datetimes compare by second (header `X-Feature-Flags: filteringSkipDatetimeCastToDate`)
            rather than by date.
        ignored: Documented filters that the admin has made ineffective.
        refused_operations: Operations that the admin has disabled.
    """

    resource: Resource
    refused: Collection[str]
    to_the_second: bool
    ignored: Collection[str] = ()
    refused_operations: Collection[str] = ()


def compile_filters(tree: FilterTree, rules: FilterRules) -> RowPredicate:
    """Return the predicate of the whole query; drafts are excluded unless it asks for them.

    Raises:
        ApiError: A name is not supported, or an operation or a value is invalid.
    """
    keep = _compile(tree, rules)
    if WITH_DRAFT not in rules.resource.filters or tree.get(WITH_DRAFT) == ["true"]:
        return keep
    return lambda dataset, record: not record.attributes.get("draft") and keep(dataset, record)


def _compile(tree: FilterTree, rules: FilterRules) -> RowPredicate:
    predicates: list[RowPredicate] = []
    joined_by = "and"
    for name, branch in tree.items():
        if name == "$op":
            joined_by = branch[-1] if isinstance(branch, list) else ""
            if joined_by not in {"and", "or"}:
                raise errors.unsupported_filter_value("$op", "$op must be and, or")
        elif name.isdigit():
            if isinstance(branch, list):
                raise errors.unsupported_filter(name)
            predicates.append(_compile(branch, rules))
        else:
            found = _field_predicates(name, branch, rules)
            predicates.extend(() if name in rules.ignored else found)
    if joined_by == "or":
        return lambda dataset, record: any(predicate(dataset, record) for predicate in predicates)
    return lambda dataset, record: all(predicate(dataset, record) for predicate in predicates)


def _field_predicates(name: str, branch: FilterTree | list[str], rules: FilterRules) -> list[RowPredicate]:
    if name not in rules.resource.filters or name in rules.refused:
        raise errors.unsupported_filter(name)
    if name in _CUSTOM:
        return _custom_field_predicates(name, branch)
    if name == WITH_DRAFT:
        if branch not in (["true"], ["false"]):
            raise errors.unsupported_filter_value(name, f"{name} is true or false")
        return []
    field = filter_field(rules.resource, name)
    if field is None:
        detail = f"The documentation does not say what filter {name} means; the sandbox does not implement it"
        raise errors.unsupported_filter_value(name, detail)
    operations = {"eq": branch} if isinstance(branch, list) else branch
    predicates = []
    for operation, values in operations.items():
        is_allowed = operation in _ALLOWED[field.kind] and operation not in rules.refused_operations
        if not isinstance(values, list) or not is_allowed or (field.bound and operation != "eq"):
            raise errors.unsupported_filter_operation(name, operation)
        predicates.append(_predicate(name, field, field.bound or operation, values, to_the_second=rules.to_the_second))
    return predicates


def _custom_field_predicates(name: str, branch: FilterTree | list[str]) -> list[RowPredicate]:
    """Compile `filter[custom_fields][<id>][op]=v`: order comparisons by number, the rest by text."""
    if isinstance(branch, list):
        raise errors.unsupported_filter_value(name, f"{name} takes the id of a custom field")
    predicates = []
    for field_id, operations in branch.items():
        for operation, values in ({"eq": operations} if isinstance(operations, list) else operations).items():
            if not isinstance(values, list) or operation not in OPERATIONS:
                raise errors.unsupported_filter_operation(name, operation)
            kind = Kind.NUMBER if operation in _ORDER else Kind.TEXT
            field = Field(kind, _custom_field_reader(_CUSTOM[name], field_id, kind))
            predicates.append(_predicate(name, field, operation, values, to_the_second=False))
    return predicates


def _custom_field_reader(attribute: str, field_id: str, kind: Kind) -> Callable[[Dataset, Record], Sequence[Json]]:
    def read(_dataset: Dataset, record: Record) -> Sequence[Json]:
        custom_fields = record.attributes.get(attribute)
        value = custom_fields.get(field_id) if isinstance(custom_fields, dict) else None
        values = value if isinstance(value, list) else [] if value is None else [value]
        if kind is Kind.NUMBER:
            return [item for item in values if isinstance(item, int | float)]
        return [str(item) for item in values]

    return read


def _predicate(name: str, field: Field, operation: str, values: Sequence[str], *, to_the_second: bool) -> RowPredicate:
    texts = _split_values(values, field.kind, operation)
    try:
        expected = [_parse_value(text, field.kind, to_the_second=to_the_second) for text in texts]
    except (ValueError, InvalidOperation):
        detail = f"{', '.join(texts)} is not a valid {field.kind.value}"
        raise errors.unsupported_filter_value(name, detail) from None
    compare = _COMPARISONS[operation]
    negative = operation in {"not_eq", "not_contain"}

    def predicate(dataset: Dataset, record: Record) -> bool:
        row_values = [
            _comparable(value, field.kind, to_the_second=to_the_second) for value in field.read(dataset, record)
        ]
        found = any(compare(actual, value) for actual in row_values for value in expected)
        # A row with null does not have the value: only not_eq keeps it. Not documented.
        return found is not negative

    return predicate


def _split_values(values: Sequence[str], kind: Kind, operation: str) -> list[str]:
    """Split comma lists; a text with commas is also matched whole."""
    if operation in _ORDER or operation in _SUBSTRING:
        return list(values)
    parts = [part for value in values for part in value.split(",")]
    return [*values, *parts] if kind is Kind.TEXT else parts


def _parse_value(text: str, kind: Kind, *, to_the_second: bool) -> object:
    """Parse a filter's value for comparison; raise ValueError if it is invalid."""
    if kind is Kind.BOOLEAN:
        return {"true": True, "false": False}[text] if text in {"true", "false"} else _reject()
    if kind is Kind.ID:
        return text if text.isascii() and text.isdigit() else _reject()
    if kind is Kind.TEXT:
        return text or _reject()
    if kind is Kind.NUMBER:
        number = Decimal(text)
        return number if number.is_finite() else _reject()
    return _comparable(text, kind, to_the_second=to_the_second)


def _reject() -> object:
    raise ValueError


def _comparable(value: Json, kind: Kind, *, to_the_second: bool) -> object:
    """Convert a row's value for comparison."""
    if kind is Kind.NUMBER:
        # Convert by its digits, so that 0.1 is exactly 0.1.
        return Decimal(str(value))
    if kind is Kind.DATE:
        return parse_day(str(value))
    if kind is Kind.INSTANT:
        moment = parse_timestamp(str(value))
        return moment.epoch_ms // 1000 if to_the_second else moment.local_day
    if kind in {Kind.ID, Kind.TEXT}:
        return str(value)
    return value


def _contains(actual: object, expected: object) -> bool:
    return str(expected).casefold() in str(actual).casefold()


_COMPARISONS: dict[str, Callable[[object, object], bool]] = {
    "eq": lambda actual, expected: actual == expected,
    "not_eq": lambda actual, expected: actual == expected,
    "contains": _contains,
    "not_contain": _contains,
    "gt": lambda actual, expected: cast("int", actual) > cast("int", expected),
    "gt_eq": lambda actual, expected: cast("int", actual) >= cast("int", expected),
    "lt": lambda actual, expected: cast("int", actual) < cast("int", expected),
    "lt_eq": lambda actual, expected: cast("int", actual) <= cast("int", expected),
}
