"""Bookings, absences, salaries, overheads, timesheets, resource requests and assignments."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_links, custom_values
from sandbox.productive.generate.settings import SUBSIDIARIES
from sandbox.productive.generate.structure import CALENDARS, EVENTS, POLICIES
from sandbox.productive.money import RATES, currencies, in_cents
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Record, Related

BOOKINGS, ENTITLEMENTS, TIMESHEETS, TIMERS, VERSIONS, REQUESTS, ASSIGNMENTS = 60, 40, 40, 20, 60, 20, 50
PLACEHOLDERS, USAGES = 8, 16
DRAFT_EVERY, ABSENCE_EVERY, CANCELED_EVERY = 6, 4, 11
MINUTES = 480
YEARLY_DAYS = ("20.0", "21.5", "25.0")


def make_planning(builder: WorldBuilder) -> None:
    """Make bookings first, as approvals refer to them."""
    _make_bookings(builder)
    _make_approval_statuses(builder)
    _make_absence_accounts(builder)
    _make_costs(builder)
    _make_time_keeping(builder)
    _make_requests(builder)
    _make_assignments(builder)
    _make_placeholders(builder)


def _make_bookings(builder: WorldBuilder) -> None:
    staff, services, tasks = users(builder), builder.rows("services"), builder.rows("tasks")

    def booking(draft: Draft) -> Row:
        rng = draft.rng
        absence = draft.number % ABSENCE_EVERY == 0
        approved = draft.number % 3 == 0
        canceled = draft.number % CANCELED_EVERY == 0
        start = local_date(draft.created) + timedelta(days=rng.randrange(1, 40))
        days = rng.randrange(1, 6)
        percentage = None if absence else draft.every(5, 50)
        person = rng.choice(staff).ref
        values = custom_values(builder, rng, "bookings")
        attributes: dict[str, Json] = {
            "started_on": start.isoformat(),
            "ended_on": (start + timedelta(days=days - 1)).isoformat(),
            "hours": 8,
            "time": MINUTES,
            "percentage": percentage,
            "total_working_days": days,
            "total_time": days * MINUTES,
            "booking_method_id": 2 if percentage else 1,
            "booking_type_id": 2 if absence else 1,
            "stage_type": None if absence else 2,
            "draft": not absence and draft.number % DRAFT_EVERY == 0,
            "note": draft.every(3, builder.fake.sentence()),
            "approved": approved,
            "approved_at": format_timestamp(draft.updated) if approved else None,
            "canceled": canceled,
            "canceled_at": format_timestamp(draft.updated) if canceled else None,
            "custom_fields": values,
            "people_custom_fields": deepcopy(builder.dataset.tables["people"][person.id].attributes["custom_fields"]),
            # Not updated by every write (README 0.2).
            "last_activity_at": format_timestamp(draft.created if draft.number % 3 else draft.updated),
        }
        relationships: dict[str, Related] = {
            "person": person,
            "creator": person,
            "updater": person,
            "approver": staff[0].ref if approved else None,
            "canceler": person if canceled else None,
            "event": Ref("events", str(rng.randrange(1, len(EVENTS)))) if absence else None,
            "service": None if absence else rng.choice(services).ref,
            "task": rng.choice(tasks).ref if not absence and draft.number % 5 == 0 else None,
            **custom_links(builder, values),
        }
        return attributes, relationships

    builder.add_many("bookings", BOOKINGS, booking)


def _make_approval_statuses(builder: WorldBuilder) -> None:
    subjects: list[tuple[str, str, Record]] = [
        *(("booking", "event", row) for row in builder.rows("bookings")[:12]),
        *(("expense", "expense", row) for row in builder.rows("expenses")[:12]),
        *(("time_entry", "time", row) for row in builder.rows("time_entries")[:12]),
    ]

    def status(draft: Draft, values: tuple[str, str, Record]) -> Row:
        side, kind, subject = values
        done = bool(subject.attributes["approved"])
        subject.relationships["approval_statuses"] = (Ref("approval_statuses", str(draft.number)),)
        return {"target_type": kind, "note": "Approved" if done else ""}, {
            side: subject.ref,
            "approver": Ref("people", "1"),
            "actual_approver": Ref("people", "1") if done else None,
            "approval_workflow": Ref("approval_policies", str(1 + draft.number % len(POLICIES))),
        }

    builder.add_for_each("approval_statuses", subjects, status)


def _make_absence_accounts(builder: WorldBuilder) -> None:
    staff = users(builder)

    def entitlement(draft: Draft) -> Row:
        year = 2024 + draft.number % 3
        return {
            "allocated": draft.rng.choice(YEARLY_DAYS),
            "used": f"{draft.rng.randrange(0, 15)}.0",
            "pending": "0.0",
            "start_date": f"{year}-01-01",
            "end_date": f"{year}-12-31",
            "note": draft.every(4, "Carried over"),
        }, {
            "person": staff[(draft.number - 1) % len(staff)].ref,
            "event": Ref("events", str(1 + draft.number % 3)),
        }

    builder.add_many("entitlements", ENTITLEMENTS, entitlement)


def _make_costs(builder: WorldBuilder) -> None:
    staff = users(builder)

    def salary(draft: Draft, person: Record) -> Row:
        cost = 100 * draft.rng.randrange(1_500, 6_000)
        return {
            "started_on": local_date(draft.created).isoformat(),
            "salary_type_id": 1,
            "default_salary": draft.number == 1,
            "overhead": True,
            "working_hours": [8, 8, 8, 8, 8, 0, 0],
            "hours": "40.0",
            "exchange_rate": RATES["EUR"],
            "exchange_date": local_date(draft.created).isoformat(),
            "note": draft.every(7, "Raise"),
            **in_cents("cost", cost, RATES["EUR"]),
            **in_cents("hourly_rate", cost // 160, RATES["EUR"]),
            **currencies("EUR"),
        }, {"person": person.ref, "holiday_calendar": Ref("holiday_calendars", str(1 + draft.number % len(CALENDARS)))}

    def overhead(draft: Draft, values: tuple[int, int]) -> Row:
        subsidiary, month = values
        first = date(2026, month, 1)
        work, facility = draft.rng.randrange(200_000, 900_000), draft.rng.randrange(50_000, 200_000)
        money: dict[str, Json] = {}
        for name, cents in (
            ("facility_costs", facility),
            ("facility_cost_per_hour", facility // 160),
            ("internal_work_costs", work),
            ("internal_componentized_costs", 0),
            ("internal_expense_costs", 0),
            ("new_internal_cost_per_hour", work // 160),
            ("overtracked_costs", 0),
            ("undertracked_costs", 0),
            ("time_off_costs", work // 20),
        ):
            money |= in_cents(name, cents, RATES["EUR"])
        return {
            "started_on": first.isoformat(),
            "ended_on": (first + timedelta(days=27)).isoformat(),
            "averaging_period": 3,
            "capacity": 160,
            "total_hours": 155.5,
            "client_hours": 120.25,
            "internal_hours": 35.25,
            "exchange_rate": RATES["EUR"],
            "facility_costs_breakdown": {"rent": facility},
            "recalculated_at": format_timestamp(draft.updated),
            "use_overhead": True,
            **money,
            **currencies("EUR"),
        }, {"subsidiary": Ref("subsidiaries", str(subsidiary)), "updater": staff[0].ref}

    builder.add_for_each("salaries", staff, salary)
    builder.add_for_each(
        "overheads",
        [(subsidiary, month) for month in (1, 2) for subsidiary in range(1, len(SUBSIDIARIES) + 1)],
        overhead,
    )


def _make_time_keeping(builder: WorldBuilder) -> None:
    staff, entries = users(builder), builder.rows("time_entries")
    monday = WORLD_START.date() - timedelta(days=WORLD_START.weekday())

    def timesheet(draft: Draft, place: int) -> Row:
        person = staff[place % len(staff)]
        on = monday - timedelta(weeks=1 + place // len(staff), days=-draft.rng.randrange(5))
        return {"date": on.isoformat()}, {"person": person.ref, "creator": person.ref}

    def timer(draft: Draft, entry: Record) -> Row:
        minutes = entry.integer("time")
        stopped = draft.created + timedelta(minutes=minutes)
        person = cast("Ref", entry.one("person"))
        return {
            "person_id": int(person.id),
            "started_at": format_timestamp(draft.created),
            "stopped_at": None if draft.number % 10 == 0 else format_timestamp(stopped),
            "total_time": minutes,
        }, {"time_entry": entry.ref}

    def version(draft: Draft, entry: Record) -> Row:
        minutes = entry.integer("time")
        changed = draft.number % 2 == 0
        return {
            "event": "update" if changed else "create",
            "item_id": int(entry.id),
            "item_type": "TimeEntry",
            "object_changes": {"time": [max(minutes - 15, 0) if changed else None, minutes]},
        }, {"creator": entry.one("person")}

    builder.add_for_each("timesheets", range(builder.count(TIMESHEETS)), timesheet)
    builder.add_for_each("timers", entries[: builder.count(TIMERS)], timer)
    builder.add_for_each("time_entry_versions", entries[: builder.count(VERSIONS)], version)


def _make_requests(builder: WorldBuilder) -> None:
    staff, services = users(builder), builder.rows("services")

    def request(draft: Draft) -> Row:
        status = draft.rng.choice(("pending", "resolved", "resolved", "rejected", "canceled"))
        start = local_date(draft.created) + timedelta(days=20)
        return {
            "title": f"{builder.fake.job()} wanted",
            "job_title": builder.fake.job(),
            "workplace_id": 1,
            "status": status,
            "started_on": start.isoformat(),
            "ended_on": (start + timedelta(days=4)).isoformat(),
            "time": MINUTES,
            "total_time": 5 * MINUTES,
            "percentage": 100,
            "time_to_close": 0 if status == "pending" else draft.rng.randrange(1, 30),
            "resolved_at": format_timestamp(draft.updated) if status in {"resolved", "rejected"} else None,
            "canceled_at": format_timestamp(draft.updated) if status == "canceled" else None,
            "rejected_reason": "Nobody is free" if status == "rejected" else "",
            "custom_fields": {},
            "exchange_rate": RATES["EUR"],
            "exchange_rate_normalized": "1.0",
            "exchange_date": local_date(draft.created).isoformat(),
            **in_cents("max_cost_per_hour", 4_500, RATES["EUR"]),
            **currencies("EUR"),
        }, {
            "creator": draft.rng.choice(staff).ref,
            "resolver": staff[0].ref if status in {"resolved", "rejected"} else None,
            "service": draft.rng.choice(services).ref,
            **NO_CUSTOM_FIELD_LINKS,
        }

    builder.add_many("resource_requests", REQUESTS, request)


def _make_assignments(builder: WorldBuilder) -> None:
    staff, services, projects = users(builder), builder.rows("services"), builder.rows("projects")
    builder.add_many(
        "service_assignments",
        ASSIGNMENTS,
        lambda draft: (
            {},
            {"person": draft.rng.choice(staff).ref, "service": services[(draft.number - 1) % len(services)].ref},
        ),
    )
    builder.add_many(
        "project_assignments",
        ASSIGNMENTS,
        lambda draft: (
            {"watched": draft.number % 2 == 0},
            {"person": draft.rng.choice(staff).ref, "project": projects[(draft.number - 1) % len(projects)].ref},
        ),
    )


def _make_placeholders(builder: WorldBuilder) -> None:
    projects, tasks = builder.rows("projects"), builder.rows("tasks")

    def usage(draft: Draft) -> Row:
        task = draft.rng.choice(tasks)
        placeholder = builder.rows("placeholders")[(draft.number - 1) % len(builder.rows("placeholders"))]
        is_date = placeholder.attributes["type"] == "date"
        return {
            "field": "due_date" if is_date else "assignee",
            "interval_enabled": is_date,
            "interval_direction": "after" if is_date else None,
            "interval_unit": "day" if is_date else None,
            "interval_value": draft.number if is_date else None,
            "target_id": int(task.id),
            "target_type": "Task",
        }, {"placeholder": placeholder.ref, "project": task.one("project"), "task": task.ref}

    builder.add_many(
        "placeholders",
        PLACEHOLDERS,
        lambda draft: (
            {
                "name": f"{'Kick-off' if draft.number % 2 else 'Designer'} {draft.number}",
                "category": "project",
                "type": "date" if draft.number % 2 else "person",
                "color": "blue",
                "icon": "calendar" if draft.number % 2 else "user",
            },
            {"project": draft.rng.choice(projects).ref},
        ),
    )
    builder.add_many("placeholder_usages", USAGES, usage)
