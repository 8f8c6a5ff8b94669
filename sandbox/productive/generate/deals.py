"""Deals and budgets, the services sold in them, and price lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import HISTORY_START, histories, maybe, random_instants, tags
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.money import RATES, currencies, in_cents, in_float_cents
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder

NEWEST_DEAL = datetime(2026, 3, 11, 13, 5, 44, 902_000, tzinfo=UTC)
DEALS, SERVICES, PRICES = 120, 250, 30
BUDGET_SHARE = 0.55
TAGS = ("urgent", "phase 1", "phase 2", "internal", "blocked")
HOUR, PIECE, DAY = 1, 2, 3


def make_deals(builder: WorldBuilder) -> None:
    """Make deals and budgets, then their services, then prices."""
    _make_deals(builder)
    _make_services(builder)
    _make_prices(builder)


def _make_deals(builder: WorldBuilder) -> None:
    rng = builder.rng("deals")
    staff, projects = users(builder), builder.rows("projects")
    for number, (stamps, created) in enumerate(histories(rng, builder.count(DEALS), NEWEST_DEAL), start=1):
        project = projects[(number - 1) % len(projects)]
        company = builder.dataset.get(project.one("company"))
        currency = company.text("default_currency") if company else "EUR"
        # The first deal of a project is its budget, so that time can be tracked on every project.
        budget = number <= len(projects) or rng.random() < BUDGET_SHARE
        status = 2 if budget else rng.choice([1, 1, 2, 3])
        closed = created + timedelta(days=rng.randrange(20, 120))
        is_closed = budget and number % 5 == 0 and closed < WORLD_START
        won = format_timestamp(created + timedelta(days=3)) if status == 2 else None  # noqa: PLR2004 - 2 is won (enums.json)
        builder.add(
            "deals",
            number,
            {
                "name": f"{project.text('name')} {'budget' if budget else 'offer'} {number}",
                "budget": budget,
                "number": str(number),
                "deal_number": str(number),
                "deal_type_id": project.integer("project_type_id"),
                "date": local_date(created).isoformat(),
                "end_date": maybe(rng, 0.4, local_date(closed).isoformat()),
                "created_at": stamps["created_at"],
                "last_activity_at": stamps["last_activity_at"],
                "closed_at": format_timestamp(closed) if is_closed else None,
                "delivered_on": local_date(closed).isoformat() if is_closed else None,
                "sales_status_id": status,
                "sales_closed_at": won,
                "sales_closed_on": won[:10] if won else None,
                "sales_status_updated_at": won or stamps["created_at"],
                "probability": 100 if status == 2 else rng.choice([5, 25, 50, 75]),  # noqa: PLR2004 - 2 is won
                "previous_probability": maybe(rng, 0.5, 25),
                "days_since_created": (WORLD_START - created).days,
                "days_in_current_stage": rng.randrange(1, 90),
                "days_since_last_activity": rng.randrange(1, 365),
                "time_to_close": maybe(rng, 0.5, float(rng.randrange(10, 400))),
                "exchange_rate": RATES[currency],
                "exchange_date": local_date(created).isoformat(),
                "man_day_minutes": 480,
                "position": number,
                "tracking_type_id": 1,
                "revenue_distribution_type": "even",
                "connection_status": "none",
                "access_to_deal": True,
                "rounding_method_id": 1,
                "manual_invoicing_status_id": 1,
                "purchase_order_number": maybe(rng, 0.3, f"PO-{number:05}"),
                "note": maybe(rng, 0.3, builder.fake.sentence()),
                "tag_list": tags(rng, TAGS),
                "custom_fields": custom_values(builder, rng, "deals"),
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
                "creator": rng.choice(staff).ref,
                "responsible": rng.choice(staff).ref,
                # Each pipeline has four statuses of its own.
                "deal_status": Ref("deal_statuses", str(status + 4 if budget else status)),
                "pipeline": Ref("pipelines", "2" if budget else "1"),
                "subsidiary": Ref("subsidiaries", str(1 + number % 3)),
                "document_type": Ref("document_types", "1"),
                "tax_rate": Ref("tax_rates", "1"),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )


def _make_services(builder: WorldBuilder) -> None:
    rng = builder.rng("services")
    deals, types = builder.rows("deals"), builder.rows("service_types")
    for number in range(1, builder.count(SERVICES) + 1):
        # Every deal has one service before any has two.
        deal = deals[(number - 1) % len(deals)]
        kind = rng.choice(types)
        unit = rng.choice([HOUR, HOUR, PIECE, DAY])
        # Prices in eighths of a cent are exact as floats; their conversions are not.
        price = rng.randrange(400_000, 1_200_000) / 80
        quantity = rng.randrange(4, 160)
        rate = deal.text("exchange_rate")
        estimated = quantity * 60 if unit == HOUR else quantity * 480
        idle = ("discount_amount", "markup_amount", "future_cost", "future_revenue", "future_budget_used")
        none: dict[str, Json] = {}
        for amount in (*idle, "expense_billable_amount"):
            none |= in_float_cents(amount, 0, rate)
        builder.add(
            "services",
            number,
            {
                "name": f"{kind.text('name')} {number}",
                "description": maybe(rng, 0.4, builder.fake.sentence()),
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
                "booked_time": rng.choice([None, 0, 480]),
                "rolled_over_time": 0,
                "initial_service_id": None,
                "custom_fields": custom_values(builder, rng, "services"),
                "editor_config": {},
                **none,
                **in_float_cents("estimated_cost", price * quantity / 3, rate),
                **currencies(deal.text("currency")),
            },
            {
                "deal": deal.ref,
                "service_type": kind.ref,
                **NO_CUSTOM_FIELD_LINKS,
            },
        )


def _make_prices(builder: WorldBuilder) -> None:
    rng = builder.rng("prices")
    companies, types = builder.rows("companies"), builder.rows("service_types")
    count = builder.count(PRICES)
    for number, updated in enumerate(random_instants(rng, count, HISTORY_START, WORLD_START), start=1):
        company, kind = rng.choice(companies), rng.choice(types)
        currency = company.text("default_currency")
        builder.add(
            "prices",
            number,
            {
                "name": f"{kind.text('name')} rate",
                "description": maybe(rng, 0.3, builder.fake.sentence()),
                "billing_type_id": rng.choice([1, 2]),
                "unit_id": rng.choice([HOUR, PIECE, DAY]),
                "quantity": "1.0",
                "updated_at": format_timestamp(updated),
                "time_tracking_enabled": True,
                **in_cents("rate", rng.randrange(4_000, 15_000), RATES[currency]),
                **in_cents("estimated_cost", 0, RATES[currency]),
                **currencies(currency),
            },
            {
                "company": company.ref,
                "service_type": kind.ref,
                "updater": Ref("people", "1"),
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
