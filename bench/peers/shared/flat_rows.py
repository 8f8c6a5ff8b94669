"""Makes the flat record that tap-productive writes from a row, as a connector written by hand would."""

from __future__ import annotations

from typing import Any


def flat_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a flat record of a resource: its attributes, and the ids of what it relates to."""
    flat = {"id": row["id"], **row["attributes"]}
    flat.pop("email_key", None)
    for name, relationship in row.get("relationships", {}).items():
        related = relationship.get("data")
        if isinstance(related, list):
            flat[f"{name}_ids"] = [one["id"] for one in related]
        elif related:
            flat[f"{name}_id"] = related["id"]
    return flat
