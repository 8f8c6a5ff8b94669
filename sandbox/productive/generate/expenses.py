"""Expenses and purchase orders."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.maker import ACTIVITY_START, maybe, moments
from sandbox.productive.generate.parties import users
from sandbox.productive.moments import day, stamp
from sandbox.productive.money import RATES, currencies, in_cents, rounded
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.maker import Maker
    from sandbox.productive.records import Record

EXPENSES, PURCHASE_ORDERS = 150, 20


def make_expenses(maker: Maker) -> None:
    """Make expenses, then purchase orders."""
    _make_expenses(maker)
    _make_purchase_orders(maker)


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
                **NO_CUSTOM_FIELD_LINKS,
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
