"""Tasks, and the time tracked on them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.deals import TAGS
from sandbox.productive.generate.maker import ACTIVITY_START, HISTORY_START, maybe, moment, moments, tags
from sandbox.productive.generate.parties import users
from sandbox.productive.moments import day, stamp
from sandbox.productive.money import currencies, in_cents, rounded
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from sandbox.productive.generate.maker import Maker
    from sandbox.productive.records import Record

TASKS, TIME_ENTRIES = 420, 450
CLOSED_SHARE = 0.55
SHARED_INSTANT_ROWS = 5
"""So many rows in a run carry one `updated_at`: a bookmark must not lose any of them."""


def make_tasks(maker: Maker) -> None:
    """Make tasks, then time entries."""
    _make_tasks(maker)
    _make_time_entries(maker)


def _make_tasks(maker: Maker) -> None:
    chance = maker.chance("tasks")
    staff, projects = users(maker), maker.rows("projects")
    services_of = _services_by_project(maker)
    created = moments(chance, maker.count(TASKS), HISTORY_START, WORLD_START - timedelta(days=2))
    parents: dict[str, Record] = {}
    for number, (instant, updated) in enumerate(zip(created, _updates(chance, created), strict=True), start=1):
        project = projects[number % len(projects)]
        closed = chance.random() < CLOSED_SHARE
        due = day(instant) + timedelta(days=chance.randrange(5, 200))
        estimate = maybe(chance, 0.6, 60 * chance.randrange(1, 20))
        parent = parents.get(project.id) if number % 6 == 0 else None
        services = services_of.get(project.id, [])
        task = maker.make(
            "tasks",
            number,
            {
                "title": maker.fake.sentence(nb_words=5).rstrip("."),
                "description": maybe(chance, 0.4, f"<p>{maker.fake.sentence()}</p>"),
                "number": str(number),
                "task_number": str(number),
                "type_id": 1,
                "creation_method_id": 1,
                "created_at": stamp(instant),
                "updated_at": stamp(updated),
                # Activity stops before the last write on most live records (README 0.2).
                "last_activity_at": stamp(moment(chance, instant, updated)) if number % 4 else stamp(updated),
                "closed": closed,
                "closed_at": stamp(moment(chance, instant, updated)) if closed else None,
                "start_date": maybe(chance, 0.3, day(instant).isoformat()),
                "due_date": maybe(chance, 0.7, due.isoformat()),
                "initial_estimate": estimate,
                "remaining_time": 0 if closed and estimate else estimate,
                "private": number % 15 == 0,
                "placement": number * 1_000_000,
                "tag_list": tags(chance, TAGS),
                "custom_fields": custom_values(maker, chance, "tasks"),
                "todo_assignee_ids": [],
                "repeat_on_weekday": [],
                "subscriber_ids": [chance.choice(staff).integer("user_id")],
            },
            {
                "project": project.ref,
                "assignee": chance.choice(staff).ref if chance.random() < 4 / 5 else None,
                "creator": chance.choice(staff).ref,
                "last_actor": chance.choice(staff).ref,
                "parent_task": parent.ref if parent else None,
                "service": chance.choice(services).ref if services and chance.random() < 1 / 2 else None,
                "task_list": Ref("task_lists", str(3 * int(project.id) + number % 3)),
                "workflow_status": _workflow_status(project, 3 if closed else 1 + number % 2),
                "attachments": (),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
        if parent is None:
            parents[project.id] = task


def _make_time_entries(maker: Maker) -> None:
    chance = maker.chance("time_entries")
    staff = users(maker)
    tasks_of: dict[str, list[Record]] = {}
    for task in maker.rows("tasks"):
        tasks_of.setdefault(cast("Ref", task.one("project")).id, []).append(task)
    services_of = _services_by_project(maker)
    project_ids = list(services_of)
    created = moments(chance, maker.count(TIME_ENTRIES), ACTIVITY_START, WORLD_START - timedelta(hours=2))
    for number, (instant, updated) in enumerate(zip(created, _updates(chance, created), strict=True), start=1):
        project_id = chance.choice(project_ids)
        person = chance.choice(staff)
        minutes = 15 * chance.randrange(1, 33)
        cost = rounded(Decimal(minutes * chance.randrange(1_500, 4_000)) / 60)
        overhead = rounded(Decimal(minutes) * 5)
        approved = chance.random() < 2 / 3
        tasks = tasks_of.get(project_id, [])
        maker.make(
            "time_entries",
            number,
            {
                "date": day(instant - timedelta(days=chance.choice([0, 0, 0, 1, 4]))).isoformat(),
                "time": minutes,
                "billable_time": minutes if number % 7 else 0,
                "recognized_time": minutes if approved else 0,
                "note": maybe(chance, 0.7, maker.fake.sentence()),
                "track_method_id": chance.choice([1, 1, 1, 2]),
                "created_at": stamp(instant),
                "updated_at": stamp(updated),
                "last_activity_at": stamp(updated if number % 3 else instant),
                "approved": approved,
                "approved_at": stamp(moment(chance, instant, updated)) if approved else None,
                "submitted": approved,
                **in_cents("cost", cost, "1.0"),
                **in_cents("work_cost", cost - overhead, "1.0"),
                **in_cents("overhead_cost", overhead, "1.0"),
                **in_cents("facility_overhead_cost", overhead // 2, "1.0"),
                **in_cents("internal_overhead_cost", overhead - overhead // 2, "1.0"),
                **currencies("EUR"),
            },
            {
                "person": person.ref,
                "service": chance.choice(services_of[project_id]).ref,
                "task": chance.choice(tasks).ref if tasks and chance.random() < 3 / 4 else None,
                "creator": person.ref,
                "updater": person.ref,
                "last_actor": person.ref,
                "approver": Ref("people", "1") if approved else None,
                "deal_subsidiary": Ref("subsidiaries", "1"),
                "person_subsidiary": person.one("subsidiary"),
                "approval_statuses": (),
            },
        )


def _updates(chance: random.Random, created: list[datetime]) -> list[datetime]:
    """When the rows were last written: mostly apart, but a run of them at one instant, as a bulk edit leaves."""
    updated = [moment(chance, instant, WORLD_START) for instant in created]
    start = len(updated) // 2
    bulk_edit = max(updated[start : start + SHARED_INSTANT_ROWS])
    return [
        bulk_edit if start <= index < start + SHARED_INSTANT_ROWS else instant for index, instant in enumerate(updated)
    ]


def _workflow_status(project: Record, category: int) -> Ref:
    """The status of a category in a project's workflow: each has its own three."""
    workflow = cast("Ref", project.one("workflow"))
    return Ref("workflow_statuses", str(3 * (int(workflow.id) - 1) + category))


def _services_by_project(maker: Maker) -> dict[str, list[Record]]:
    found: dict[str, list[Record]] = {}
    for service in maker.rows("services"):
        deal = maker.dataset.get(service.one("deal"))
        project = deal.one("project") if deal and deal.attributes["budget"] else None
        if project:
            found.setdefault(project.id, []).append(service)
    return found
