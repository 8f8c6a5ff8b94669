"""What comes before and around an invoice: sections, rate cards, proposals, contracts, templates, recognition."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.clock import WORLD_START
from sandbox.productive.generate.maker import ACTIVITY_START, maybe, moment
from sandbox.productive.generate.parties import users
from sandbox.productive.generate.settings import ARCHIVED, SUBSIDIARIES
from sandbox.productive.moments import day, stamp
from sandbox.productive.money import RATES, currencies, in_cents, rounded
from sandbox.productive.records import Ref

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.generate.maker import Draft, Maker, Row
    from sandbox.productive.records import Record

PROPOSALS, CONTRACTS, DISTRIBUTIONS, COST_RATES, TEMPLATES, RULES = 25, 12, 20, 20, 12, 10
PARTS = 4
"""The periods that a budget's revenue is spread over."""


def make_selling(maker: Maker) -> None:
    """All of it."""
    _make_price_lists(maker)
    _make_proposals(maker)
    _make_budget_terms(maker)


def _make_price_lists(maker: Maker) -> None:
    """One section a deal, with the deal's id; one rate card for each company that has prices."""
    staff = users(maker)
    for deal in maker.rows("deals"):
        attributes: dict[str, Json] = {"name": "Services", "position": 1, "editor_config": {}, "preferences": {}}
        maker.make("sections", int(deal.id), attributes, {"deal": deal.ref})
    chance = maker.chance("written services")
    for service in maker.rows("services"):
        service.relationships["section"] = Ref("sections", cast("Ref", service.one("deal")).id)
        service.hidden["updated_at"] = stamp(moment(chance, ACTIVITY_START, WORLD_START))
    prices: dict[Ref, list[Record]] = {}
    for price in maker.rows("prices"):
        prices.setdefault(cast("Ref", price.one("company")), []).append(price)

    def rate_card(draft: Draft, company: Ref) -> Row:
        for price in prices[company]:
            price.relationships["rate_card"] = Ref("rate_cards", str(draft.number))
        return {
            "name": f"Rates {draft.number}",
            "prices_count": len(prices[company]),
            "archived_at": draft.every(9, ARCHIVED),
        }, {"company": company, "creator": draft.chance.choice(staff).ref}

    maker.fill_for("rate_cards", sorted(prices, key=lambda ref: int(ref.id)), rate_card)


def _make_proposals(maker: Maker) -> None:
    staff, people = users(maker), maker.rows("people")
    deals = [deal for deal in maker.rows("deals") if not deal.attributes["budget"]] or maker.rows("deals")

    def proposal(draft: Draft) -> Row:
        deal = deals[(draft.number - 1) % len(deals)]
        currency = deal.text("currency")
        status = draft.chance.choice(("draft", "sent", "sent", "accepted", "rejected"))
        sent = status != "draft"
        on = day(draft.created)
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
            "sent_at": stamp(draft.created + timedelta(hours=1)) if sent else None,
            "status_changed_at": stamp(draft.updated),
            "custom_fields": {},
            "responder_name": maker.fake.name() if status in {"accepted", "rejected"} else "",
            **in_cents("budget_total", draft.chance.randrange(100_000, 5_000_000), RATES[currency]),
            **currencies(currency),
        }, {
            "deal": deal.ref,
            "client": company,
            "contact": contact,
            "project": deal.one("project"),
            "creator": draft.chance.choice(staff).ref,
            "deal_creator": deal.one("creator"),
            "responsible": deal.one("responsible"),
            "subsidiary": deal.one("subsidiary"),
            "document_type": Ref("document_types", "3"),
            "proposal_from": Ref("contact_entries", "1"),
            # The companies' addresses come behind those of the subsidiaries, in the order of the companies.
            "proposal_to": Ref("contact_entries", str(len(SUBSIDIARIES) + int(company.id))),
            "tax_rate": deal.one("tax_rate"),
        }

    maker.fill("proposals", PROPOSALS, proposal)


def _make_budget_terms(maker: Maker) -> None:
    staff = users(maker)
    budgets = [deal for deal in maker.rows("deals") if deal.attributes["budget"]]

    def budget_of(draft: Draft) -> Record:
        return budgets[(draft.number - 1) % len(budgets)]

    def contract(draft: Draft) -> Row:
        start = day(draft.created)
        budget = budget_of(draft)
        budget.relationships["contract"] = Ref("contracts", str(draft.number))
        return {
            "interval_id": 1 + draft.number % 6,
            "starts_on": start.isoformat(),
            "ends_on": maybe(draft.chance, 0.5, (start + timedelta(days=365)).isoformat()),
            "next_occurrence_on": (start + timedelta(days=30)).isoformat(),
            "copy_expenses": draft.number % 3 == 0,
            "copy_purchase_order_number": True,
        }, {"template": budget.ref}

    def distribution(draft: Draft, place: int) -> Row:
        budget, part = budgets[place // PARTS], place % PARTS
        first = day(draft.created).replace(month=1 + 3 * part, day=1, year=2025)
        cents = rounded(Decimal(budget.integer("revenue")) / PARTS)
        amount = in_cents("amount", cents, budget.text("exchange_rate"))
        return {
            **amount,
            # A string, as the catalogue has it; its twins are cents.
            "amount": str(cents),
            "amount_percent": 25,
            "creator_id": int(draft.chance.choice(staff).id),
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
            "creator": draft.chance.choice(staff).ref,
            "issuer": draft.chance.choice(staff).ref,
            "document_type": Ref("document_types", "1"),
            "subsidiary": subsidiary,
        }

    def rule(draft: Draft) -> Row:
        budget = budget_of(draft)
        budget.relationships["automatic_invoicing_rule"] = Ref("automatic_invoicing_rules", str(draft.number))
        return {
            "creation_offset": draft.number % 5,
            "creation_offset_unit": "day",
            "reference_date": day(draft.created).isoformat(),
            "next_invoice_date": day(draft.updated).isoformat(),
            "skip_weekends": True,
        }, {"budget": budget.ref, "creator": draft.chance.choice(staff).ref}

    maker.fill("contracts", CONTRACTS, contract)
    spread = range(min(PARTS * len(budgets), maker.count(DISTRIBUTIONS)))
    maker.fill_for("revenue_distributions", spread, distribution)
    maker.fill(
        "deal_cost_rates",
        COST_RATES,
        lambda draft: (
            {"currency": budget_of(draft).text("currency"), "rate_cents": draft.chance.randrange(2_000, 9_000)},
            {"deal": budget_of(draft).ref, "person": draft.chance.choice(staff).ref},
        ),
    )
    maker.fill("invoice_templates", TEMPLATES, template)
    maker.fill("automatic_invoicing_rules", RULES, rule)
