"""Expenses and purchase orders."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import ACTIVITY_START, maybe, random_instants
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.money import RATES, currencies, in_cents, rounded
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record

EXPENSES, PURCHASE_ORDERS = 150, 20


def make_expenses(builder: WorldBuilder) -> None:
    """Make expenses, then purchase orders."""
    _make_expenses(builder)
    _make_purchase_orders(builder)


def _make_expenses(builder: WorldBuilder) -> None:
    rng = builder.rng("expenses")
    staff, services, companies = users(builder), builder.rows("services"), builder.rows("companies")
    for number, instant in enumerate(
        random_instants(rng, builder.count(EXPENSES), ACTIVITY_START, WORLD_START), start=1
    ):
        service = rng.choice(services)
        deal = cast("Record", builder.dataset.get(service.one("deal")))
        person, vendor = rng.choice(staff), rng.choice(companies)
        currency = deal.text("currency")
        rate = RATES[currency]
        amount = rng.randrange(500, 90_000)
        with_tax = rounded(amount * Decimal("1.25"))
        billable = rounded(amount * Decimal("1.1"))
        approved = rng.random() < 2 / 3
        paid = approved and rng.random() < 2 / 3
        on = local_date(instant)
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
        builder.add(
            "expenses",
            number,
            {
                "name": builder.fake.catch_phrase(),
                "date": on.isoformat(),
                "created_at": format_timestamp(instant),
                "pay_on": (on + timedelta(days=15)).isoformat(),
                "paid_on": (on + timedelta(days=rng.randrange(1, 20))).isoformat() if paid else None,
                "position": number,
                "approved": approved,
                "approved_at": format_timestamp(instant + timedelta(hours=5)) if approved else None,
                "reimbursable": number % 4 == 0,
                "quantity": "1.0",
                "quantity_received": "1.0" if paid else "0.0",
                "markup": "10.0",
                "exchange_rate": rate,
                "exchange_rate_normalized": "1.0",
                "exchange_date": on.isoformat(),
                "vendor_id": int(vendor.id),
                "custom_fields": custom_values(builder, rng, "project_expenses"),
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
                **NO_CUSTOM_FIELD_LINKS,
            },
        )


def _make_purchase_orders(builder: WorldBuilder) -> None:
    rng = builder.rng("purchase_orders")
    deals, companies = builder.rows("deals"), builder.rows("companies")
    created = random_instants(rng, builder.count(PURCHASE_ORDERS), ACTIVITY_START, WORLD_START)
    for number, instant in enumerate(created, start=1):
        deal, vendor = rng.choice(deals), rng.choice(companies)
        currency = deal.text("currency")
        cost = rng.randrange(20_000, 900_000)
        received = cost if number % 3 == 0 else 0
        builder.add(
            "purchase_orders",
            number,
            {
                "number": f"PO-{number:04}",
                "subject": maybe(rng, 0.7, builder.fake.catch_phrase()),
                "created_at": format_timestamp(instant),
                "issued_on": local_date(instant).isoformat(),
                "delivery_on": (local_date(instant) + timedelta(days=20)).isoformat(),
                "received_on": (local_date(instant) + timedelta(days=18)).isoformat() if received else None,
                "sent_on": local_date(instant).isoformat() if number % 4 else None,
                "sent_status": 1 if number % 4 else 2,
                "status_id": 2 if number % 4 else 1,
                "payment_status_id": 3 if received else 1,
                "exchange_rate": RATES[currency],
                "exchange_date": local_date(instant).isoformat(),
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
