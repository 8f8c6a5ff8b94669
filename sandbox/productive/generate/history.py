"""The activities left by the world's past."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.productive.activities import CREATE, UPDATE, activity

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record

REMEMBERED = {
    "comments": 20,
    "companies": 10,
    "deals": 15,
    "discussions": 5,
    "emails": 10,
    "invoices": 20,
    "pages": 10,
    "people": 5,
    "projects": 10,
    "tasks": 40,
}
"""By resource, the number of newest rows that have activities, at scale 1."""


def make_history(builder: WorldBuilder) -> None:
    """Make an activity for the creation of each row, and one for its last write if it was later."""
    events: list[tuple[datetime, str, Record]] = []
    for resource, count in REMEMBERED.items():
        for record in builder.rows(resource)[-builder.count(count) :]:
            created = _instant(record.attributes["created_at"])
            events.append((created, CREATE, record))
            updated = _instant(record.attributes.get("updated_at") or record.attributes["created_at"])
            if updated > created:
                events.append((updated, UPDATE, record))
    for number, (at, event, record) in enumerate(sorted(events, key=_order), start=1):
        changed: dict[str, tuple[Json, Json]] = {} if event == CREATE else {"updated_at": (None, None)}
        attributes, relationships = activity(builder.dataset, record, event, changed, at)
        builder.add("activities", number, attributes, relationships)


def _instant(stamped: Json) -> datetime:
    return datetime.fromisoformat(str(stamped))


def _order(events: tuple[datetime, str, Record]) -> tuple[datetime, str, str]:
    at, event, record = events
    return (at, event, f"{record.type} {record.id}")
