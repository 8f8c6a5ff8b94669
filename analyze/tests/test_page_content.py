"""The file of the page: its numbers are those of the marts, it names no other host, and no text of the data is code."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from invoicing_page.content import Limits, content
from invoicing_page.encoding import scaled
from invoicing_page.errors import PageError
from invoicing_page.page import page
from tests.generated_marts import AS_OF, NOW, Marts, generated, hostile
from tests.page_file import PageFile, addresses

ATTACKS = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "javascript:alert(1)",
    "\u2028'\"`${alert(1)}{{ 7 * 7 }}&lt;b&gt;\\",
)

NOT_SHOWN = "('draft', 'cancelled', 'rejected')"

SUMS = {
    "invoices": (
        "select currency, direction, count(*), sum(net), sum(gross), sum(open) from invoicing.invoices group by 1, 2",
        ("currency", "direction"),
        ("net", "gross", "open"),
    ),
    "turnover": (
        (
            "select currency, (date_trunc('month', issued_on)::date - date '1970-01-01'), count(*),"
            " sum(net) filter (where type_name = 'invoice'), sum(net) filter (where type_name <> 'invoice')"
            f" from invoicing.invoices where direction = 'sale' and status not in {NOT_SHOWN} group by 1, 2"
        ),
        ("currency", "month"),
        ("net", "credit_net"),
    ),
    "open_items": (
        (
            "select currency, bucket, count(*), sum(open) from invoicing.receivables group by 1, 2"
            " union all select currency, bucket || ' of payables', count(*), sum(open) from"
            " invoicing.payables group by 1, 2"
        ),
        ("currency", "bucket"),
        ("open",),
    ),
    "vat": (
        (
            "select currency, trim_scale(tax_rate)::text || ' ' || direction, count(*), sum(base), sum(tax)"
            " from invoicing.tax_breakdown where invoice_key in"
            f" (select invoice_key from invoicing.invoices where status not in {NOT_SHOWN}) group by 1, 2"
        ),
        ("currency", "rate"),
        ("base", "tax"),
    ),
    "payments": (
        (
            "select currency, case when paid_on <= due_on then 'on time' when paid_on - due_on < 31 then '1-30'"
            " when paid_on - due_on < 61 then '31-60' when paid_on - due_on < 91 then '61-90' else 'over 90' end,"
            " count(*), sum(amount), sum(amount * (paid_on - due_on)) from invoicing.payments group by 1, 2"
        ),
        ("currency", "lateness"),
        ("amount", "amount_days"),
    ),
    "budgets": (
        (
            "select currency, name, count(*), sum(budget), sum(worked), sum(invoiced), sum(paid), sum(remaining),"
            " sum(margin), sum(unbilled_amount) from invoicing.budgets group by 1, 2"
        ),
        ("currency", "name"),
        ("budget", "worked", "invoiced", "paid", "remaining", "margin", "unbilled"),
    ),
    "rejected": (
        "select currency, number, count(*), sum(gross) from invoicing.invoices where status = 'rejected' group by 1, 2",
        ("currency", "number"),
        ("gross",),
    ),
}
"""For tables of the page: sums over the marts, made another way; what they are grouped by there, and the amounts."""


@dataclass(frozen=True)
class World:
    """A database with marts, and the page that was made of them."""

    url: str
    page: PageFile


@pytest.fixture(scope="module")
def world(postgres: str) -> World:
    """A company with some thousand invoices, in five currencies, of which one has very large amounts."""
    marts = generated(2_500)
    for currency, amount in (("TND", "1234.567"), ("JPY", "98765432109876543"), ("EUR", "90071992547409.93")):
        number = Decimal(amount)
        place = {
            "system": "invobi",
            "account": "default",
            "currency": currency,
            "invoice_key": f"invobi|default|{currency}",
        }
        marts.add(
            "invoices",
            **place,
            direction="sale",
            number=currency,
            issued_on=AS_OF,
            net=number,
            gross=number,
            open=number,
            status="sent",
            type_name="invoice",
            amounts_known=True,
        )
        marts.add(
            "turnover_by_month",
            **place,
            month=AS_OF.replace(day=1),
            invoice_count=1,
            net=number,
            tax=0,
            gross=number,
            credit_note_count=0,
            credit_net=0,
            credit_tax=0,
            credit_gross=0,
        )
        marts.add(
            "receivables",
            **place,
            number=currency,
            as_of=AS_OF,
            open=number,
            is_overdue=False,
            payments_known=True,
            bucket="not due",
        )
    url = new_database(postgres, "page_content")
    marts.write(url)
    return World(url, PageFile.of(url))


def new_database(postgres: str, name: str) -> str:
    """Make a database that is empty."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return postgres.replace("/postgres?", f"/{name}?")


