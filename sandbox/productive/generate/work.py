"""Projects, the deals and budgets they are done for, what is sold in those, and what is done and spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.maker import (
    ACTIVITY_START,
    HISTORY_START,
    custom_values,
    histories,
    maybe,
    moment,
    moments,
    tags,
)
from sandbox.productive.generate.settings import ARCHIVED
from sandbox.productive.moments import day, stamp
from sandbox.productive.money import RATES, currencies, in_cents, in_float_cents, rounded
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    import random

    from sandbox.json_types import Json
    from sandbox.productive.generate.maker import Maker
    from sandbox.productive.records import Record

NEWEST_DEAL = datetime(2026, 3, 11, 13, 5, 44, 902_000, tzinfo=UTC)
NEWEST_PROJECT = datetime(2026, 3, 14, 11, 20, 31, 77_000, tzinfo=UTC)
PROJECTS, DEALS, SERVICES, PRICES = 60, 120, 250, 30
TASKS, TIME_ENTRIES, EXPENSES, PURCHASE_ORDERS = 420, 450, 150, 20
BUDGET_SHARE = 0.55
SHARED_INSTANT_ROWS = 5
"""So many rows in a run carry one `updated_at`: a bookmark must not lose any of them."""

TAGS = ("urgent", "phase 1", "phase 2", "internal", "blocked")
HOUR, PIECE, DAY = 1, 2, 3
NO_PEOPLE_OR_FILES: dict[str, tuple[Ref, ...]] = {"custom_field_people": (), "custom_field_attachments": ()}


def make_work(maker: Maker) -> None:
    """From the project down to the hour."""
    _make_projects(maker)
    _make_deals(maker)
    _make_services(maker)
    _make_prices(maker)
    _make_tasks(maker)
    _make_time_entries(maker)
    _make_expenses(maker)
    _make_purchase_orders(maker)


def users(maker: Maker) -> list[Record]:
    """The organization's own people."""
    return [row for row in maker.rows("people") if row.attributes["is_user"]]


def _make_projects(maker: Maker) -> None:
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
                **NO_PEOPLE_OR_FILES,
            },
        )


def _make_deals(maker: Maker) -> None:
    chance = maker.chance("deals")
    staff, projects = users(maker), maker.rows("projects")
    for number, (stamps, created) in enumerate(histories(chance, maker.count(DEALS), NEWEST_DEAL), start=1):
        project = projects[(number - 1) % len(projects)]
        company = maker.dataset.get(project.one("company"))
        currency = company.text("default_currency") if company else "EUR"
        # The first deal of a project is its budget, so that every project can be worked for.
        budget = number <= len(projects) or chance.random() < BUDGET_SHARE
        status = 2 if budget else chance.choice([1, 1, 2, 3])
        closed = created + timedelta(days=chance.randrange(20, 120))
        is_closed = budget and number % 5 == 0 and closed < WORLD_START
        won = stamp(created + timedelta(days=3)) if status == 2 else None  # noqa: PLR2004 - 2 is won (enums.json)
        maker.make(
            "deals",
            number,
            {
                "name": f"{project.text('name')} {'budget' if budget else 'offer'} {number}",
                "budget": budget,
                "number": str(number),
                "deal_number": str(number),
                "deal_type_id": project.integer("project_type_id"),
                "date": day(created).isoformat(),
                "end_date": maybe(chance, 0.4, day(closed).isoformat()),
                "created_at": stamps["created_at"],
                "last_activity_at": stamps["last_activity_at"],
                "closed_at": stamp(closed) if is_closed else None,
                "delivered_on": day(closed).isoformat() if is_closed else None,
                "sales_status_id": status,
                "sales_closed_at": won,
                "sales_closed_on": won[:10] if won else None,
                "sales_status_updated_at": won or stamps["created_at"],
                "probability": 100 if status == 2 else chance.choice([5, 25, 50, 75]),  # noqa: PLR2004 - as above
                "previous_probability": maybe(chance, 0.5, 25),
                "days_since_created": (WORLD_START - created).days,
                "days_in_current_stage": chance.randrange(1, 90),
                "days_since_last_activity": chance.randrange(1, 365),
                "time_to_close": maybe(chance, 0.5, float(chance.randrange(10, 400))),
                "exchange_rate": RATES[currency],
                "exchange_date": day(created).isoformat(),
                "man_day_minutes": 480,
                "position": number,
                "tracking_type_id": 1,
                "revenue_distribution_type": "even",
                "connection_status": "none",
                "access_to_deal": True,
                "rounding_method_id": 1,
                "manual_invoicing_status_id": 1,
                "purchase_order_number": maybe(chance, 0.3, f"PO-{number:05}"),
                "note": maybe(chance, 0.3, maker.fake.sentence()),
                "tag_list": tags(chance, TAGS),
                "custom_fields": custom_values(maker, chance, "deals"),
                "editor_config": {},
                **currencies(currency),
                **{
                    name: value
                    for amount in ("amount_credited", "manually_invoiced")
                    for name, value in in_cents(amount, 0, RATES[currency]).items()
                },
            },
            {
                "company": project.one("company"),
                "project": project.ref,
                "creator": chance.choice(staff).ref,
                "responsible": chance.choice(staff).ref,
                # Each pipeline has its own four.
                "deal_status": Ref("deal_statuses", str(status + 4 if budget else status)),
                "pipeline": Ref("pipelines", "2" if budget else "1"),
                "subsidiary": Ref("subsidiaries", str(1 + number % 3)),
                "document_type": Ref("document_types", "1"),
                "tax_rate": Ref("tax_rates", "1"),
                **NO_PEOPLE_OR_FILES,
            },
        )


