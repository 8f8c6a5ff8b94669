"""Values for the attributes that nobody has given a record: every record answers with all its attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Attribute, Resource

SECRETS = frozenset(
    {"email_key", "invitation_token", "scim_bearer_token", "public_uuid", "signature_token", "custom_headers", "token"}
)
"""Attributes that hold secrets or capability links (README 9): served, and recognizable."""

_EMPTY: dict[str, Json] = {
    "string": "",
    "integer": 0,
    "number": 0,
    "boolean": False,
    "decimal": "0.0",
    "object": {},
    "array": [],
    "date": None,
    "date-time": None,
}


def filled(resource: Resource, record_id: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """All attributes of a record, in the catalogue's order: those given, and defaults."""
    return {
        name: given[name] if name in given else _default(name, attribute, record_id)
        for name, attribute in resource.attributes.items()
    }


def _default(name: str, attribute: Attribute, record_id: str) -> Json:
    if name in SECRETS:
        return f"secret-{name}-{record_id}"
    if attribute.nullable:
        return None
    if name.endswith("_id") and attribute.type in {"integer", "number"}:
        # The first entry of one of the vendor's value lists.
        return 1
    empty = _EMPTY[attribute.type]
    # A copy: no two records may share an object.
    return dict(empty) if isinstance(empty, dict) else list(empty) if isinstance(empty, list) else empty
