"""The marts of the model, made up: as many invoices as wanted, in several currencies, with texts that attack a page."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from faker import Faker
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Row = dict[str, Any]

AS_OF = date(2026, 11, 28)
NOW = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)

_DECIMALS = {"EUR": 2, "RON": 2, "USD": 2, "JPY": 0, "TND": 3}
_SYSTEMS = {"productive": "EUR", "invoicetronic": "EUR", "invobi": "USD", "2invoice": "RON"}
_RATES = (Decimal(22), Decimal(10), Decimal(4), Decimal(0))

COLUMNS: Mapping[str, str] = {
    "parties": """
        party_key text, merged_party_key text, system text, account text, source_id text, name text, vat_id text,
        vat_country text, tax_number text, address text, city text, post_code text, country text, is_customer
        boolean, is_supplier boolean, is_self boolean, url text
    """,
    "invoices": """
        invoice_key text, system text, account text, source_id text, direction text, type_code text, type_name text,
        number text, issued_on date, due_on date, delivered_on date, currency text, seller_party_key text,
        buyer_party_key text, party_key text, net numeric, tax numeric, gross numeric, paid numeric, written_off
        numeric, credited numeric, open numeric, status text, source_status text, sdi_status text, sdi_message text,
        amounts_known boolean, url text
    """,
    "tax_breakdown": """
        tax_breakdown_key text, invoice_key text, system text, account text, direction text, issued_on date,
        currency text, tax_category text, tax_rate numeric, base numeric, tax numeric, exemption_reason_code text,
        exemption_reason text
    """,
    "payments": """
        payment_key text, invoice_key text, system text, account text, direction text, party_key text, paid_on date,
        due_on date, amount numeric, currency text, method_code text, method text, is_write_off boolean
    """,
    **dict.fromkeys(
        ("receivables", "payables"),
        """
            invoice_key text, as_of date, system text, account text, currency text, party_key text, party_name text,
            number text, issued_on date, due_on date, gross numeric, open numeric, payments_known boolean,
            days_overdue integer, is_overdue boolean, bucket text, url text
        """,
    ),
    "turnover_by_month": """
        month date, system text, account text, currency text, party_key text, invoice_count bigint, net numeric, tax
        numeric, gross numeric, credit_note_count bigint, credit_net numeric, credit_tax numeric, credit_gross
        numeric
    """,
    "budgets": """
        budget_key text, system text, account text, source_id text, name text, party_key text, currency text, budget
        numeric, worked numeric, invoiced numeric, paid numeric, remaining numeric, cost numeric, margin numeric,
        unbilled_minutes bigint, unbilled_amount numeric, is_closed boolean, url text
    """,
    "freshness": """
        system text, account text, stream text, last_loaded_at timestamptz, rows bigint, last_failed_at timestamptz,
        last_error text, told_by text
    """,
}
"""The columns of each mart that the page reads, as the model has them."""


@dataclass
class Marts:
    """Rows of the marts.

    Args:
        rows: By mart.
    """

    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def add(self, mart: str, **values: object) -> Row:
        """Add a row; columns that are not named are null."""
        self.rows[mart].append(values)
        return values

    def write(self, url: str, schema: str = "invoicing") -> None:
        """Make the schema with these rows, in place of one that is there."""
        with psycopg.connect(url) as connection:
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
            connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
            for name, columns in COLUMNS.items():
                table = sql.Identifier(schema, name)
                connection.execute(sql.SQL("create table {} ({})").format(table, sql.SQL(columns)))
                names = [column.split()[0] for column in columns.split(",")]
                copy = sql.SQL("copy {} ({}) from stdin").format(table, sql.SQL(", ").join(map(sql.Identifier, names)))
                with connection.cursor().copy(copy) as writer:
                    for row in self.rows[name]:
                        writer.write_row([row.get(column) for column in names])


def generated(invoices: int, seed: int = 1, *, parties: int = 60, years: float = 2.5) -> Marts:
    """Make up a company's invoices, and what follows from them.

    Args:
        invoices: How many.
        seed: The same seed gives the same rows.
        parties: Customers and suppliers of each system.
        years: Back to when.
    """
    return _Company(seed, parties, years).with_invoices(invoices)


class _Company:
    """A company that uses several systems."""

    def __init__(self, seed: int, parties: int, years: float) -> None:
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self._days = int(365 * years)
        self.marts = Marts()
        names = Faker(["it_IT", "en_GB", "fr_FR", "ro_RO", "de_DE"])
        names.seed_instance(seed)
        self._parties = {
            system: [self._party(system, number, names.company()) for number in range(parties)] for system in _SYSTEMS
        }

    def _party(self, system: str, number: int, name: str) -> str:
        key = f"{system}|default|{number}"
        self.marts.add(
            "parties",
            party_key=key,
            merged_party_key=key,
            system=system,
            account="default",
            source_id=str(number),
            name=name,
            is_customer=True,
            is_supplier=number % 5 == 0,
            is_self=False,
        )
        return key

    def with_invoices(self, many: int) -> Marts:
        """Add invoices and what follows from them, budgets and loads."""
        for number in range(many):
            self._invoice(number)
        self._turnover()
        self._budgets()
        self._freshness()
        return self.marts

    def _amount(self, currency: str, most: int = 9_000) -> Decimal:
        return (
            Decimal(self._random.randrange(20_000, most * 100))
            .scaleb(-2)
            .quantize(Decimal(1).scaleb(-_DECIMALS[currency]))
        )

    def _invoice(self, number: int) -> None:
        pick = self._random
        system = pick.choices(list(_SYSTEMS), (6, 4, 1, 2))[0]
        currency = pick.choices([_SYSTEMS[system], "EUR", "JPY"], (20, 2, 0.2))[0]
        direction = "purchase" if system in {"productive", "invoicetronic"} and pick.random() < 0.3 else "sale"
        party = self._parties[system][
            min(int(pick.expovariate(4) * len(self._parties[system])), len(self._parties[system]) - 1)
        ]
        age = int(self._days * (1 - pick.random() ** 0.8))
        issued = AS_OF - timedelta(days=age)
        due = issued + timedelta(days=pick.choice((14, 30, 30, 60)))
        is_credit = pick.random() < 0.04
        net = self._amount(currency) * (-1 if is_credit else 1)
        if is_credit:
            due = issued
        rate = pick.choices(_RATES, (12, 3, 1, 2))[0]
        tax = (net * rate / 100).quantize(Decimal(1).scaleb(-_DECIMALS[currency]))
        gross = net + tax
        rejected = system == "invoicetronic" and direction == "sale" and pick.random() < 0.012
        draft = not rejected and age < 20 and pick.random() < 0.1
        lateness = 0 if is_credit else int(pick.gauss(-4, 14)) if pick.random() < 0.93 else int(pick.uniform(20, 240))
        paid_on = max(issued, due + timedelta(days=lateness))
        paid = gross if paid_on <= AS_OF and not draft and not rejected else Decimal(0)
        if not paid and pick.random() < 0.1 and issued < AS_OF and not draft and not rejected:
            paid, paid_on = (
                (gross / 2).quantize(Decimal(1).scaleb(-_DECIMALS[currency])),
                min(AS_OF, issued + timedelta(days=9)),
            )
        key = f"{system}|default|{number}"
        status = (
            "rejected"
            if rejected
            else "draft"
            if draft
            else "paid"
            if paid == gross
            else "partly_paid"
            if paid
            else "sent"
        )
        url = f"https://app.productive.io/1-acme/invoices/{number}" if system == "productive" else None
        number_text = f"{'NC' if is_credit else 'F' if direction == 'sale' else 'A'}-{issued.year}-{number:05d}"
        place = {"invoice_key": key, "system": system, "account": "default", "currency": currency}
        open_amount = Decimal(0) if rejected or draft else gross - paid
        self.marts.add(
            "invoices",
            **place,
            source_id=str(number),
            direction=direction,
            type_name="credit note" if is_credit else "invoice",
            number=number_text,
            issued_on=issued,
            due_on=due,
            party_key=party,
            net=net,
            tax=tax,
            gross=gross,
            paid=paid,
            open=open_amount,
            status=status,
            amounts_known=True,
            url=url,
            sdi_status="NS" if rejected else None,
            sdi_message="00305: IdFiscaleIVA of the customer is not valid" if rejected else None,
        )
        self.marts.add(
            "tax_breakdown",
            **place,
            direction=direction,
            issued_on=issued,
            base=net,
            tax=tax,
            tax_rate=rate,
            tax_category="S" if rate else "AE",
            exemption_reason_code=None if rate else "N6.9",
        )
        if paid:
            self.marts.add(
                "payments",
                payment_key=key,
                **place,
                direction=direction,
                party_key=party,
                paid_on=paid_on,
                due_on=due,
                amount=paid,
                is_write_off=False,
            )
        if open_amount:
            late = (AS_OF - due).days
            self.marts.add(
                "receivables" if direction == "sale" else "payables",
                **place,
                as_of=AS_OF,
                party_key=party,
                number=number_text,
                issued_on=issued,
                due_on=due,
                gross=gross,
                open=open_amount,
                days_overdue=late,
                payments_known=True,
                is_overdue=late > 0,
                bucket=bucket(late),
                url=url,
            )

    def _turnover(self) -> None:
        sums: dict[tuple[Any, ...], Row] = {}
        for row in self.marts.rows["invoices"]:
            if row["direction"] != "sale" or row["status"] in {"draft", "rejected", "cancelled"}:
                continue
            key = (row["issued_on"].replace(day=1), row["system"], row["account"], row["currency"], row["party_key"])
            sum_ = sums.setdefault(key, {})
            kind = "credit_" if row["type_name"] == "credit note" else ""
            counted = "credit_note_count" if kind else "invoice_count"
            sum_[counted] = sum_.get(counted, 0) + 1
            for amount in ("net", "tax", "gross"):
                sum_[f"{kind}{amount}"] = sum_.get(f"{kind}{amount}", 0) + row[amount]
        names = (
            "invoice_count",
            "net",
            "tax",
            "gross",
            "credit_note_count",
            "credit_net",
            "credit_tax",
            "credit_gross",
        )
        for (month, system, account, currency, party), sum_ in sums.items():
            self.marts.add(
                "turnover_by_month",
                month=month,
                system=system,
                account=account,
                currency=currency,
                party_key=party,
                **{name: sum_.get(name, 0) for name in names},
            )

    def _budgets(self) -> None:
        words = (
            "Website",
            "Mobile app",
            "Retainer 2026",
            "Data platform",
            "Brand refresh",
            "Support",
            "Migration",
            "Audit",
        )
        for number in range(24):
            budget = self._amount("EUR", 90_000)
            worked = (budget * Decimal(self._random.randrange(5, 125)) / 100).quantize(Decimal("0.01"))
            invoiced = (worked * Decimal(self._random.randrange(30, 100)) / 100).quantize(Decimal("0.01"))
            party = self._random.choice(self._parties["productive"])
            self.marts.add(
                "budgets",
                budget_key=f"productive|default|{number}",
                system="productive",
                account="default",
                name=f"{words[number % len(words)]} {number // len(words) + 1}",
                party_key=party,
                currency="EUR",
                budget=budget,
                worked=worked,
                invoiced=invoiced,
                paid=(invoiced / 2).quantize(Decimal("0.01")),
                remaining=budget - worked,
                margin=(worked / 4).quantize(Decimal("0.01")),
                unbilled_minutes=600,
                unbilled_amount=worked - invoiced,
                is_closed=number % 6 == 5,
                url=f"https://app.productive.io/1-acme/d/{number}",
            )

    def _freshness(self) -> None:
        for system in _SYSTEMS:
            loaded = NOW - timedelta(hours={"invobi": 61}.get(system, 4))
            failed = NOW - timedelta(hours=4) if system == "2invoice" else None
            error = "GET /clients/list answered 401: the access token is not valid any more" if failed else None
            self.marts.add(
                "freshness",
                system=system,
                account="default",
                stream=None,
                rows=1_200,
                last_failed_at=failed,
                last_error=error,
                last_loaded_at=loaded - timedelta(hours=24) if failed else loaded,
                told_by="invoicing_runs",
            )
            self.marts.add(
                "freshness",
                system=system,
                account="default",
                stream="invoices",
                rows=812,
                told_by="tables",
                last_loaded_at=loaded - timedelta(hours=30),
            )


def bucket(days_overdue: int) -> str:
    """Return the bucket of an open invoice."""
    if days_overdue <= 0:
        return "not due"
    return next(
        (name for most, name in ((30, "1-30"), (60, "31-60"), (90, "61-90")) if days_overdue <= most), "over 90"
    )


def hostile(marts: Marts, texts: Sequence[str]) -> None:
    """Put a text into every text of some invoices, parties, budgets and loads.

    Args:
        marts: What they are added to.
        texts: Each is one that attacks a page.
    """
    for place, text in enumerate(texts):
        party = f"productive|default|hostile-{place}"
        key = f"productive|default|hostile-invoice-{place}"
        common: Row = {"system": "productive", "account": text, "currency": "EUR", "party_key": party, "url": text}
        marts.add("parties", **{**common, "merged_party_key": party, "name": text})
        invoice = {
            **common,
            "invoice_key": key,
            "number": text,
            "issued_on": AS_OF,
            "due_on": AS_OF - timedelta(days=100),
        }
        marts.add(
            "invoices",
            **invoice,
            direction="sale",
            type_name=text,
            net=Decimal(1),
            tax=Decimal(0),
            gross=Decimal(1),
            paid=Decimal(0),
            open=Decimal(1),
            status="rejected",
            sdi_status=text,
            sdi_message=text,
            amounts_known=True,
        )
        marts.add(
            "receivables",
            **invoice,
            as_of=AS_OF,
            gross=Decimal(1),
            open=Decimal(1_000_000),
            days_overdue=100,
            payments_known=True,
            is_overdue=True,
            bucket="over 90",
            party_name=text,
        )
        # What was rejected is in no sum of VAT.
        sent = {**invoice, "invoice_key": f"{key}-sent"}
        marts.add("invoices", **sent, direction="sale", type_name=text, status="sent", amounts_known=False)
        marts.add(
            "tax_breakdown",
            **sent,
            direction="sale",
            tax_category=text,
            tax_rate=Decimal(0),
            base=Decimal(1),
            tax=Decimal(0),
            exemption_reason_code=text,
        )
        marts.add(
            "budgets", **common, name=text, budget=Decimal(1), worked=Decimal(9), invoiced=Decimal(2), is_closed=False
        )
        marts.add(
            "freshness", system="productive", account=text, stream=text, last_failed_at=NOW, last_error=text, rows=1
        )