def _make_services(maker: Maker) -> None:
    chance = maker.chance("services")
    deals, types = maker.rows("deals"), maker.rows("service_types")
    for number in range(1, maker.count(SERVICES) + 1):
        # Every deal has one before any has two.
        deal = deals[(number - 1) % len(deals)]
        kind = chance.choice(types)
        unit = chance.choice([HOUR, HOUR, PIECE, DAY])
        # Prices in eighths of a cent: as floats they are exact, their conversions are not.
        price = chance.randrange(400_000, 1_200_000) / 80
        quantity = chance.randrange(4, 160)
        rate = deal.text("exchange_rate")
        estimated = quantity * 60 if unit == HOUR else quantity * 480
        idle = ("discount_amount", "markup_amount", "future_cost", "future_revenue", "future_budget_used")
        none: dict[str, Json] = {}
        for amount in (*idle, "expense_billable_amount"):
            none |= in_float_cents(amount, 0, rate)
        maker.make(
            "services",
            number,
            {
                "name": f"{kind.text('name')} {number}",
                "description": maybe(chance, 0.4, maker.fake.sentence()),
                "price": price,
                "quantity": f"{quantity}.0",
                "unit_id": unit,
                "billing_type_id": 2 if unit == HOUR else 1,
                "billable": number % 10 != 0,
                "time_tracking_enabled": True,
                "booking_tracking_enabled": True,
                "expense_tracking_enabled": True,
                "limitation_type": "no_limitation",
                "position": 1 + (number - 1) // len(deals),
                "estimated_time": estimated,
                "budgeted_time": estimated if unit == HOUR else None,
                "booked_time": chance.choice([None, 0, 480]),
                "rolled_over_time": 0,
                "initial_service_id": None,
                "custom_fields": custom_values(maker, chance, "services"),
                "editor_config": {},
                **none,
                **in_float_cents("estimated_cost", price * quantity / 3, rate),
                **currencies(deal.text("currency")),
            },
            {
                "deal": deal.ref,
                "service_type": kind.ref,
                **NO_PEOPLE_OR_FILES,
            },
        )


def _make_prices(maker: Maker) -> None:
    chance = maker.chance("prices")
    companies, types = maker.rows("companies"), maker.rows("service_types")
    count = maker.count(PRICES)
    for number, updated in enumerate(moments(chance, count, HISTORY_START, WORLD_START), start=1):
        company, kind = chance.choice(companies), chance.choice(types)
        currency = company.text("default_currency")
        maker.make(
            "prices",
            number,
            {
                "name": f"{kind.text('name')} rate",
                "description": maybe(chance, 0.3, maker.fake.sentence()),
                "billing_type_id": chance.choice([1, 2]),
                "unit_id": chance.choice([HOUR, PIECE, DAY]),
                "quantity": "1.0",
                "updated_at": stamp(updated),
                "time_tracking_enabled": True,
                **in_cents("rate", chance.randrange(4_000, 15_000), RATES[currency]),
                **in_cents("estimated_cost", 0, RATES[currency]),
                **currencies(currency),
            },
            {
                "company": company.ref,
                "service_type": kind.ref,
                "updater": Ref("people", "1"),
                **NO_PEOPLE_OR_FILES,
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


def _make_tasks(maker: Maker) -> None:
    chance = maker.chance("tasks")
    staff, projects = users(maker), maker.rows("projects")
    services_of = _services_by_project(maker)
    created = moments(chance, maker.count(TASKS), HISTORY_START, WORLD_START - timedelta(days=2))
    parents: dict[str, Record] = {}
    for number, (instant, updated) in enumerate(zip(created, _updates(chance, created), strict=True), start=1):
        project = projects[number % len(projects)]
        closed = chance.random() < BUDGET_SHARE
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
                **NO_PEOPLE_OR_FILES,
            },
        )
        if parent is None:
            parents[project.id] = task


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


