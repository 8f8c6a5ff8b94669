"""Projects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.productive.generate.builder import histories
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.settings import ARCHIVED
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.productive.generate.builder import WorldBuilder

NEWEST_PROJECT = datetime(2026, 3, 14, 11, 20, 31, 77_000, tzinfo=UTC)
PROJECTS = 60


def make_projects(builder: WorldBuilder) -> None:
    """Make the projects."""
    rng = builder.rng("projects")
    staff, companies = users(builder), builder.rows("companies")
    for number, (stamps, _) in enumerate(histories(rng, builder.count(PROJECTS), NEWEST_PROJECT), start=1):
        builder.add(
            "projects",
            number,
            {
                "name": builder.fake.bs().title(),
                "number": str(number),
                "project_number": str(number),
                "project_type_id": 1 if number % 8 == 0 else 2,
                "project_color_id": rng.randrange(1, 12),
                "created_at": stamps["created_at"],
                "last_activity_at": stamps["last_activity_at"],
                "archived_at": ARCHIVED if number % 11 == 0 else None,
                "duplication_status": "idle",
                "preferences": {"navigation_order": ["tasks", "budgets", "docs"]},
                "tag_colors": {},
                "task_custom_fields_positions": {},
                "custom_fields": custom_values(builder, rng, "projects"),
                "time_on_tasks": True,
            },
            {
                "company": rng.choice(companies).ref,
                "project_manager": rng.choice(staff).ref,
                "last_actor": rng.choice(staff).ref,
                "workflow": Ref("workflows", str(1 + number % 2)),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
