"""The admin's orders to change a row: read, carried out, and answered with the row as stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.admin import InvalidAdminRequest
from sandbox.productive.changes import Changes
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.json_types import Json, JsonObject
    from sandbox.productive.records import Dataset, Record


def stored_json(record: Record) -> JsonObject:
    """A row with the ids it leads to."""
    relationships: JsonObject = {
        name: target.id if isinstance(target, Ref) else None if target is None else [ref.id for ref in target]
        for name, target in record.relationships.items()
    }
    return {"id": record.id, "type": record.type, "attributes": record.attributes, "relationships": relationships}


def apply_change(dataset: Dataset, order: Mapping[str, Any]) -> Json:
    """Change a row as ordered: `action`, `resource`, `id`, `attributes`, `relationships`, `touch_last_activity`.

    Raises:
        BadOrder: There is no such row, or no such action.
        KeyError: The order names what there is not.
    """
    changes = Changes(dataset)
    action, resource = order["action"], order["resource"]
    attributes, relationships = order.get("attributes", {}), order.get("relationships", {})
    touch = order.get("touch_last_activity", True)
    if action == "create":
        return stored_json(changes.create(resource, attributes, relationships, touch_last_activity=touch))
    record = dataset.get(Ref(resource, str(order["id"])))
    if record is None:
        raise InvalidAdminRequest(f"there is no {resource} {order['id']}")
    if action == "update":
        return stored_json(changes.update(record, attributes, relationships, touch_last_activity=touch))
    if action == "archive":
        return stored_json(changes.archive(record))
    if action == "delete":
        deleted_item = changes.delete(record, touch_last_activity=touch)
        return {"deleted_item": stored_json(deleted_item) if deleted_item else None}
    raise InvalidAdminRequest(f"{action} is not create, update, archive or delete")


def check_change(dataset: Dataset, order: Mapping[str, Any]) -> None:
    """Refuse what could not be carried out later, when nobody listens.

    Raises:
        BadOrder: The action or the resource does not exist.
    """
    if (
        order.get("action") not in {"create", "update", "archive", "delete"}
        or order.get("resource") not in dataset.tables
    ):
        raise InvalidAdminRequest(f"{order} names no action or no resource")
