"""Finds the field that a documented filter or sort refers to.

A name that is neither here nor derivable (`fields.py`) is answered with 400: no filter may be ignored silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sandbox.productive.field_tables import (
    FILTER_ALIASES,
    FILTER_ATTRIBUTES,
    FILTER_PATHS,
    SORT_ALIASES,
    SORT_NUMBERS,
    SORT_PATHS,
    WINDOWS,
)
from sandbox.productive.fields import (
    Field,
    Kind,
    attribute_field,
    derived_filter,
    derived_sort,
    display_name,
    ids_along,
    name_along,
    refs_along,
    values_along,
)
from sandbox.productive.filter_codes import code_field

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Resource
    from sandbox.productive.records import Dataset, Record

TAGGED_RESOURCES = {
    "company_id": "companies",
    "deal_id": "deals",
    "invoice_id": "invoices",
    "person_id": "people",
    "task_id": "tasks",
}
"""Filters of `tags`, and the tagged resource; a project has the tags of its tasks."""

TAGGABLE_TYPES = {"companies": "company", "invoices": "invoice", "people": "person", "tasks": "task"}
"""The values of `taggable_type`; deals are `deal` or `budget`."""


# (resource, filter): the attribute that is set if the filter is true.
_SET_ATTRIBUTES = {
    ("companies", "has_parent_company"): "parent_company_id",
    **{
        (resource, "archived"): "archived_at"
        for resource in ("custom_fields", "custom_field_options", "survey_fields", "survey_field_options", "workflows")
    },
}

# (resource, filter): other boolean conditions.
_CONDITIONS: dict[tuple[str, str], Callable[[Dataset, Record], bool]] = {
    ("activities", "has_attachments"): lambda dataset, record: bool(refs_along(dataset, record, "comment/attachments")),
    ("activities", "pinned"): lambda dataset, record: any(
        row.attributes["pinned_at"] for ref in record.all("comment") if (row := dataset.get(ref))
    ),
    ("events", "limited"): lambda _dataset, record: record.integer("limitation_type_id") != _UNLIMITED,
    ("filters", "pulse"): lambda _dataset, record: record.integer("pulse_count") > 0,
    ("team_memberships", "active"): lambda dataset, record: any(
        not row.attributes["deactivated_at"] for ref in record.all("person") if (row := dataset.get(ref))
    ),
    ("tasks", "subtask"): lambda _dataset, record: record.one("parent_task") is not None,
    ("time_entries", "billable"): lambda _dataset, record: record.integer("billable_time") > 0,
}

_UNLIMITED = 4

# Filters of activities by the id of an item, and the type of that item.
_ITEM_IDS = {"expense_id": "Expense", "proposal_id": "Proposal", "resource_request_id": "ResourceRequest"}


def _item_field(item_type: str, side: str = "item") -> Field:
    """Return a field of the id of an activity's item (or root) of this type."""

    def read(_dataset: Dataset, record: Record) -> Sequence[Json]:
        attributes = record.attributes
        return (str(attributes[f"{side}_id"]),) if attributes[f"{side}_type"] == item_type else ()

    return Field(Kind.ID, read)


def _tagged(dataset: Dataset, resource: str) -> dict[Json, list[Record]]:
    """Return the rows of a resource by tag."""

    def index() -> dict[Json, list[Record]]:
        found: dict[Json, list[Record]] = {}
        for row in dataset.rows(resource):
            for tag in cast("list[Json]", row.attributes["tag_list"]):
                found.setdefault(tag, []).append(row)
        return found

    return dataset.cached(("tagged", resource), index)


def _tag_field(name: str) -> Field | None:
    """Return the field of a filter of `tags` by what is tagged."""
    if name == "taggable_type":

        def types(dataset: Dataset, record: Record) -> Sequence[Json]:
            tag = record.attributes["name"]
            found = {kind for resource, kind in TAGGABLE_TYPES.items() if tag in _tagged(dataset, resource)}
            deals = _tagged(dataset, "deals").get(tag, ())
            return [*found, *("budget" if row.attributes["budget"] else "deal" for row in deals)]

        return Field(Kind.TEXT, types)
    if name == "project_id":

        def projects(dataset: Dataset, record: Record) -> Sequence[Json]:
            return [
                ref.id
                for row in _tagged(dataset, "tasks").get(record.attributes["name"], ())
                for ref in row.all("project")
            ]

        return Field(Kind.ID, projects)
    if name not in TAGGED_RESOURCES:
        return None

    def ids(dataset: Dataset, record: Record) -> Sequence[Json]:
        return [row.id for row in _tagged(dataset, TAGGED_RESOURCES[name]).get(record.attributes["name"], ())]

    return Field(Kind.ID, ids)


QUERY_FIELD = Field(Kind.TEXT, lambda _dataset, record: (display_name(record),), bound="contains")
"""`query`: taken to match part of the row's name, title or number."""


_OTHER_FIELDS = {
    **{("activities", name): _item_field(item) for name, item in _ITEM_IDS.items()},
    ("activities", "project_id"): _item_field("Workspace", "root"),
    ("team_memberships", "person_name"): name_along("person"),
}


def filter_field(resource: Resource, name: str) -> Field | None:
    """Return the field of a documented filter, or None where the documentation does not explain it."""
    place = (resource.name, name)
    code = code_field(place)
    if code is not None:
        return code
    if place in FILTER_PATHS:
        return ids_along(FILTER_PATHS[place])
    if place in FILTER_ATTRIBUTES:
        return values_along(*FILTER_ATTRIBUTES[place])
    if place in FILTER_ALIASES:
        return attribute_field(resource, FILTER_ALIASES[place])
    if place in WINDOWS:
        attribute, bound = WINDOWS[place]
        return attribute_field(resource, attribute, bound=bound)
    return _special_filter(resource, name) or derived_filter(resource, name)


def _special_filter(resource: Resource, name: str) -> Field | None:
    """Return the field of a filter that is neither a code nor in `field_tables.py`."""
    place = (resource.name, name)
    if place in _SET_ATTRIBUTES:
        attribute = _SET_ATTRIBUTES[place]
        return Field(Kind.BOOLEAN, lambda _dataset, record: (record.attributes.get(attribute) is not None,))
    if place in _CONDITIONS:
        question = _CONDITIONS[place]
        return Field(Kind.BOOLEAN, lambda dataset, record: (question(dataset, record),))
    if resource.name == "tags" and name != "name":
        return _tag_field(name)
    return QUERY_FIELD if name == "query" else _OTHER_FIELDS.get(place)


def sort_field(resource: Resource, name: str) -> Field | None:
    """Return the field of a documented sort, or None where the documentation does not explain it."""
    place = (resource.name, name)
    if place in SORT_PATHS:
        return name_along(*SORT_PATHS[place])
    if place in SORT_NUMBERS:
        path, attribute = SORT_NUMBERS[place]
        return values_along(path, attribute, Kind.NUMBER) if attribute else ids_along(path)
    if place == ("people", "name"):
        return Field(Kind.TEXT, lambda _dataset, record: (display_name(record),), own=True)
    return derived_sort(resource, SORT_ALIASES.get(place, name))
