"""The organization itself and what is set up once: subsidiaries, taxes, documents, banks, exchange rates."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import HISTORY_START
from sandbox.productive.money import RATES, currencies
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder

ARCHIVED = "2025-09-01T09:00:00.000+02:00"
RATE_DAYS = 45
OUT_OF_DATE_DAYS = 40

SUBSIDIARIES = ("Northwind Studio d.o.o.", "Northwind GmbH", "Northwind Ltd", "Northwind Labs d.o.o.")
TAX_RATES = (
    ("PDV 25%", "PDV", "25.0"),
    ("PDV 13%", "PDV", "13.0"),
    ("USt 19%", "USt", "19.0"),
    ("VAT 20%", "VAT", "20.0"),
    ("Zero rated", "VAT", "0.0"),
    ("PDV 23%", "PDV", "23.0"),
)
SERVICE_TYPES = (
    "Design",
    "Development",
    "Project management",
    "Consulting",
    "Copywriting",
    "Quality assurance",
    "Research",
    "Support",
    "Training",
    "Travel",
    "Hosting",
    "Print",
)


def make_settings(builder: WorldBuilder) -> None:
    """Make the organization first."""
    _make_organization(builder)
    _make_taxes_and_documents(builder)
    _make_exchange_rates(builder)
    for number, name in enumerate(SERVICE_TYPES, start=1):
        archived = ARCHIVED if number == len(SERVICE_TYPES) else None
        description = f"All {name.lower()} work" if number % 2 else None
        builder.add("service_types", number, {"name": name, "description": description, "archived_at": archived})


def _make_organization(builder: WorldBuilder) -> None:
    builder.add(
        "organizations",
        1,
        {
            "name": "Northwind Studio",
            "time_zone": "Europe/Zagreb",
            "locale": "en",
            "man_day_minutes": 480,
            "subsidiary_count": len(SUBSIDIARIES),
            "working_hours": [8, 8, 8, 8, 8, 0, 0],
            "addons": ["financials", "time_off"],
            "due_days": 15,
            "fiscal_year_start": "01-01",
            "release_channel": "stable",
            "overhead_subsidiary_switched_at": None,
            "verified_at": format_timestamp(HISTORY_START),
            "billing_email": "billing@northwind.example",
            "week_start_day_id": 3,
            "deal_settings": {"won_reason_required": False, "probabilities": [5, 25, 50, 75]},
            "expense_settings": {"markup": 10, "reimbursable": True},
            "flags": {"new_budgeting": True},
            "numbering_format_settings": {"invoices": "{year}/{number}"},
            **currencies("EUR"),
        },
        {
            "company": Ref("companies", "1"),
            "organization_subscription": Ref("organization_subscriptions", "1"),
            "owner": Ref("people", "1"),
        },
    )
    builder.add(
        "organization_memberships",
        1,
        {
            "position": 1,
            "email_notifications": True,
            "weekly_emails": True,
            "updated_at": format_timestamp(HISTORY_START + timedelta(days=400)),
            "granular_notification_preferences": {"task": {"assigned": True}},
            "notification_preference": {"channel": "email"},
        },
        {"person": Ref("people", "1"), "user": Ref("users", "5001"), "time_tracking_policy": None},
    )


def _make_taxes_and_documents(builder: WorldBuilder) -> None:
    for number, (name, component, percent) in enumerate(TAX_RATES, start=1):
        builder.add(
            "tax_rates",
            number,
            {
                "name": name,
                "primary_component_name": component,
                "primary_component_value": percent,
                "archived_at": ARCHIVED if number == len(TAX_RATES) else None,
            },
            {"subsidiary": Ref("subsidiaries", "1")},
        )
    for number, name in enumerate(SUBSIDIARIES, start=1):
        builder.add(
            "subsidiaries",
            number,
            {
                "name": name,
                "invoice_number_format": "{year}/{number}",
                "invoice_number_scope": "subsidiary",
                "show_delivery_date": number == 1,
                "archived_at": ARCHIVED if number == len(SUBSIDIARIES) else None,
            },
            {"bill_from": Ref("contact_entries", str(number)), "default_tax_rate": Ref("tax_rates", str(number))},
        )
        builder.add(
            "bank_accounts",
            number,
            {
                "name": f"Main account {number}",
                "number": f"HR12100100518630001{number:02}",
                "bank_name": "Zagrebačka banka",
                "bank_address": "Trg bana Josipa Jelačića 10, Zagreb",
                "swift_code": "ZABAHR2X",
                "currency": list(RATES)[(number - 1) % len(RATES)],
                "archived_at": ARCHIVED if number == len(SUBSIDIARIES) else None,
            },
            {"subsidiary": Ref("subsidiaries", str(number))},
        )
    for number, (name, kind) in enumerate((("Invoice", 1), ("Proforma", 1), ("Proposal", 2), ("Purchase order", 4)), 1):
        builder.add(
            "document_types",
            number,
            {
                "name": name,
                "exportable_type_id": kind,
                "document_template_id": 1,
                "locale": "en",
                "status": 1,
                "tax1_name": "PDV",
                "tax1_value": "25.0",
                "email_subject": f"{name} from Northwind Studio",
                "email_data": {"cc": []},
                "exporter_options": {"show_quantity": True},
                "template_options": {"paper": "A4"},
            },
            {"document_style": Ref("document_styles", "1"), "attachments": (), "subsidiary": Ref("subsidiaries", "1")},
        )


def _make_exchange_rates(builder: WorldBuilder) -> None:
    rng = builder.rng("exchange_rates")
    first = WORLD_START.date() - timedelta(days=RATE_DAYS - 1)
    for number in range(RATE_DAYS):
        rates: list[Json] = [
            {"base": "EUR", "target": currency, "rate": round(float(rate) * (1 + rng.uniform(-0.01, 0.01)), 6)}
            for currency, rate in RATES.items()
            if currency != "EUR"
        ]
        on = first + timedelta(days=number)
        attributes: dict[str, Json] = {
            "date": on.isoformat(),
            "rates": [*rates, {"base": "EUR", "target": "EUR", "rate": 1}],
            "out_of_date": number < RATE_DAYS - OUT_OF_DATE_DAYS,
        }
        builder.add("exchange_rates", number + 1, attributes)
