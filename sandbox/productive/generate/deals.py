"""Deals and budgets, the services sold in them, and price lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.maker import HISTORY_START, histories, maybe, moments, tags
from sandbox.productive.generate.parties import users
from sandbox.productive.moments import day, stamp
from sandbox.productive.money import RATES, currencies, in_cents, in_float_cents
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.maker import Maker

NEWEST_DEAL = datetime(2026, 3, 11, 13, 5, 44, 902_000, tzinfo=UTC)
DEALS, SERVICES, PRICES = 120, 250, 30
BUDGET_SHARE = 0.55
TAGS = ("urgent", "phase 1", "phase 2", "internal", "blocked")
HOUR, PIECE, DAY = 1, 2, 3


def make_deals(maker: Maker) -> None:
    """Make deals and budgets, then their services, then prices."""
    _make_deals(maker)
    _make_services(maker)
    _make_prices(maker)


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
                **NO_CUSTOM_FIELD_LINKS,
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
                **NO_CUSTOM_FIELD_LINKS,
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
                **NO_CUSTOM_FIELD_LINKS,
            },
        )
