"""Fields that filters and sorts refer to: which values of a row are compared, and how.

Most names are an attribute, a relationship with the suffix `_id`, or an attribute with the suffix `_after`, `_before`
or `_on`. `field_lookup.py` has the others. The documentation does not explain the names that neither has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal

from sandbox.productive.stubs import stub_name

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.records import Dataset, Record, Ref

Read = Callable[["Dataset", "Record"], Sequence["Json"]]
"""The values of a row that a filter or a sort compares; none if the row has null."""


class Kind(Enum):
    """How a field's values compare."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "datetime"
    ID = "id"


KINDS = {
    "integer": Kind.NUMBER,
    "number": Kind.NUMBER,
    "decimal": Kind.NUMBER,
    "string": Kind.TEXT,
    "array": Kind.TEXT,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "date-time": Kind.INSTANT,
}


@dataclass(frozen=True)
class Field:
    """The values that a filter or a sort compares.

    Attributes:
        kind: How its values compare.
        read: Returns the values of a row.
        own: Whether they are the row's own attribute (or id), so that a cursor can be based on them.
        bound: The comparison of a filter without operations, such as `paid_after`; None if the filter supports
            operations.
    """

    kind: Kind
    read: Read
    own: bool = False
    bound: Literal["gt_eq", "lt_eq", "contains"] | None = None


def attribute_field(resource: Resource, name: str, *, bound: Literal["gt_eq", "lt_eq"] | None = None) -> Field | None:
    """Return the field of an attribute, served or hidden, unless it is an object."""
    attribute = resource.attributes.get(name) or resource.hidden.get(name)
    if attribute is None or attribute.type not in KINDS:
        return None

    def read(_dataset: Dataset, record: Record) -> Sequence[Json]:
        value = record.value(name)
        if value is None:
            return ()
        return value if isinstance(value, list) else (value,)

    return Field(KINDS[attribute.type], read, own=attribute.type != "array", bound=bound)


ID_FIELD = Field(Kind.ID, lambda _dataset, record: (record.id,), own=True)


def refs_along(dataset: Dataset, record: Record, path: str) -> list[Ref]:
    """Return the references at the end of a path of relationships.

    `invoice/company` follows relationships; a step `~line_items.invoice` goes to the line items whose invoice it is.
    """
    refs = [record.ref]
    for step in path.split("/") if path else []:
        if step.startswith("~"):
            resource, _, relationship = step[1:].partition(".")
            refs = [row.ref for ref in refs for row in dataset.referrers(resource, relationship, ref.id)]
        else:
            refs = [further for ref in refs if (row := dataset.get(ref)) for further in row.all(step)]
    return refs


def ids_along(path: str) -> Field:
    """Return a field of the ids at the end of a path of relationships."""
    return Field(Kind.ID, lambda dataset, record: [ref.id for ref in refs_along(dataset, record, path)])


def values_along(path: str, attribute: str, kind: Kind) -> Field:
    """Return a field of an attribute of the rows at the end of a path of relationships."""

    def read(dataset: Dataset, record: Record) -> Sequence[Json]:
        rows = (dataset.get(ref) for ref in refs_along(dataset, record, path))
        return [value for row in rows if row is not None and (value := row.attributes.get(attribute)) is not None]

    return Field(kind, read)


def name_along(path: str, attribute: str = "name") -> Field:
    """Return a field of the name, or another text, of the first row at the end of a path."""

    def read(dataset: Dataset, record: Record) -> Sequence[Json]:
        for ref in refs_along(dataset, record, path):
            row = dataset.get(ref)
            if row is None:
                return (stub_name(ref),)
            value = display_name(row) if attribute == "name" else row.attributes.get(attribute)
            return () if value is None else (value,)
        return ()

    return Field(Kind.TEXT, read)


def display_name(record: Record) -> str:
    """Return the name that a person would use for the row."""
    if record.type == "people":
        return f"{record.attributes.get('first_name') or ''} {record.attributes.get('last_name') or ''}".strip()
    for attribute in ("name", "title", "number", "subject"):
        value = record.attributes.get(attribute)
        if isinstance(value, str):
            return value
    return f"{record.type} {record.id}"


def derived_filter(resource: Resource, name: str) -> Field | None:
    """Return the field that a filter's name itself refers to."""
    if name == "id":
        return ID_FIELD
    stem = name.removesuffix("_id")
    if stem != name and stem in resource.relationships:
        return ids_along(stem)
    # `invoice_type` is `invoice_type_id`.
    for candidate in (name, f"{name}_id"):
        if field := attribute_field(resource, candidate):
            return field
    return _window_filter(resource, name)


def _window_filter(resource: Resource, name: str) -> Field | None:
    stem, _, side = name.rpartition("_")
    bounds: dict[str, Literal["gt_eq", "lt_eq"] | None] = {"after": "gt_eq", "before": "lt_eq", "on": None}
    if side in bounds:
        for candidate in (stem, f"{stem}_on", f"{stem}_at"):
            if field := attribute_field(resource, candidate, bound=bounds[side]):
                return field
    return None


def derived_sort(resource: Resource, name: str) -> Field | None:
    """Return the field that a sort's name itself refers to: an attribute, or the name of a related row."""
    if name == "id":
        return ID_FIELD
    attribute = resource.attributes.get(name) or resource.hidden.get(name)
    if attribute is not None and attribute.type != "array":
        return attribute_field(resource, name)
    stem = name.removesuffix("_name").removesuffix(".name")
    if stem in resource.relationships:
        return name_along(stem)
    stem = name.removesuffix("_id")
    return ids_along(stem) if stem in resource.relationships else None
