"""Sections, rate cards, proposals, contracts, invoice templates and revenue recognition."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.builder import ACTIVITY_START, maybe, random_instant
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.settings import ARCHIVED, SUBSIDIARIES
from sandbox.productive.money import RATES, currencies, in_cents, rounded
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp, local_date

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Record

PROPOSALS, CONTRACTS, DISTRIBUTIONS, COST_RATES, TEMPLATES, RULES = 25, 12, 20, 20, 12, 10
PARTS = 4
"""The number of periods that a budget's revenue is spread over."""


def make_selling(builder: WorldBuilder) -> None:
    """Make price lists, then proposals, then the terms of budgets."""
    _make_price_lists(builder)
    _make_proposals(builder)
    _make_budget_terms(builder)


def _make_price_lists(builder: WorldBuilder) -> None:
    """Make one section per deal, with the deal's id, and one rate card per company with prices."""
    staff = users(builder)
    for deal in builder.rows("deals"):
        attributes: dict[str, Json] = {"name": "Services", "position": 1, "editor_config": {}, "preferences": {}}
        builder.add("sections", int(deal.id), attributes, {"deal": deal.ref})
    rng = builder.rng("written services")
    for service in builder.rows("services"):
        service.relationships["section"] = Ref("sections", cast("Ref", service.one("deal")).id)
        service.hidden["updated_at"] = format_timestamp(random_instant(rng, ACTIVITY_START, WORLD_START))
    prices: dict[Ref, list[Record]] = {}
    for price in builder.rows("prices"):
        prices.setdefault(cast("Ref", price.one("company")), []).append(price)

    def rate_card(draft: Draft, company: Ref) -> Row:
        for price in prices[company]:
            price.relationships["rate_card"] = Ref("rate_cards", str(draft.number))
        return {
            "name": f"Rates {draft.number}",
            "prices_count": len(prices[company]),
            "archived_at": draft.every(9, ARCHIVED),
        }, {"company": company, "creator": draft.rng.choice(staff).ref}

    builder.add_for_each("rate_cards", sorted(prices, key=lambda ref: int(ref.id)), rate_card)


def _make_proposals(builder: WorldBuilder) -> None:
    staff, people = users(builder), builder.rows("people")
    deals = [deal for deal in builder.rows("deals") if not deal.attributes["budget"]] or builder.rows("deals")

    def proposal(draft: Draft) -> Row:
        deal = deals[(draft.number - 1) % len(deals)]
        currency = deal.text("currency")
        status = draft.rng.choice(("draft", "sent", "sent", "accepted", "rejected"))
        sent = status != "draft"
        on = local_date(draft.created)
        company = cast("Ref", deal.one("company"))
        contacts = [person for person in people if person.one("company") == company]
        contact = contacts[0].ref if contacts else None
        return {
            "name": f"Proposal {draft.number}",
            "status": status,
            "link_status": "active" if sent else "inactive",
            "signed": status == "accepted",
            "date": on.isoformat(),
            "end_date": (on + timedelta(days=30)).isoformat(),
            "exchange_date": on.isoformat(),
            "exchange_rate": RATES[currency],
            "sent_at": format_timestamp(draft.created + timedelta(hours=1)) if sent else None,
            "status_changed_at": format_timestamp(draft.updated),
            "custom_fields": {},
            "responder_name": builder.fake.name() if status in {"accepted", "rejected"} else "",
            **in_cents("budget_total", draft.rng.randrange(100_000, 5_000_000), RATES[currency]),
            **currencies(currency),
        }, {
            "deal": deal.ref,
            "client": company,
            "contact": contact,
            "project": deal.one("project"),
            "creator": draft.rng.choice(staff).ref,
            "deal_creator": deal.one("creator"),
            "responsible": deal.one("responsible"),
            "subsidiary": deal.one("subsidiary"),
            "document_type": Ref("document_types", "3"),
            "proposal_from": Ref("contact_entries", "1"),
            # The companies' addresses follow those of the subsidiaries, in the order of the companies.
            "proposal_to": Ref("contact_entries", str(len(SUBSIDIARIES) + int(company.id))),
            "tax_rate": deal.one("tax_rate"),
        }

    builder.add_many("proposals", PROPOSALS, proposal)


def _make_budget_terms(builder: WorldBuilder) -> None:
    staff = users(builder)
    budgets = [deal for deal in builder.rows("deals") if deal.attributes["budget"]]

    def budget_of(draft: Draft) -> Record:
        return budgets[(draft.number - 1) % len(budgets)]

    def contract(draft: Draft) -> Row:
        start = local_date(draft.created)
        budget = budget_of(draft)
        budget.relationships["contract"] = Ref("contracts", str(draft.number))
        return {
            "interval_id": 1 + draft.number % 6,
            "starts_on": start.isoformat(),
            "ends_on": maybe(draft.rng, 0.5, (start + timedelta(days=365)).isoformat()),
            "next_occurrence_on": (start + timedelta(days=30)).isoformat(),
            "copy_expenses": draft.number % 3 == 0,
            "copy_purchase_order_number": True,
        }, {"template": budget.ref}

    def distribution(draft: Draft, place: int) -> Row:
        budget, part = budgets[place // PARTS], place % PARTS
        first = local_date(draft.created).replace(month=1 + 3 * part, day=1, year=2025)
        cents = rounded(Decimal(budget.integer("revenue")) / PARTS)
        amount = in_cents("amount", cents, budget.text("exchange_rate"))
        return {
            **amount,
            # A string, as in the catalogue; its variants are cents.
            "amount": str(cents),
            "amount_percent": 25,
            "creator_id": int(draft.rng.choice(staff).id),
            "start_on": first.isoformat(),
            "end_on": (first + timedelta(days=89)).isoformat(),
            **currencies(budget.text("currency")),
        }, {"deal": budget.ref}

    def template(draft: Draft) -> Row:
        budget = budget_of(draft)
        subsidiary = cast("Ref", budget.one("subsidiary"))
        return {
            "subject": f"Retainer {draft.number}",
            "note": "As agreed",
            "custom_fields": {},
            "bank_account_details": {},
            "invoice_creation_options": {"grouping": "service"},
        }, {
            "budget": budget.ref,
            "bank_account": Ref("bank_accounts", subsidiary.id),
            "creator": draft.rng.choice(staff).ref,
            "issuer": draft.rng.choice(staff).ref,
            "document_type": Ref("document_types", "1"),
            "subsidiary": subsidiary,
        }

    def rule(draft: Draft) -> Row:
        budget = budget_of(draft)
        budget.relationships["automatic_invoicing_rule"] = Ref("automatic_invoicing_rules", str(draft.number))
        return {
            "creation_offset": draft.number % 5,
            "creation_offset_unit": "day",
            "reference_date": local_date(draft.created).isoformat(),
            "next_invoice_date": local_date(draft.updated).isoformat(),
            "skip_weekends": True,
        }, {"budget": budget.ref, "creator": draft.rng.choice(staff).ref}

    builder.add_many("contracts", CONTRACTS, contract)
    spread = range(min(PARTS * len(budgets), builder.count(DISTRIBUTIONS)))
    builder.add_for_each("revenue_distributions", spread, distribution)
    builder.add_many(
        "deal_cost_rates",
        COST_RATES,
        lambda draft: (
            {"currency": budget_of(draft).text("currency"), "rate_cents": draft.rng.randrange(2_000, 9_000)},
            {"deal": budget_of(draft).ref, "person": draft.rng.choice(staff).ref},
        ),
    )
    builder.add_many("invoice_templates", TEMPLATES, template)
    builder.add_many("automatic_invoicing_rules", RULES, rule)
