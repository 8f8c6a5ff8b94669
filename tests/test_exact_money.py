"""Money in PostgreSQL is the money of the systems: sums over thousands of invoices, to the last digit."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from conftest import read
from scripts.all_taps import tap_classes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox
    from tests.loader_world import Database

pytestmark = pytest.mark.slow

DECIMALS = {"JPY": 0, "EUR": 2, "TND": 3}
"""The currencies, and how many decimals their amounts have (ISO 4217)."""
INVOICES = 1000
_EXACT = Context(prec=60)
Sums = dict[tuple[str, str], Decimal]


def _amount(chance: random.Random, currency: str, digits: int) -> Decimal:
    """Return an amount of a currency, with so many digits at most, below zero now and then."""
    units = chance.randrange(10 ** chance.randrange(1, digits + 1)) * chance.choice([1, 1, 1, -1])
    return Decimal(units).scaleb(-DECIMALS[currency], _EXACT)


def _sums(amounts: Iterable[tuple[str, str, Decimal]]) -> Sums:
    """Add up amounts, of which each has its currency and the name of its column."""
    sums: Sums = {}
    for currency, column, amount in amounts:
        sums[currency, column] = _EXACT.add(sums.get((currency, column), Decimal(0)), amount)
    return sums


def _in_the_warehouse(database: Database, schema: str, query: str, columns: Sequence[str]) -> Sums:
    """Add up columns by currency in PostgreSQL."""
    totals = ", ".join(f"sum(({column})::numeric)::text" for column in columns)
    with psycopg.connect(database.url, options=f"-c search_path={schema}") as connection:
        text = f"select currency, {totals} from {query} group by currency"  # noqa: S608 - of our own names
        rows = connection.execute(text.encode()).fetchall()
    return {
        (currency, column): Decimal(total)
        for currency, *values in rows
        for column, total in zip(columns, values, strict=True)
        if total is not None
    }


def _load(database: Database, tap: str, settings: Mapping[str, Any], stream: str) -> None:
    """Read a stream, and load it by both loaders."""
    reading = read(tap_classes()[tap], settings, select=stream)
    assert reading.error is None
    lines = [line.decode() for line in reading.lines]
    for loader in ("exact", "kept"):
        assert database.load(lines, loader).failure is None


def _assert_equal(database: Database, query: str, columns: Sequence[str], expected: Sums) -> None:
    counted = Counter(currency for currency, _ in expected)
    assert all(counted[currency] == len(columns) for currency in DECIMALS), counted
    for schema in ("exact", "kept"):
        assert _in_the_warehouse(database, schema, query, columns) == expected


def test_productive(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, database: Database, chance: random.Random
) -> None:
    cents = ("amount", "amount_tax", "amount_with_tax", "amount_paid", "amount_credited")
    for _ in range(INVOICES):
        currency = chance.choice(list(DECIMALS))
        amounts = {name: int(_amount(chance, currency, 18).scaleb(DECIMALS[currency])) for name in cents}
        rate = f"{chance.randrange(10**20)}e-10"
        sandbox.admin.create("invoices", {"currency": currency, "exchange_rate": f"{Decimal(rate):f}", **amounts})
    stored = [each["attributes"] for each in sandbox.admin.records("invoices")]
    columns = (*cents, "exchange_rate")
    expected = _sums(
        (str(row["currency"]), column, Decimal(str(row[column])))
        for row in stored
        for column in columns
        if row[column] is not None
    )

    _load(database, "tap-productive", sandbox_settings("tap-productive"), "invoices")

    _assert_equal(database, "invoices", columns, expected)


def test_2invoice(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, database: Database, chance: random.Random
) -> None:
    columns = ("total_without_vat", "total_vat", "total")
    system = sandbox.admin.system("2invoice")
    for _ in range(INVOICES):
        currency = chance.choice(list(DECIMALS))
        amounts: dict[str, Any] = {column: f"{_amount(chance, currency, 20):f}" for column in columns}
        system.create("invoices", {"currency": currency, **amounts})
    expected = _sums(
        (row["currency"], column, Decimal(row[column])) for row in system.records("invoices") for column in columns
    )

    _load(database, "tap-2invoice", sandbox_settings("tap-2invoice"), "invoices")

    _assert_equal(database, "invoices", columns, expected)


def test_invobi(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, database: Database, chance: random.Random
) -> None:
    system = sandbox.admin.system("invobi")
    for number in range(INVOICES):
        currency = chance.choice(list(DECIMALS))
        # JSON numbers that a double holds: the API's own are numbers, not texts.
        items: list[Any] = [
            {"name": f"Line {number}", "order": order, "price": float(_amount(chance, currency, 15)), "qty": 1}
            for order in range(chance.randrange(1, 5))
        ]
        system.create("invoices", {"currency": currency, "items": items})
    expected = _sums(
        (row["currency"], "(item ->> 'price')", Decimal(str(item["price"])))
        for row in system.records("invoices")
        for item in row["items"]
    )

    _load(database, "tap-invobi", sandbox_settings("tap-invobi"), "invoice_details")

    query = "invoice_details cross join lateral jsonb_array_elements(to_jsonb(items)) item"
    _assert_equal(database, query, ["(item ->> 'price')"], expected)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(20261128)  # noqa: S311 - amounts, no secrets