def _make_expenses(maker: Maker) -> None:
    chance = maker.chance("expenses")
    staff, services, companies = users(maker), maker.rows("services"), maker.rows("companies")
    for number, instant in enumerate(moments(chance, maker.count(EXPENSES), ACTIVITY_START, WORLD_START), start=1):
        service = chance.choice(services)
        deal = cast("Record", maker.dataset.get(service.one("deal")))
        person, vendor = chance.choice(staff), chance.choice(companies)
        currency = deal.text("currency")
        rate = RATES[currency]
        amount = chance.randrange(500, 90_000)
        with_tax = rounded(amount * Decimal("1.25"))
        billable = rounded(amount * Decimal("1.1"))
        approved = chance.random() < 2 / 3
        paid = approved and chance.random() < 2 / 3
        on = day(instant)
        money: dict[str, Json] = {}
        for name, cents in (
            ("amount", amount),
            ("amount_with_tax", with_tax),
            ("total_amount", amount),
            ("total_amount_with_tax", with_tax),
            ("billable_amount", billable),
            ("recognized_revenue", billable),
            ("profit", billable - amount),
        ):
            money |= in_cents(name, cents, rate)
        maker.make(
            "expenses",
            number,
            {
                "name": maker.fake.catch_phrase(),
                "date": on.isoformat(),
                "created_at": stamp(instant),
                "pay_on": (on + timedelta(days=15)).isoformat(),
                "paid_on": (on + timedelta(days=chance.randrange(1, 20))).isoformat() if paid else None,
                "position": number,
                "approved": approved,
                "approved_at": stamp(instant + timedelta(hours=5)) if approved else None,
                "reimbursable": number % 4 == 0,
                "quantity": "1.0",
                "quantity_received": "1.0" if paid else "0.0",
                "markup": "10.0",
                "exchange_rate": rate,
                "exchange_rate_normalized": "1.0",
                "exchange_date": on.isoformat(),
                "vendor_id": int(vendor.id),
                "custom_fields": custom_values(maker, chance, "project_expenses"),
                **money,
                **currencies(currency),
            },
            {
                "deal": deal.ref,
                "service": service.ref,
                "service_type": service.one("service_type"),
                "person": person.ref,
                "creator": person.ref,
                "approver": Ref("people", "1") if approved else None,
                "vendor": vendor.ref,
                "tax_rate": Ref("tax_rates", "1"),
                "approval_statuses": (),
                "expense_line_items": (),
                **NO_PEOPLE_OR_FILES,
            },
        )


def _make_purchase_orders(maker: Maker) -> None:
    chance = maker.chance("purchase_orders")
    deals, companies = maker.rows("deals"), maker.rows("companies")
    created = moments(chance, maker.count(PURCHASE_ORDERS), ACTIVITY_START, WORLD_START)
    for number, instant in enumerate(created, start=1):
        deal, vendor = chance.choice(deals), chance.choice(companies)
        currency = deal.text("currency")
        cost = chance.randrange(20_000, 900_000)
        received = cost if number % 3 == 0 else 0
        maker.make(
            "purchase_orders",
            number,
            {
                "number": f"PO-{number:04}",
                "subject": maybe(chance, 0.7, maker.fake.catch_phrase()),
                "created_at": stamp(instant),
                "issued_on": day(instant).isoformat(),
                "delivery_on": (day(instant) + timedelta(days=20)).isoformat(),
                "received_on": (day(instant) + timedelta(days=18)).isoformat() if received else None,
                "sent_on": day(instant).isoformat() if number % 4 else None,
                "sent_status": 1 if number % 4 else 2,
                "status_id": 2 if number % 4 else 1,
                "payment_status_id": 3 if received else 1,
                "exchange_rate": RATES[currency],
                "exchange_date": day(instant).isoformat(),
                **in_cents("total_cost", cost, RATES[currency]),
                **in_cents("total_cost_with_tax", rounded(cost * Decimal("1.25")), RATES[currency]),
                **in_cents("total_received", received, RATES[currency]),
                **currencies(currency),
            },
            {
                "deal": deal.ref,
                "vendor": vendor.ref,
                "creator": Ref("people", "1"),
                "bill_from": Ref("contact_entries", "1"),
                "bill_to": Ref("contact_entries", "2"),
                "document_type": Ref("document_types", "4"),
            },
        )
