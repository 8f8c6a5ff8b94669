"""Tasks, and the time tracked on them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import (
    ACTIVITY_START,
    HISTORY_START,
    maybe,
    random_instant,
    random_instants,
    tags,
)
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.deals import TAGS
from sandbox.productive.money import currencies, in_cents, rounded
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record

TASKS, TIME_ENTRIES = 420, 450
CLOSED_SHARE = 0.55
SHARED_INSTANT_ROWS = 5
"""The number of consecutive rows with the same `updated_at`: a bookmark must not lose any of them."""


def make_tasks(builder: WorldBuilder) -> None:
    """Make tasks, then time entries."""
    _make_tasks(builder)
    _make_time_entries(builder)


def _make_tasks(builder: WorldBuilder) -> None:
    rng = builder.rng("tasks")
    staff, projects = users(builder), builder.rows("projects")
    services_of = _services_by_project(builder)
    created = random_instants(rng, builder.count(TASKS), HISTORY_START, WORLD_START - timedelta(days=2))
    parents: dict[str, Record] = {}
    for number, (instant, updated) in enumerate(zip(created, _updates(rng, created), strict=True), start=1):
        project = projects[number % len(projects)]
        closed = rng.random() < CLOSED_SHARE
        due = local_date(instant) + timedelta(days=rng.randrange(5, 200))
        estimate = maybe(rng, 0.6, 60 * rng.randrange(1, 20))
        parent = parents.get(project.id) if number % 6 == 0 else None
        services = services_of.get(project.id, [])
        task = builder.add(
            "tasks",
            number,
            {
                "title": builder.fake.sentence(nb_words=5).rstrip("."),
                "description": maybe(rng, 0.4, f"<p>{builder.fake.sentence()}</p>"),
                "number": str(number),
                "task_number": str(number),
                "type_id": 1,
                "creation_method_id": 1,
                "created_at": format_timestamp(instant),
                "updated_at": format_timestamp(updated),
                # On most live records, the last activity is before the last write (README 0.2).
                "last_activity_at": format_timestamp(random_instant(rng, instant, updated))
                if number % 4
                else format_timestamp(updated),
                "closed": closed,
                "closed_at": format_timestamp(random_instant(rng, instant, updated)) if closed else None,
                "start_date": maybe(rng, 0.3, local_date(instant).isoformat()),
                "due_date": maybe(rng, 0.7, due.isoformat()),
                "initial_estimate": estimate,
                "remaining_time": 0 if closed and estimate else estimate,
                "private": number % 15 == 0,
                "placement": number * 1_000_000,
                "tag_list": tags(rng, TAGS),
                "custom_fields": custom_values(builder, rng, "tasks"),
                "todo_assignee_ids": [],
                "repeat_on_weekday": [],
                "subscriber_ids": [rng.choice(staff).integer("user_id")],
            },
            {
                "project": project.ref,
                "assignee": rng.choice(staff).ref if rng.random() < 4 / 5 else None,
                "creator": rng.choice(staff).ref,
                "last_actor": rng.choice(staff).ref,
                "parent_task": parent.ref if parent else None,
                "service": rng.choice(services).ref if services and rng.random() < 1 / 2 else None,
                "task_list": Ref("task_lists", str(3 * int(project.id) + number % 3)),
                "workflow_status": _workflow_status(project, 3 if closed else 1 + number % 2),
                "attachments": (),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
        if parent is None:
            parents[project.id] = task


def _make_time_entries(builder: WorldBuilder) -> None:
    rng = builder.rng("time_entries")
    staff = users(builder)
    tasks_of: dict[str, list[Record]] = {}
    for task in builder.rows("tasks"):
        tasks_of.setdefault(cast("Ref", task.one("project")).id, []).append(task)
    services_of = _services_by_project(builder)
    project_ids = list(services_of)
    created = random_instants(rng, builder.count(TIME_ENTRIES), ACTIVITY_START, WORLD_START - timedelta(hours=2))
    for number, (instant, updated) in enumerate(zip(created, _updates(rng, created), strict=True), start=1):
        project_id = rng.choice(project_ids)
        person = rng.choice(staff)
        minutes = 15 * rng.randrange(1, 33)
        cost = rounded(Decimal(minutes * rng.randrange(1_500, 4_000)) / 60)
        overhead = rounded(Decimal(minutes) * 5)
        approved = rng.random() < 2 / 3
        tasks = tasks_of.get(project_id, [])
        builder.add(
            "time_entries",
            number,
            {
                "date": local_date(instant - timedelta(days=rng.choice([0, 0, 0, 1, 4]))).isoformat(),
                "time": minutes,
                "billable_time": minutes if number % 7 else 0,
                "recognized_time": minutes if approved else 0,
                "note": maybe(rng, 0.7, builder.fake.sentence()),
                "track_method_id": rng.choice([1, 1, 1, 2]),
                "created_at": format_timestamp(instant),
                "updated_at": format_timestamp(updated),
                "last_activity_at": format_timestamp(updated if number % 3 else instant),
                "approved": approved,
                "approved_at": format_timestamp(random_instant(rng, instant, updated)) if approved else None,
                "submitted": approved,
                "draft": False,
                "overtime": number % 20 == 0,
                "overtime_cost_multiplier": "1.5" if number % 20 == 0 else "1.0",
                **in_cents("cost", cost, "1.0"),
                **in_cents("work_cost", cost - overhead, "1.0"),
                **in_cents("overhead_cost", overhead, "1.0"),
                **in_cents("facility_overhead_cost", overhead // 2, "1.0"),
                **in_cents("internal_overhead_cost", overhead - overhead // 2, "1.0"),
                **currencies("EUR"),
            },
            {
                "person": person.ref,
                "service": rng.choice(services_of[project_id]).ref,
                "task": rng.choice(tasks).ref if tasks and rng.random() < 3 / 4 else None,
                "creator": person.ref,
                "updater": person.ref,
                "last_actor": person.ref,
                "approver": Ref("people", "1") if approved else None,
                "deal_subsidiary": Ref("subsidiaries", "1"),
                "person_subsidiary": person.one("subsidiary"),
                "approval_statuses": (),
            },
        )


def _updates(rng: random.Random, created: list[datetime]) -> list[datetime]:
    """Return when the rows were last written: mostly apart, but some at one instant, as after a bulk edit."""
    updated = [random_instant(rng, instant, WORLD_START) for instant in created]
    start = len(updated) // 2
    bulk_edit = max(updated[start : start + SHARED_INSTANT_ROWS])
    return [
        bulk_edit if start <= index < start + SHARED_INSTANT_ROWS else instant for index, instant in enumerate(updated)
    ]


def _workflow_status(project: Record, category: int) -> Ref:
    """Return the status of a category in a project's workflow; each workflow has three of its own."""
    workflow = cast("Ref", project.one("workflow"))
    return Ref("workflow_statuses", str(3 * (int(workflow.id) - 1) + category))


def _services_by_project(builder: WorldBuilder) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for service in builder.rows("services"):
        deal = builder.dataset.get(service.one("deal"))
        project = deal.one("project") if deal and deal.attributes["budget"] else None
        if project:
            found.setdefault(project.id, []).append(service)
    return found