def sums_of_marts(url: str, table: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the sums of the marts, by what they are grouped by."""
    query, _, amounts = SUMS[table]
    with psycopg.connect(url) as connection:
        rows = connection.execute(query.encode()).fetchall()
    return {row[:2]: (row[2], *(value or Decimal(0) for value in row[3 : 3 + len(amounts)])) for row in rows}


def sums_of_page(page: PageFile, table: str) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Return the same of the file."""
    _, (first, second), amounts = SUMS[table]
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in page.rows(table):
        name = row[second]
        if table == "open_items" and row["direction"] == "purchase":
            name += " of payables"
        if table == "vat":
            name += f" {row['direction']}"
        sums = found.setdefault((row[first], name), [0, *(Decimal(0) for _ in amounts)])
        counted = row.get("invoices", row.get("payments", 1)) + row.get("credit_notes", 0)
        for place, value in enumerate((counted, *(row[amount] for amount in amounts))):
            sums[place] += value
    return {key: tuple(sums) for key, sums in found.items()}


@pytest.mark.parametrize("table", SUMS)
def test_the_numbers_in_the_file_are_those_of_the_marts(world: World, table: str) -> None:
    expected = sums_of_marts(world.url, table)

    assert len(expected) > 1
    assert sums_of_page(world.page, table) == expected


def test_amounts_are_integers_and_texts_where_a_browser_would_round_them(world: World) -> None:
    values = world.page.content["tables"]["invoices"]["columns"]["gross"]["values"]

    assert world.page.content["scale"] == 3
    assert not [value for value in values if isinstance(value, float)]
    assert [value for value in values if isinstance(value, str)] == ["90071992547409930", "98765432109876543000"]
    assert max(abs(value) for value in values if isinstance(value, int)) <= 2**53


@pytest.mark.parametrize(
    ("amount", "scale", "units"),
    [
        ("9007199254740.991", 3, 2**53 - 1),
        ("9007199254740.992", 3, str(2**53)),
        ("-9007199254740.992", 3, str(-(2**53))),
        ("1e2", 2, 10_000),
        ("-0.00", 2, 0),
        ("123456789012345678901234567890.12", 2, "12345678901234567890123456789012"),
    ],
)
def test_no_digit_of_an_amount_is_lost(amount: str, scale: int, units: int | str) -> None:
    assert scaled(Decimal(amount), scale) == units


def test_the_top_counts_to_the_day(world: World) -> None:
    query = """
        select currency, coalesce(sum(net) filter (where issued_on between '2026-11-01' and '2026-11-28'), 0),
               coalesce(sum(net) filter (where issued_on between '2026-10-01' and '2026-10-28'), 0),
               coalesce(sum(net) filter (where issued_on between '2026-01-01' and '2026-11-28'), 0),
               coalesce(sum(net) filter (where issued_on between '2025-01-01' and '2025-11-28'), 0),
               coalesce(sum(gross) filter (where issued_on between '2026-08-31' and '2026-11-28'), 0)
        from invoicing.invoices
        where direction = 'sale' and status not in ('draft', 'cancelled', 'rejected') group by 1
    """
    with psycopg.connect(world.url) as connection:
        expected = {row[0]: list(row[1:]) for row in connection.execute(query).fetchall()}
    found: dict[str, list[Decimal]] = {}
    for row in world.page.rows("sales_to_date"):
        sums = found.setdefault(row["currency"], [Decimal(0)] * 5)
        amounts = ("this_month", "last_month", "this_year", "last_year", "recent_gross")
        found[row["currency"]] = [sum_ + row[name] for sum_, name in zip(sums, amounts, strict=True)]

    assert found == expected
    assert all(found["EUR"])


def test_the_file_names_no_other_host_and_forbids_every_request(world: World) -> None:
    html = world.page.html
    loading = [
        (name, attributes)
        for name, attributes, _ in world.page.elements
        for attribute in ("src", "srcset", "href", "data", "action", "poster")
        if not (attributes.get(attribute) or "#").startswith(("#", "data:"))
    ]
    (policy,) = [each[1]["content"] for each in world.page.elements if each[1].get("http-equiv")]

    assert addresses(html) == set()
    assert loading == []
    assert not re.search(r"@import|url\(", "".join(world.page.texts("style")))
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} & set(policy.replace(";", " ").split())


def test_what_names_a_host_is_found() -> None:
    assert addresses("<script src='//cdn.example.com/x.js'></script>") == {"//cdn.example.com/x.js"}
    assert addresses("fetch(`https://example.com`); wss://a.b/c http://www.w3.org/2000/svg") == {
        "https://example.com",
        "wss://a.b/c",
    }


def test_the_policy_allows_the_scripts_of_the_file_and_no_other(world: World) -> None:
    (policy,) = [each[1]["content"] or "" for each in world.page.elements if each[1].get("http-equiv")]
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    code = [
        text for name, attributes, text in world.page.elements if name in {"script", "style"} and "id" not in attributes
    ]

    assert {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code} == allowed
    assert len(code) == 3


