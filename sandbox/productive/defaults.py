"""Default values: every record is served with all attributes of its resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.json_types import Json
    from sandbox.productive.catalogue import Attribute

SECRETS = frozenset(
    {
        "custom_headers",
        "email_key",
        "ical_token",
        "intercom_hash",
        "invitation_token",
        "public_uuid",
        "request_token",
        "scim_bearer_token",
        "signature_token",
        "token",
    }
)
"""Attributes with secrets or capability links (README 9, live-schema-diff.md 7): served with recognizable values."""

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


def with_defaults(attributes: Mapping[str, Attribute], record_id: str, given: Mapping[str, Json]) -> dict[str, Json]:
    """Return all of a record's `attributes` in the catalogue's order: the given values, and defaults."""
    return {
        name: given[name] if name in given else _default(name, attribute, record_id)
        for name, attribute in attributes.items()
    }


def _default(name: str, attribute: Attribute, record_id: str) -> Json:
    if name in SECRETS:
        secret = f"SECRET-{name}-{record_id}"
        return {"Authorization": secret} if attribute.type == "object" else secret
    if attribute.nullable:
        return None
    if name.endswith("_id") and attribute.type in {"integer", "number"}:
        # The first code of one of the vendor's value lists.
        return 1
    empty = _EMPTY[attribute.type]
    # A copy: no two records may share an object.
    return dict(empty) if isinstance(empty, dict) else list(empty) if isinstance(empty, list) else empty
