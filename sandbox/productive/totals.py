"""Totals: of an invoice from its lines and payments, of a service from its hours, of a deal from both."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sandbox.productive.money import in_cents, in_float_cents, rounded

if TYPE_CHECKING:
    from sandbox.json_types import Json
    from sandbox.productive.records import Dataset, Record

PERCENT = Decimal(100)
HOUR = 1
"""`unit_id` of services sold by the hour."""


def total_line_item(line: Record, rate: str) -> None:
    """Update a line's amounts from its price, quantity, discount and tax."""
    net = line.integer("unit_price") * Decimal(line.text("quantity"))
    net -= net * Decimal(str(line.attributes["discount"] or 0)) / PERCENT
    amount = rounded(net)
    tax = rounded(amount * Decimal(str(line.attributes["tax_value"] or 0)) / PERCENT)
    line.attributes.update(
        in_cents("unit_price", line.integer("unit_price"), rate)
        | in_cents("amount", amount, rate)
        | in_cents("amount_tax", tax, rate)
        | in_cents("amount_with_tax", amount + tax, rate)
    )


def total_invoice(dataset: Dataset, invoice: Record) -> None:
    """Update an invoice's amounts from its lines, payments and credit notes, then its attributions and budgets."""
    lines = dataset.referrers("line_items", "invoice", invoice.id)
    payments = dataset.referrers("payments", "invoice", invoice.id)
    credit_notes = dataset.referrers("invoices", "parent_invoice", invoice.id)
    rate = invoice.text("exchange_rate")
    totals = {
        "amount": sum(line.integer("amount") for line in lines),
        "amount_tax": sum(line.integer("amount_tax") for line in lines),
        "amount_with_tax": sum(line.integer("amount_with_tax") for line in lines),
        "amount_paid": sum(payment.integer("amount") for payment in payments if payment.attributes["paid_on"]),
        "amount_written_off": sum(row.integer("amount") for row in payments if row.attributes["written_off_on"]),
        "amount_credited": -sum(note.integer("amount") for note in credit_notes),
        "amount_credited_with_tax": -sum(note.integer("amount_with_tax") for note in credit_notes),
    }
    settled = totals["amount_paid"] + totals["amount_written_off"] + totals["amount_credited_with_tax"]
    totals["amount_unpaid"] = totals["amount_with_tax"] - settled
    for name, cents in totals.items():
        invoice.attributes.update(in_cents(name, cents, rate))
    paid_days = [payment.text("paid_on") for payment in payments if payment.attributes["paid_on"]]
    invoice.attributes["credited"] = totals["amount_credited"] != 0
    invoice.attributes["paid_on"] = max(paid_days) if paid_days and totals["amount_unpaid"] == 0 else None
    _distribute_to_attributions(dataset, invoice, totals["amount"], rate)
    parent = dataset.get(invoice.one("parent_invoice"))
    if parent is not None:
        total_invoice(dataset, parent)


def _distribute_to_attributions(dataset: Dataset, invoice: Record, amount: int, rate: str) -> None:
    """Make an invoice's attributions add up to its net amount: the last one gets the remainder."""
    attributions = dataset.referrers("invoice_attributions", "invoice", invoice.id)
    if attributions:
        others = sum(attribution.integer("amount") for attribution in attributions[:-1])
        attributions[-1].attributes.update(in_cents("amount", amount - others, rate))
    for attribution in attributions:
        budget = dataset.get(attribution.one("budget"))
        if budget is not None:
            total_deal(dataset, budget)


def total_service(dataset: Dataset, service: Record) -> None:
    """Update a service's hours and money from its time entries and its price."""
    entries = dataset.referrers("time_entries", "service", service.id)
    expenses = dataset.referrers("expenses", "service", service.id)
    deal = dataset.get(service.one("deal"))
    rate = deal.text("exchange_rate") if deal else "1.0"
    price = cast("float", service.attributes["price"] or 0.0)
    revenue = price * float(service.text("quantity"))
    billable = sum(entry.integer("billable_time") for entry in entries)
    work_cost = float(sum(entry.integer("cost") for entry in entries))
    expense = float(sum(row.integer("amount") for row in expenses))
    profit = revenue - work_cost - expense
    by_the_hour = service.integer("unit_id") == HOUR
    worked: dict[str, Json] = {
        "worked_time": sum(entry.integer("time") for entry in entries),
        "billable_time": billable,
        "unapproved_time": sum(entry.integer("time") for entry in entries if not entry.attributes["approved"]),
        "profit_margin": str(round(profit / revenue * 100, 2)) if revenue else "0.0",
    }
    money = {
        "price": price,
        "budget_total": revenue,
        "budget_used": min(revenue, billable / 60 * price) if by_the_hour else 0.0,
        "revenue": revenue,
        "projected_revenue": revenue,
        "work_cost": work_cost,
        "expense_amount": expense,
        "cost": work_cost + expense,
        "profit": profit,
    }
    for name, cents in money.items():
        worked |= in_float_cents(name, cents, rate)
    service.attributes.update(worked)


def total_deal(dataset: Dataset, deal: Record) -> None:
    """Update a deal's or budget's money and hours from its services and invoices."""
    services = dataset.referrers("services", "deal", deal.id)
    invoiced = draft = 0
    for attribution in dataset.referrers("invoice_attributions", "budget", deal.id):
        invoice = dataset.get(attribution.one("invoice"))
        if invoice is not None and invoice.attributes["finalized_on"]:
            invoiced += attribution.integer("amount")
        else:
            draft += attribution.integer("amount")

    def cents(attribute: str) -> int:
        return sum(round(cast("float", service.attributes[attribute])) for service in services)

    def minutes(attribute: str) -> int:
        return sum(service.integer(attribute) for service in services)

    revenue, profit = cents("revenue"), cents("profit")
    margin = str(round(profit / revenue * 100, 2)) if revenue else "0.0"
    totals = {
        "budget_total": cents("budget_total"),
        "budget_used": cents("budget_used"),
        "revenue": revenue,
        "services_revenue": revenue,
        "projected_revenue": revenue,
        "cost": cents("cost"),
        "expense": cents("expense_amount"),
        "profit": profit,
        "invoiced": invoiced,
        "draft_invoiced": draft,
        "pending_invoicing": max(revenue - invoiced, 0),
    }
    for name, amount in totals.items():
        deal.attributes.update(in_cents(name, amount, deal.text("exchange_rate")))
    value = totals["budget_total"]
    deal.attributes.update(in_cents("deal_value_total", value, deal.text("exchange_rate")))
    deal.attributes.update({"deal_value": f"{value}.0", "deal_value_source": "from_services"})
    deal.attributes.update(
        {f"profit_margin{suffix}": margin for suffix in ("", "_default", "_normalized")}
        | {name: minutes(name) for name in ("worked_time", "billable_time", "budgeted_time", "estimated_time")}
    )


def total_all(dataset: Dataset) -> None:
    """Update all totals of a new world."""
    for service in dataset.rows("services"):
        total_service(dataset, service)
    for invoice in dataset.rows("invoices"):
        total_invoice(dataset, invoice)
    for deal in dataset.rows("deals"):
        total_deal(dataset, deal)
