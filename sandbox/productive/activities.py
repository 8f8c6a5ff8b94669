"""The activity that a change of a row leaves.

Some names of item types are documented ("Workspace, Task, Page, Deal…", roots "Workspace, Page, Person…"); a Workspace
is a project. The other names, the parents, and the content of the changeset (an array in live answers) are inferred.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.productive.fields import display_name
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sandbox.json_types import Json
    from sandbox.productive.records import Dataset, Record, Related

SIDES = ("item", "parent", "root")
CREATE, UPDATE, DELETE = "create", "update", "delete"

_NAMES = {"people": "Person", "projects": "Workspace"}

# The relationships to what a row is part of.
_PARENTS = {
    "comments": ("task", "deal", "invoice", "company", "discussion"),
    "custom_field_options": ("custom_field",),
    "discussions": ("page",),
    "emails": ("invoice", "deal"),
    "expenses": ("deal",),
    "invoice_attributions": ("invoice",),
    "line_items": ("invoice",),
    "payments": ("invoice",),
    "services": ("deal",),
    "tasks": ("project",),
    "time_entries": ("service",),
    "todos": ("task", "deal"),
}

# The attribute that names a related row, and its type: a number in live answers, a text where only the catalogue has
# it.
_IDS: dict[str, tuple[str, type[int | str]]] = {
    "bookings": ("booking_id", int),
    "companies": ("company_id", int),
    "deals": ("deal_id", int),
    "discussions": ("discussion_id", str),
    "invoices": ("invoice_id", int),
    "pages": ("page_id", int),
    "people": ("person_id", str),
    "purchase_orders": ("purchase_order_id", str),
    "tasks": ("task_id", int),
}


def item_type(resource: str) -> str:
    """Return the type that activities give a resource's rows: the singular, in camel case."""
    if resource in _NAMES:
        return _NAMES[resource]
    if resource.endswith("ies"):
        singular = f"{resource[:-3]}y"
    else:
        singular = resource.removesuffix("es") if resource.endswith("statuses") else resource.removesuffix("s")
    return "".join(word.capitalize() for word in singular.split("_"))


def ancestry(dataset: Dataset, record: Record) -> list[Record]:
    """Return the rows that a row is part of, nearest first."""
    found: list[Record] = []
    row: Record | None = record
    while row is not None:
        refs = [row.one(name) for name in _PARENTS.get(row.type, ())]
        row = next((parent for ref in refs if (parent := dataset.get(ref))), None)
        if row is not None:
            found.append(row)
    return found


def sides_naming(past: Record, record: Record) -> list[str]:
    """Return the sides (item, parent, root) in which an activity names a row."""
    name = item_type(record.type)
    attributes = past.attributes
    return [side for side in SIDES if attributes[f"{side}_type"] == name and attributes[f"{side}_id"] == int(record.id)]


def activity(
    dataset: Dataset, record: Record, event: str, changed: Mapping[str, tuple[Json, Json]], at: datetime
) -> tuple[dict[str, Json], dict[str, Related]]:
    """Return the attributes and relationships of an activity.

    Args:
        dataset: The organization's rows.
        record: The changed row.
        event: The kind of change.
        changed: The old and the new value of each changed attribute and relationship.
        at: When it happened.
    """
    above = ancestry(dataset, record)
    parent, root = (above[0], above[-1]) if above else (record, record)
    own = record.type if record.type in {"comments", "emails", "attachments"} else None
    attributes: dict[str, Json] = {
        "created_at": format_timestamp(at),
        "event": event,
        "changeset": [{name: [before, after]} for name, (before, after) in changed.items()],
        "item_deleted_at": format_timestamp(at) if event == DELETE else None,
        "deal_is_budget": any(bool(row.attributes.get("budget")) for row in (record, *above)),
        "made_by_automation": False,
        "roles": [],
    }
    for side, row in zip(SIDES, (record, parent, root), strict=True):
        attributes |= {
            f"{side}_id": int(row.id),
            f"{side}_name": display_name(row),
            f"{side}_type": item_type(row.type),
        }
    for row in (record, *above):
        if row.type in _IDS:
            name, kind = _IDS[row.type]
            attributes.setdefault(name, kind(row.id))
    relationships: dict[str, Related] = {"creator": Ref("people", "1")}
    if own is not None:
        relationships[own.removesuffix("s")] = record.ref
    return attributes, relationships
