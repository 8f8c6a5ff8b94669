"""Invoices with lines and attributions to budgets, payments, payment reminders, and the recycle bin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import ACTIVITY_START, histories, maybe, random_instants, tags
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.custom_fields import NO_CUSTOM_FIELD_LINKS, custom_values
from sandbox.productive.generate.settings import SUBSIDIARIES
from sandbox.productive.money import RATES, currencies, in_cents
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date
from sandbox.productive.totals import total_line_item

if TYPE_CHECKING:
    import random

    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import WorldBuilder
    from sandbox.productive.records import Record, Related

NEWEST_INVOICE = datetime(2026, 3, 15, 10, 22, 7, 451_000, tzinfo=UTC)
INVOICES, REMINDERS, DELETED_ITEMS = 300, 20, 25
CREDIT_NOTE_EVERY = 20
DRAFT_SHARE = 0.08
INVOICE, CREDIT_NOTE = 1, 2
TAGS = ("priority", "retainer", "disputed", "year end")
DELETED_TYPES = ("booking", "page", "task", "time_entry", "expense", "dashboard", "event", "template")


def make_billing(builder: WorldBuilder) -> None:
    """Make invoices first, as the other rows refer to them."""
    _make_invoices(builder)
    _make_line_items(builder)
    _make_payments(builder)
    _make_payment_reminders(builder)
    _make_deleted_items(builder)


def _make_invoices(builder: WorldBuilder) -> None:
    rng = builder.rng("invoices")
    staff = users(builder)
    budgets: dict[str, list[Record]] = {}
    for deal in builder.rows("deals"):
        if deal.attributes["budget"]:
            budgets.setdefault(cast("Ref", deal.one("company")).id, []).append(deal)
    finalized: list[Record] = []
    attributions = 0
    for number, (stamps, created) in enumerate(histories(rng, builder.count(INVOICES), NEWEST_INVOICE), start=1):
        parent = finalized[len(finalized) // 2] if number % CREDIT_NOTE_EVERY == 0 and finalized else None
        if parent is not None:
            finalized.remove(parent)
        company = builder.dataset.get(parent.one("company") if parent else Ref("companies", rng.choice(list(budgets))))
        invoice = _make_invoice(builder, rng, number, cast("Record", company), parent)
        invoice.attributes.update(stamps)
        _set_dates(rng, invoice, created)
        invoice.relationships |= {"creator": rng.choice(staff).ref, "issuer": rng.choice(staff).ref}
        theirs = budgets[cast("Record", company).id]
        own: list[Ref] = []
        for budget in rng.sample(theirs, min(len(theirs), rng.choice([1, 1, 2]))):
            attributions += 1
            own.append(Ref("invoice_attributions", str(attributions)))
            _make_attribution(builder, attributions, invoice, budget)
        invoice.relationships["invoice_attributions"] = tuple(own)
        if invoice.attributes["finalized_on"] and parent is None:
            finalized.append(invoice)


def _make_invoice(
    builder: WorldBuilder, rng: random.Random, number: int, company: Record, parent: Record | None
) -> Record:
    currency = company.text("default_currency")
    subsidiary = str(1 + number % 3)
    relationships: dict[str, Related] = {
        "company": company.ref,
        # The companies' addresses follow those of the subsidiaries, in the order of the companies.
        "bill_to": Ref("contact_entries", str(len(SUBSIDIARIES) + int(company.id))),
        "bill_from": Ref("contact_entries", subsidiary),
        "document_type": Ref("document_types", "1"),
        "subsidiary": Ref("subsidiaries", subsidiary),
        "bank_account": Ref("bank_accounts", subsidiary),
        "parent_invoice": parent.ref if parent else None,
        "attachment": Ref("attachments", str(number)) if number % 7 == 0 else None,
        **NO_CUSTOM_FIELD_LINKS,
    }
    attributes: dict[str, Json] = {
        "subject": maybe(rng, 0.6, builder.fake.catch_phrase()),
        "invoice_type_id": CREDIT_NOTE if parent else INVOICE,
        "tag_list": tags(rng, TAGS),
        "note": maybe(rng, 0.3, builder.fake.sentence()),
        "footer": maybe(rng, 0.2, "Thank you for your business"),
        "purchase_order_number": maybe(rng, 0.3, f"PO-{number:05}"),
        "exchange_rate": RATES[currency],
        "line_item_tax": True,
        "invoice_template_id": None,
        "creation_options": {},
        "payment_terms": company.attributes["due_days"] or 15,
        "bank_account_details": maybe(rng, 0.5, {"bank_name": "Test Bank", "number": "HR123456789"}),
        "custom_fields": custom_values(builder, rng, "invoices"),
        **currencies(currency),
    }
    return builder.add("invoices", number, attributes, relationships)


def _set_dates(rng: random.Random, invoice: Record, created: datetime) -> None:
    """Set the business dates of an invoice; drafts have no number yet."""
    on = local_date(created)
    terms = invoice.integer("payment_terms")
    draft = rng.random() < DRAFT_SHARE and invoice.one("parent_invoice") is None
    invoice.attributes.update(
        {
            "number": None if draft else f"{on.year}/{int(invoice.id):04}",
            "invoiced_on": on.isoformat(),
            "pay_on": (on + timedelta(days=terms)).isoformat(),
            "delivery_on": maybe(rng, 0.3, on.isoformat()),
            "exchange_date": on.isoformat(),
            "finalized_on": None if draft else on.isoformat(),
            "finalized_at": None if draft else format_timestamp(created + timedelta(hours=2)),
            "sent_on": None if draft or rng.random() < 1 / 10 else (on + timedelta(days=1)).isoformat(),
            "exported": not draft and rng.random() < 1 / 3,
        }
    )
    if invoice.attributes["exported"]:
        invoice.attributes |= {
            "exported_at": format_timestamp(created + timedelta(days=1)),
            "export_id": f"X{invoice.id}",
        }


def _make_attribution(builder: WorldBuilder, number: int, invoice: Record, budget: Record) -> None:
    """Make an invoice's attribution to a budget; its amount follows once the lines exist."""
    on = date.fromisoformat(invoice.text("invoiced_on"))
    attributes: dict[str, Json] = {
        "date_from": on.replace(day=1).isoformat(),
        "date_to": on.isoformat(),
        **in_cents("amount", 0, invoice.text("exchange_rate")),
        **currencies(invoice.text("currency")),
    }
    builder.add("invoice_attributions", number, attributes, {"invoice": invoice.ref, "budget": budget.ref})


