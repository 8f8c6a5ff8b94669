"""Users and what they see: sessions, agents, saved views, dashboards, access, notifications and webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.fields import display_name
from sandbox.productive.generate.builder import refs
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.structure import REPORT_CATEGORIES
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Record

SESSIONS, FILTERS, WIDGETS, PULSES, MEMBERSHIPS, NOTIFICATIONS, LOGS, ARTIFACTS = 20, 40, 20, 10, 60, 40, 40, 10
AGENTS = ("Planner", "Bookkeeper", "Scribe")
DASHBOARDS = 6
WEBHOOKS = 6
LISTS = ("invoices", "tasks", "deals", "time_entries", "projects")
PERSON, GROUP, TEAM = 1, 2, 3
EMPLOYEES = 2


def make_account(builder: WorldBuilder) -> None:
    """Make the user first, as its sessions refer to it."""
    _make_user(builder)
    _make_agents(builder)
    _make_views(builder)
    _make_access(builder)
    _make_notifications(builder)
    _make_webhooks(builder)
    builder.add_many(
        "artifacts",
        ARTIFACTS,
        lambda draft: (
            {"name": f"Artifact {draft.number}", "public_access": draft.number % 3 == 0},
            {"creator": draft.rng.choice(users(builder)).ref},
        ),
    )


def _make_user(builder: WorldBuilder) -> None:
    """Make the user of the token, who is the first person: the list has no others (seen live)."""
    person = users(builder)[0]
    attributes: dict[str, Json] = {
        "email": person.attributes["email"],
        "first_name": person.attributes["first_name"],
        "last_name": person.attributes["last_name"],
        "default_organization_id": 1,
        "default_organization_slug": "northwind-studio",
        "locale": "en",
        "time_zone": "Europe/Zagreb",
        "two_factor_auth": bool(person.attributes["two_factor_auth"]),
        "sysadmin_permissions": [],
        "updated_at": person.attributes["joined_at"],
        "newsletter_consent": True,
    }
    user = builder.add("users", person.integer("user_id"), attributes).ref

    def session(draft: Draft) -> Row:
        return {
            "name": f"Session {draft.number}",
            "browser": "Firefox",
            "device": "Desktop",
            "platform": "Linux",
            "location": "Zagreb",
            "last_ip": f"192.0.2.{draft.number}",
            "machine": draft.number % 4 == 0,
            "read_only": draft.number % 6 == 0,
            "user_id": int(user.id),
            "token_expires_at": format_timestamp(WORLD_START + timedelta(days=30)),
        }, {"user": user}

    builder.add_many("sessions", SESSIONS, session)


def _make_agents(builder: WorldBuilder) -> None:
    staff = users(builder)
    builder.add_for_each(
        "agents",
        AGENTS,
        lambda draft, name: (
            {
                "name": name,
                "title": f"{name} agent",
                "avatar_url": f"https://files.productive.example/agents/{draft.number}.png",
                "deactivated_at": draft.every(3, format_timestamp(draft.updated)),
            },
            {
                "agent_config": Ref("agent_configs", str(draft.number)),
                "custom_role": Ref("roles", "3"),
                "manager": staff[0].ref,
            },
        ),
    )
    builder.add_for_each(
        "agent_configs",
        AGENTS,
        lambda draft, name: (
            {"instructions": f"You are the {name.lower()}.", "tools": ["search", "tasks"]},
            {"agent": Ref("agents", str(draft.number))},
        ),
    )


def _make_views(builder: WorldBuilder) -> None:
    """Make saved filters, and the dashboards and pulses that show them."""
    staff, projects = users(builder), builder.rows("projects")

    def saved_filter(draft: Draft) -> Row:
        collection = draft.rng.choice(LISTS)
        report = draft.number % 4 == 0
        viewed = format_timestamp(draft.updated)
        return {
            "name": f"My {collection.replace('_', ' ')} {draft.number}",
            "description": "Saved view" if draft.number % 3 == 0 else "",
            "filterable_collection": collection,
            "filterable_type": "Project" if draft.number % 5 == 0 else "Organization",
            "filterable_id": draft.number if draft.number % 5 == 0 else 1,
            "project_id": int(draft.rng.choice(projects).id) if draft.number % 5 == 0 else None,
            "params": {"status": {"eq": "1"}},
            "export_params": {},
            "exchange_date": {},
            "columns": "name,created_at",
            "sort_by": "-created_at",
            "group_by": "company" if report else "",
            "report": report,
            "shared": draft.number % 2 == 0,
            "pulse_count": 1 if draft.number <= builder.count(PULSES) else 0,
            "last_viewed_at": viewed,
            "last_accessed_at": viewed,
            "type_id": 2 if report else 1,
        }, {
            "creator": draft.rng.choice(staff).ref,
            "report_category": Ref("report_categories", str(1 + draft.number % REPORT_CATEGORIES)) if report else None,
        }

    builder.add_many("filters", FILTERS, saved_filter)
    filters = builder.rows("filters")
    builder.add_many(
        "dashboards",
        DASHBOARDS,
        lambda draft: ({"name": f"Dashboard {draft.number}"}, {"creator": draft.rng.choice(staff).ref}),
    )
    dashboards = builder.rows("dashboards")
    builder.add_many(
        "widgets",
        WIDGETS,
        lambda draft: (
            {
                "width": 2,
                "height": 1 + draft.number % 2,
                "row_position": draft.number // 4,
                "column_position": draft.number % 4,
                "widget_type_id": 1 + draft.number % 3,
            },
            {"dashboard": draft.rng.choice(dashboards).ref, "filter": draft.rng.choice(filters).ref},
        ),
    )
    builder.add_many(
        "pulses",
        PULSES,
        lambda draft: (
            {},
            {"creator": draft.rng.choice(staff).ref, "filter": filters[(draft.number - 1) % len(filters)].ref},
        ),
    )


def _make_access(builder: WorldBuilder) -> None:
    staff, teams = users(builder), builder.rows("teams")
    targets: list[tuple[str, Sequence[Record]]] = [
        ("project", builder.rows("projects")),
        ("deal", builder.rows("deals")),
        ("filter", builder.rows("filters")),
        ("dashboard", builder.rows("dashboards")),
        ("page", builder.rows("pages")),
        ("survey", builder.rows("surveys")),
        ("agent", builder.rows("agents")),
    ]

    def membership(draft: Draft) -> Row:
        side, rows = targets[draft.number % len(targets)]
        target = rows[draft.number % len(rows)]
        kind = (PERSON, PERSON, TEAM, GROUP)[draft.number % 4]
        return {
            "type_id": kind,
            "access_type_id": 1 + draft.number % 5,
            "dynamic_group_id": EMPLOYEES if kind == GROUP else None,
            "target_type": side,
            "target_id": target.id,
            "options": {},
        }, {
            side: target.ref,
            "person": draft.rng.choice(staff).ref if kind == PERSON else None,
            "team": draft.rng.choice(teams).ref if kind == TEAM else None,
        }

    builder.add_many("memberships", MEMBERSHIPS, membership)
    for resource, side in (("filters", "filter"), ("pages", "page")):
        for record in builder.rows(resource):
            record.relationships["memberships"] = refs(
                [row for row in builder.rows("memberships") if row.one(side) == record.ref]
            )


def _make_notifications(builder: WorldBuilder) -> None:
    staff, tasks = users(builder), builder.rows("tasks")

    def notification(draft: Draft) -> Row:
        task = draft.rng.choice(tasks)
        project = cast("Record", builder.dataset.get(task.one("project")))
        return {
            "title": f"{task.text('title')} was changed",
            "excerpt": builder.fake.sentence(),
            "changeset": {"title": [None, task.text("title")]},
            "last_action_at": format_timestamp(draft.updated),
            "new_activities_count": 1 + draft.number % 3,
            "parent_id": int(project.id),
            "parent_title": display_name(project),
            "parent_type": "Project",
            "root_id": int(project.id),
            "root_type": "Project",
            "target_id": int(task.id),
            "target_title": task.text("title"),
            "target_label": f"#{task.text('number')}",
            "target_type": "Task",
            "read": draft.number % 2 == 0,
            "first_unread_activity_id": "" if draft.number % 2 == 0 else str(draft.number),
        }, {"actor": draft.rng.choice(staff).ref, "owner": Ref("organization_memberships", "1")}

    builder.add_many("notifications", NOTIFICATIONS, notification)


def _make_webhooks(builder: WorldBuilder) -> None:
    staff = users(builder)

    def webhook(draft: Draft) -> Row:
        dead = draft.number % WEBHOOKS == 0
        return {
            "name": f"Webhook {draft.number}",
            "event_id": draft.number,
            "type_id": 1 + draft.number % 2,
            "state_id": 3 if dead else 1,
            "target_url": f"https://hooks.client.example/{draft.number}",
            "deactivated_at": format_timestamp(draft.updated) if dead else None,
            "retry_attempts": 2 if dead else 0,
        }, {"creator": staff[0].ref}

    builder.add_for_each("webhooks", range(WEBHOOKS), lambda draft, _place: webhook(draft))
    builder.add_many(
        "webhook_logs",
        LOGS,
        lambda draft: (
            {"retry_attempt": draft.number % 3, "retry_job_id": draft.every(3, f"job-{draft.number}")},
            {"webhook": Ref("webhooks", str(1 + draft.number % WEBHOOKS))},
        ),
    )