def test_texts_of_the_data_stay_within_the_data(postgres: str) -> None:
    marts = generated(40)
    url = new_database(postgres, "page_hostile")
    marts.write(url)
    plain = PageFile.of(url)
    hostile(marts, ATTACKS)
    marts.write(url)

    page = PageFile.of(url)

    shape = [(name, sorted(attributes)) for name, attributes, _ in page.elements]
    assert shape == [(name, sorted(attributes)) for name, attributes, _ in plain.elements]
    assert {row["number"] for row in page.rows("invoices")} >= set(ATTACKS)
    assert {name for name, _ in page.content["choices"]["party"]} >= set(ATTACKS)
    assert not [attack for attack in ATTACKS if attack in page.html]


def test_a_heading_is_text(world: World) -> None:
    embedded = content(world.url, "invoicing", NOW, Limits())

    made = PageFile(page(embedded, "Acme & <script>alert(1)</script>"))

    assert made.texts("h1") == ["Acme & <script>alert(1)</script>"]
    assert len(made.texts("script")) == len(world.page.texts("script"))


def test_parties_that_people_said_are_one_are_one(postgres: str) -> None:
    marts = generated(300, parties=3)
    marts.rows["parties"][0]["merged_party_key"] = marts.rows["parties"][1]["party_key"]
    one, other = (marts.rows["parties"][place] for place in (0, 1))
    url = new_database(postgres, "page_merged")
    marts.write(url)

    page = PageFile.of(url)

    keys = [row["party"][1] for row in page.rows("invoices")]
    both = [row for row in marts.rows["invoices"] if row["party_key"] in {one["party_key"], other["party_key"]}]
    assert one["party_key"] not in keys
    assert keys.count(other["party_key"]) == len(both)
    assert [other["name"], other["party_key"]] in page.content["choices"]["party"]


def test_of_very_many_invoices_the_older_months_are_summed(world: World) -> None:
    page = PageFile.of(world.url, Limits(most_invoices=600))
    oldest = page.content["oldest_month"]
    with psycopg.connect(world.url) as connection:
        query = """
            select count(*) filter (where issued_on >= %(month)s),
                   count(*) filter (where issued_on >= %(month)s::date - interval '1 month')
            from invoicing.invoices
        """
        shown, with_one_more = connection.execute(query, {"month": oldest}).fetchone() or (0, 0)
    first_day = (date.fromisoformat(oldest) - date(1970, 1, 1)).days

    assert world.page.content["oldest_month"] is None
    assert len(page.rows("invoices")) == shown <= 600 < with_one_more
    for table in ("turnover", "open_items", "vat", "payments"):
        assert sums_of_page(page, table) == sums_of_marts(world.url, table)
    for table in ("turnover", "vat", "payments"):
        assert {row["party"] is None for row in page.rows(table) if row["month"] < first_day} == {True}
        assert len(page.rows(table)) < len(world.page.rows(table)) / 2
    summed = [row for row in page.rows("open_items") if row["number"] is None]
    assert summed
    assert all(row["issued_on"] is None and row["party"] for row in summed)


def test_of_a_month_with_more_invoices_than_the_page_holds_only_sums_are_shown(world: World) -> None:
    page = PageFile.of(world.url, Limits(most_invoices=3))

    assert page.content["oldest_month"] == "2026-12-01"
    assert page.rows("invoices") == []
    assert sums_of_page(page, "turnover") == sums_of_marts(world.url, "turnover")


def test_as_of_is_that_of_the_model_and_today_where_nothing_is_open(world: World, postgres: str) -> None:
    url = new_database(postgres, "page_empty")
    Marts().write(url)

    empty = PageFile.of(url).content

    assert world.page.content["as_of"] == AS_OF.isoformat()
    assert empty["as_of"] == NOW.date().isoformat()
    assert {name: table["rows"] for name, table in empty["tables"].items() if table["rows"]} == {}


def test_an_amount_that_is_not_a_number_is_named(postgres: str) -> None:
    marts = generated(5)
    marts.rows["invoices"][0]["net"] = Decimal("NaN")
    url = new_database(postgres, "page_nan")
    marts.write(url)

    with pytest.raises(PageError, match=r"^The table of invoices holds an amount that is NaN: correct it"):
        PageFile.of(url)


def test_a_database_without_the_model_and_one_that_is_not_there_are_said_in_one_line(postgres: str) -> None:
    with pytest.raises(PageError, match=r"^The model is not built.*run meltano run dbt:build$"):
        content(postgres, "nowhere", NOW, Limits())
    with pytest.raises(PageError, match=r"^The database cannot be read: ") as caught:
        content("postgresql://me:p%40ss%25@127.0.0.1:1/none", "invoicing", NOW, Limits())
    assert "p@ss%" not in str(caught.value)
    assert str(caught.value).endswith("Connection refused")
    with pytest.raises(PageError, match="is not a PostgreSQL URL") as unreadable:
        content("postgresql://me:p%ss@host/none", "invoicing", NOW, Limits())
    assert "p%ss" not in str(unreadable.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_fifty_thousand_invoices_fit_into_five_megabytes(postgres: str) -> None:
    url = new_database(postgres, "page_scale")
    generated(50_000, parties=800).write(url)

    page = PageFile.of(url)

    assert len(page.rows("invoices")) == 50_000
    assert len(page.html.encode()) < 5_000_000