def _make_line_items(builder: WorldBuilder) -> None:
    rng = builder.rng("line_items")
    number = 0
    services_of: dict[str, list[Record]] = {}
    for row in builder.rows("services"):
        services_of.setdefault(cast("Ref", row.one("deal")).id, []).append(row)
    for invoice in builder.rows("invoices"):
        credit = invoice.one("parent_invoice") is not None
        attribution = builder.dataset.get(invoice.all("invoice_attributions")[0])
        budget = cast("Record", attribution).one("budget")
        services = services_of.get(cast("Ref", budget).id, [])
        total = 0
        for position in range(1, 1 + (1 if credit else rng.choice([1, 2, 2, 3, 3, 5]))):
            number += 1
            service = rng.choice(services) if services else None
            quantity = "1.0" if credit else rng.choice(["1.0", "2.0", "3.5", "8.0", "12.25"])
            price = -rng.randrange(100, 2_000) if credit else rng.randrange(2_000, 20_000)
            tax = rng.choice(["25.0", "25.0", "13.0", None])
            line = builder.add(
                "line_items",
                number,
                {
                    "description": builder.fake.catch_phrase(),
                    "position": position,
                    "quantity": quantity,
                    "unit_id": rng.choice([1, 2, 3]),
                    "unit_price": price,
                    "discount": "10.0" if number % 9 == 0 else None,
                    "tax_name": f"PDV {tax}%" if tax else None,
                    "tax_value": tax,
                    **currencies(invoice.text("currency")),
                },
                {
                    "invoice": invoice.ref,
                    "service": service.ref if service else None,
                    "service_type": service.one("service_type") if service else None,
                    "tax_rate": Ref("tax_rates", "1" if tax == "25.0" else "2") if tax else None,
                },
            )
            total_line_item(line, invoice.text("exchange_rate"))
            total += line.integer("amount")
        _split_between_attributions(builder, rng, invoice, total)


def _split_between_attributions(builder: WorldBuilder, rng: random.Random, invoice: Record, total: int) -> None:
    """Set the amount of the first of several attributions; the last one gets the remainder."""
    refs = invoice.all("invoice_attributions")
    if len(refs) > 1:
        first = cast("Record", builder.dataset.get(refs[0]))
        share = total * rng.randrange(20, 80) // 100
        first.attributes.update(in_cents("amount", share, invoice.text("exchange_rate")))


