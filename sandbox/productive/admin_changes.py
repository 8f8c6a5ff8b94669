"""Changes requested by the admin: checked, applied, and answered with the row as stored."""

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
    """Return a row with the ids of related rows."""
    relationships: JsonObject = {
        name: target.id if isinstance(target, Ref) else None if target is None else [ref.id for ref in target]
        for name, target in record.relationships.items()
    }
    return {"id": record.id, "type": record.type, "attributes": record.attributes, "relationships": relationships}


def apply_change(dataset: Dataset, change: Mapping[str, Any]) -> Json:
    """Apply a change with `action`, `resource`, `id`, `attributes`, `relationships` and `touch_last_activity`.

    Raises:
        InvalidAdminRequest: The row or the action does not exist.
        KeyError: A resource, attribute, relationship or related row does not exist.
    """
    changes = Changes(dataset)
    action, resource = change["action"], change["resource"]
    attributes, relationships = change.get("attributes", {}), change.get("relationships", {})
    touch = change.get("touch_last_activity", True)
    if action == "create":
        return stored_json(changes.create(resource, attributes, relationships, touch_last_activity=touch))
    record = dataset.get(Ref(resource, str(change["id"])))
    if record is None:
        raise InvalidAdminRequest(f"there is no {resource} {change['id']}")
    if action == "update":
        return stored_json(changes.update(record, attributes, relationships, touch_last_activity=touch))
    if action == "archive":
        return stored_json(changes.archive(record))
    if action == "delete":
        deleted_item = changes.delete(record, touch_last_activity=touch)
        return {"deleted_item": stored_json(deleted_item) if deleted_item else None}
    raise InvalidAdminRequest(f"the action must be create, update, archive or delete, not {action}")


def check_change(dataset: Dataset, change: Mapping[str, Any]) -> None:
    """Check a scheduled change now, as nobody would see its error later.

    Raises:
        InvalidAdminRequest: The action or the resource does not exist.
    """
    if (
        change.get("action") not in {"create", "update", "archive", "delete"}
        or change.get("resource") not in dataset.tables
    ):
        raise InvalidAdminRequest(f"{change} must have a known action and a known resource")
