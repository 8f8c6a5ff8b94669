"""Projects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.maker import histories
from sandbox.productive.generate.parties import users
from sandbox.productive.generate.settings import ARCHIVED
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.productive.generate.maker import Maker

NEWEST_PROJECT = datetime(2026, 3, 14, 11, 20, 31, 77_000, tzinfo=UTC)
PROJECTS = 60


def make_projects(maker: Maker) -> None:
    """Make the projects."""
    chance = maker.chance("projects")
    staff, companies = users(maker), maker.rows("companies")
    for number, (stamps, _) in enumerate(histories(chance, maker.count(PROJECTS), NEWEST_PROJECT), start=1):
        maker.make(
            "projects",
            number,
            {
                "name": maker.fake.bs().title(),
                "number": str(number),
                "project_number": str(number),
                "project_type_id": 1 if number % 8 == 0 else 2,
                "project_color_id": chance.randrange(1, 12),
                "created_at": stamps["created_at"],
                "last_activity_at": stamps["last_activity_at"],
                "archived_at": ARCHIVED if number % 11 == 0 else None,
                "duplication_status": "idle",
                "preferences": {"navigation_order": ["tasks", "budgets", "docs"]},
                "tag_colors": {},
                "task_custom_fields_positions": {},
                "custom_fields": custom_values(maker, chance, "projects"),
                "time_on_tasks": True,
            },
            {
                "company": chance.choice(companies).ref,
                "project_manager": chance.choice(staff).ref,
                "last_actor": chance.choice(staff).ref,
                "workflow": Ref("workflows", str(1 + number % 2)),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