def _make_payments(builder: WorldBuilder) -> None:
    """Make full, partial, split and written-off payments; drafts and credit notes have none."""
    rng = builder.rng("payments")
    number = 0
    totals: dict[str, int] = {}
    for line in builder.rows("line_items"):
        invoice_id = cast("Ref", line.one("invoice")).id
        totals[invoice_id] = totals.get(invoice_id, 0) + line.integer("amount_with_tax")
    credited = {ref.id for row in builder.rows("invoices") if (ref := row.one("parent_invoice"))}
    for invoice in builder.rows("invoices"):
        is_draft, is_credit_note = not invoice.attributes["finalized_on"], invoice.one("parent_invoice")
        if is_draft or is_credit_note or invoice.id in credited:
            continue
        total = totals[invoice.id]
        kind = rng.choice(["whole"] * 6 + ["part", "parts", "written off", "none"])
        amounts = {"whole": [total], "part": [total // 3], "parts": [total // 2, total - total // 2]}.get(kind, [])
        if kind == "written off":
            amounts = [total - total // 10, total // 10]
        on = date.fromisoformat(invoice.text("invoiced_on"))
        for part, amount in enumerate(amounts):
            number += 1
            paid = (on + timedelta(days=rng.randrange(2, 15) + 10 * part)).isoformat()
            written_off = kind == "written off" and part == 1
            attributes: dict[str, Json] = {
                "paid_on": None if written_off else paid,
                "written_off_on": paid if written_off else None,
                "note": maybe(rng, 0.2, builder.fake.sentence()),
                "external_id": maybe(rng, 0.2, f"bank-{number}"),
                **in_cents("amount", amount, invoice.text("exchange_rate")),
                **currencies(invoice.text("currency")),
            }
            builder.add("payments", number, attributes, {"invoice": invoice.ref})


def _make_payment_reminders(builder: WorldBuilder) -> None:
    rng = builder.rng("payment_reminders")
    finalized = [row for row in builder.rows("invoices") if row.attributes["finalized_on"]]
    created = random_instants(rng, builder.count(REMINDERS), ACTIVITY_START, WORLD_START)
    for number, instant in enumerate(created, start=1):
        sent = number % 3 != 0
        builder.add(
            "payment_reminders",
            number,
            {
                "subject": "Payment reminder",
                "subject_parsed": "Payment reminder",
                "body": "Your invoice {{number}} is due",
                "body_parsed": "Your invoice is due",
                "from": "billing@northwind.example",
                "to": [f"accounts{number}@client.example"],
                "cc": [],
                "bcc": [],
                "before_due_date": number % 2 == 0,
                "reminder_period": rng.choice([1, 7, 14]),
                "created_at": format_timestamp(instant),
                "updated_at": format_timestamp(instant + timedelta(minutes=4)),
                "scheduled_on": format_timestamp(instant + timedelta(days=1)),
                "sent_at": format_timestamp(instant + timedelta(days=1, minutes=2)) if sent else None,
                "delivered_at": format_timestamp(instant + timedelta(days=1, minutes=3)) if sent else None,
            },
            {
                "invoice": rng.choice(finalized).ref if finalized else None,
                "creator": Ref("people", "1"),
                "updater": Ref("people", "1"),
                "payment_reminder_sequence": Ref("payment_reminder_sequences", "1"),
            },
        )


def _make_deleted_items(builder: WorldBuilder) -> None:
    """Make the recycle bin, of items whose ids no longer exist in any list."""
    rng = builder.rng("deleted_items")
    count = builder.count(DELETED_ITEMS)
    created = random_instants(rng, count, ACTIVITY_START, WORLD_START - timedelta(days=3))
    for number, instant in enumerate(created, start=1):
        kind = rng.choice(DELETED_TYPES)
        builder.add(
            "deleted_items",
            number,
            {
                "created_at": format_timestamp(instant),
                "deleter_id": 1,
                "item_id": 900_000 + number,
                "item_type": kind,
                "location": "Northwind Studio",
                "name": f"{kind.replace('_', ' ').capitalize()} {number}",
            },
            {"deleter": Ref("people", "1")},
        )
