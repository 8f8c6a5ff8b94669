"""The page as a reader has it, in a real Chromium: what it shows, what it asks for, what filters change."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe

from invoicing_page.content import Limits
from tests.generated_marts import AS_OF, NOW, Marts, bucket, generated, hostile
from tests.page_file import PageFile
from tests.page_reader import PHONE, WIDE, new_database, opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.page_reader import Cells, Reader

pytestmark = pytest.mark.browser

ATTACKS = ("</script><img src=x onerror=alert(1)>", "<b>bold</b>", "javascript:alert(1)", "{{ 7 * 7 }}${7 * 7}")
SOLD = "direction = 'sale' and status not in ('draft', 'cancelled', 'rejected')"
LAST_12_MONTHS = "between '2025-12-01' and '2026-11-30'"
BUCKETS = ("not due", "1-30", "31-60", "61-90", "over 90")
LATENESS = """
    case when is_write_off then 6 when due_on is null then 5 when paid_on <= due_on then 0
         when paid_on - due_on <= 30 then 1
         when paid_on - due_on <= 60 then 2 when paid_on - due_on <= 90 then 3 else 4 end
"""

EACH_SYSTEM = (
    ("productive", "1234.56", "271.60"),
    ("invoicetronic", "0.01", "0"),
    ("invobi", "99999999.99", "22000000"),
    ("2invoice", "19.90", "4.38"),
    ("covage", None, "0"),
)
"""An invoice of each system: net and VAT."""


@pytest.fixture(scope="module")
def database(postgres: str) -> str:
    """A company with some thousand invoices, and two accounts of one system."""
    marts = generated(3_000)
    of_berlin = {row["invoice_key"] for row in marts.rows["invoices"] if row["party_key"].endswith(("1", "2", "3"))}
    for row in (row for rows in marts.rows.values() for row in rows if row["system"] == "invoicetronic"):
        if row.get("party_key", "").endswith(("1", "2", "3")) or row.get("invoice_key") in of_berlin:
            row["account"] = "berlin"
    return new_database(postgres, "browser_company", marts)


@pytest.fixture(scope="module")
def file(database: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that company."""
    path = tmp_path_factory.mktemp("page") / "invoices.html"
    path.write_text(PageFile.of(database).html, encoding="utf-8")
    return path


@pytest.fixture
def reader(browser: Browser, file: Path, database: str) -> Iterator[Reader]:
    """A reader in Britain."""
    with opened(browser, file, database) as opened_page:
        yield opened_page


def test_the_top_is_what_sql_says(reader: Reader) -> None:
    for table, card in (("receivables", "receivables"), ("payables", "payables")):
        ((expected),) = reader.query(
            f"select sum(open), sum(open) filter (where is_overdue), count(*) from invoicing.{table}"
            f" where currency = 'EUR'"
        )
        assert reader.card(card) == list(expected)
    query = """
        select sum(net) filter (where issued_on between '{month}-01' and '{month}-28'),
               sum(net) filter (where issued_on between '{year}-01-01' and '{year}-11-28')
        from invoicing.invoices where currency = 'EUR' and {sold}
    """
    ((month, year),) = reader.query(query.format(month="2026-11", year="2026", sold=SOLD))
    ((last_month, last_year),) = reader.query(query.format(month="2026-10", year="2025", sold=SOLD))
    assert reader.card("month") == [month]
    assert reader.card("year") == [year]
    for card, now, before in (("month", month, last_month), ("year", year, last_year)):
        change = (abs(now - before) / before * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)
        assert f"{change:f}".removesuffix(".0") + (
            "% more than" if now > before else "% less than"
        ) in reader.page.inner_text(f"#card-{card}")
    ((dso,),) = reader.query(
        "select round((select sum(open) from invoicing.receivables where currency = 'EUR') * 90 / sum(gross), 1)"
        f" from invoicing.invoices where currency = 'EUR' and {SOLD} and issued_on > date '{AS_OF}' -"
        f" 90 and issued_on <= '{AS_OF}'"
    )
    assert reader.card("dso") == [dso]


def test_no_currency_is_added_to_another(reader: Reader) -> None:
    open_by_currency = dict(reader.query("select currency, sum(open) from invoicing.receivables group by 1"))

    shown = reader.table("All currencies")

    assert {currency: cells[0] for currency, cells in shown.items() if cells[0]} == open_by_currency
    assert len(open_by_currency) > 2
    for currency, total in open_by_currency.items():
        reader.choose(currency=currency)
        assert reader.card("receivables")[0] == total
        assert reader.table("Receivables by age")["Total | "][1] == total


def month_names() -> dict[str, str]:
    """Return the months of the period as the page writes them, by the first of each."""
    months = [f"{year}-{month:02d}-01" for year, month in [(2025, 12), *((2026, each) for each in range(1, 12))]]
    names = [
        "Dec 2025",
        "Jan 2026",
        "Feb 2026",
        "Mar 2026",
        "Apr 2026",
        "May 2026",
        "Jun 2026",
        "Jul 2026",
        "Aug 2026",
        "Sept 2026",
        "Oct 2026",
        "Nov 2026",
    ]
    return dict(zip(months, names, strict=True))


def test_turnover_is_what_sql_says_in_table_and_chart(reader: Reader) -> None:
    names = month_names()
    rows = reader.query(
        "select date_trunc('month', issued_on)::date::text, system, count(*) filter (where type_name"
        " = 'invoice'), sum(net),"
        " coalesce(sum(net) filter (where type_name <> 'invoice'), 0), sum(tax), sum(gross)"
        f" from invoicing.invoices where currency = 'EUR' and {SOLD} and issued_on {LAST_12_MONTHS} group by 1, 2"
    )
    systems = sorted({row[1] for row in rows})
    expected = {}
    for month, name in names.items():
        of_month = [row for row in rows if row[0] == month]
        by_system = [sum((row[3] for row in of_month if row[1] == system), Decimal(0)) for system in systems]
        expected[name] = [
            Decimal(sum(row[2] for row in of_month)),
            *by_system,
            *(sum((row[place] for row in of_month), Decimal(0)) for place in (3, 4, 5, 6)),
        ]
    expected["Total"] = [
        sum((cells[place] for cells in expected.values()), Decimal(0)) for place in range(len(expected["Dec 2025"]))
    ]

    assert reader.table("Turnover by month in EUR") == expected
    drawn = {
        (name, system): expected[name][1 + place] for name in names.values() for place, system in enumerate(systems)
    }
    labels = {
        (found["month"], found["system"].lower()): Decimal(found["amount"].replace(",", ""))
        for label in reader.bars("turnover")
        if (
            found := re.search(r"; Month: (?P<month>.*?); System: (?P<system>.*?); Amount: (?P<amount>\S+) EUR$", label)
        )
    }
    assert labels == drawn


@pytest.mark.parametrize(
    ("table", "caption", "part"), [("receivables", "Receivables", "receivables"), ("payables", "Payables", "payables")]
)
def test_ageing_is_what_sql_says_by_bucket_by_party_and_by_invoice(
    reader: Reader, table: str, caption: str, part: str
) -> None:
    by_bucket = {
        bucket: [Decimal(many), total]
        for bucket, many, total in reader.query(
            f"select bucket, count(*), sum(open) from invoicing.{table} where currency = 'EUR' group by 1"
        )
    }
    by_party = reader.query(
        f"select coalesce(party.name, ''), count(*), sum(open), coalesce(sum(open) filter (where"
        f" is_overdue), 0), party.party_key"
        f" from invoicing.{table} join invoicing.parties as party using (party_key) where currency = 'EUR'"
        " group by party.party_key, party.name order by 3 desc, 5"
    )

    shown = reader.table(f"{caption} by age in EUR")
    of_buckets = [shown[text] for text in shown if text.split(" | ")[0] != "Total"]
    assert of_buckets == [by_bucket.get(bucket, [Decimal(0), Decimal(0)]) for bucket in BUCKETS]
    of_parties = list(reader.table(f"Open by {'customer' if part == 'receivables' else 'supplier'}").values())
    assert of_parties == [[Decimal(row[1]), row[2], row[3]] for row in by_party[:20]]
    labels = reader.bars(part)
    assert [re.search(r"Open: (\S+) EUR$", label)[1].replace(",", "") for label in labels] == [  # type: ignore[index]
        f"{by_bucket.get(bucket, [0, Decimal('0.00')])[1]:f}" for bucket in BUCKETS
    ]

    button = reader.page.locator(f"#{part} button.unfold").first
    button.click()
    behind = reader.table(f"Open invoices of {re.escape(button.inner_text())}")
    expected = reader.query(
        f"select number, open from invoicing.{table} where currency = 'EUR' and party_key = '{by_party[0][4]}'"
    )
    assert {text.split(" | ")[0]: cells[-1] for text, cells in behind.items()} == dict(expected)
    assert button.get_attribute("aria-expanded") == "true"


def test_vat_is_what_sql_says_by_month_rate_and_direction(reader: Reader) -> None:
    rows = reader.query(
        "select date_trunc('month', line.issued_on)::date::text, trim_scale(tax_rate)::text,"
        " line.direction, sum(base), sum(line.tax)"
        " from invoicing.tax_breakdown as line join invoicing.invoices using (invoice_key)"
        " where line.currency = 'EUR' and status not in ('draft', 'cancelled', 'rejected')"
        f" and line.issued_on {LAST_12_MONTHS} group by 1, 2, 3"
    )
    words = {"0": "0% reverse charge (N6.9)"}
    expected: dict[str, Cells] = {}
    for month, name in month_names().items():
        lines = {row[1] for row in rows if row[0] == month}
        sums = [Decimal(0)] * 4
        for rate in lines:
            cells = [
                next((row[place] for row in rows if row[:3] == (month, rate, direction)), Decimal(0))
                for direction in ("sale", "purchase")
                for place in (3, 4)
            ]
            expected[f"{name} | {words.get(rate, f'{rate}%')} | "] = cells
            sums = [sum_ + cell for sum_, cell in zip(sums, cells, strict=True)]
        expected[f"{name} | all rates"] = [*sums, sums[1] - sums[3]]
    totals = [
        sum((cells[place] for text, cells in expected.items() if text.endswith("all rates")), Decimal(0))
        for place in range(5)
    ]

    assert reader.table("VAT by month and rate in EUR") == {**expected, "Total | all rates": totals}
    drawn = [re.search(r"VAT: (\S+) EUR$", label)[1].replace(",", "") for label in reader.bars("vat")]  # type: ignore[index]
    assert [Decimal(each) for each in drawn] == [
        expected[f"{name} | all rates"][place] for name in month_names().values() for place in (1, 3)
    ]


def test_budgets_are_what_sql_says_the_tightest_first(reader: Reader) -> None:
    rows = reader.query(
        "select name, budget, worked, invoiced, paid, remaining, unbilled_amount, margin from invoicing.budgets"
        " where not is_closed and currency = 'EUR' order by greatest(worked, invoiced) / budget desc"
    )
    shown = reader.table("Open budgets in EUR")

    assert [(text.split(" | ")[0], *cells) for text, cells in shown.items()] == rows
    labels = [
        re.search(r"Budget: (.*?); Kind: (\w+); Amount: (\S+) EUR of (\S+) EUR$", label)
        for label in reader.bars("budgets")
    ]
    drawn = {(found[1], found[2]): found[3].replace(",", "") for found in labels if found}
    assert drawn == {
        (row[0], kind): f"{amount:f}"
        for row in rows[:15]
        for kind, amount in (("Invoiced", row[3]), ("Worked", row[2]))
    }


@pytest.mark.parametrize(("direction", "heading"), [("sale", "Received"), ("purchase", "Paid out")])
def test_payments_are_what_sql_says_by_month_and_lateness(reader: Reader, direction: str, heading: str) -> None:
    rows = reader.query(
        f"select date_trunc('month', paid_on)::date::text, {LATENESS}, count(*), sum(amount),"
        f" sum(amount * (paid_on - due_on))"
        f" from invoicing.payments where currency = 'EUR' and direction = '{direction}' and paid_on"
        f" {LAST_12_MONTHS} group by 1, 2"
    )
    present = sorted({row[1] for row in rows})
    expected = {
        name: [
            Decimal(sum(row[2] for row in rows if row[0] == month)),
            *(next((row[3] for row in rows if row[:2] == (month, lateness)), Decimal(0)) for lateness in present),
            sum((row[3] for row in rows if row[0] == month), Decimal(0)),
        ]
        for month, name in month_names().items()
    }
    expected["Total"] = [
        sum((cells[place] for cells in expected.values()), Decimal(0)) for place in range(len(present) + 2)
    ]
    total = expected["Total"][-1]
    days = abs(sum(row[4] for row in rows) / total).quantize(Decimal("0.1"), ROUND_HALF_UP)
    on_time = (sum(row[3] for row in rows if row[1] == 0) / total * 100).quantize(Decimal("0.1"), ROUND_HALF_UP)

    assert reader.table(f"{heading} by month in EUR") == expected
    sentence = reader.page.locator("#payments h3", has_text=heading).locator("+ .lead").inner_text()
    assert f"{on_time:f}".removesuffix(".0") + "% was paid on time" in sentence
    assert f"{days:.1f} days" in sentence


def test_rejected_invoices_and_all_invoices_are_those_of_the_marts(reader: Reader) -> None:
    rejected = reader.query("select number, gross from invoicing.invoices where status = 'rejected'")
    every = reader.query(
        f"select number, net, gross, open from invoicing.invoices where currency = 'EUR' and issued_on {LAST_12_MONTHS}"
    )

    shown = {text.split(" | ")[0]: cells[0] for text, cells in reader.table("Rejected invoices").items()}
    assert shown == dict(rejected)
    found: dict[str, Cells] = {}
    while True:
        found |= {text.split(" | ")[0]: cells for text, cells in reader.table("Invoices$").items()}
        older = reader.page.locator("#invoices .pages button", has_text="Older")
        if older.is_disabled():
            break
        older.click()
    assert found == {row[0]: list(row[1:]) for row in every}
    number = every[7][0]
    reader.page.fill("#search", number.lower())
    assert [text.split(" | ")[0] for text in reader.table("Invoices$")] == [number]
    reader.page.fill("#search", "no such invoice")
    assert reader.page.inner_text("#invoice-count") == "No invoice matches."


@pytest.mark.parametrize(
    ("filters", "condition"),
    [
        ({"system": "Productive"}, "system = 'productive' and currency = 'EUR'"),
        ({"currency": "RON"}, "currency = 'RON'"),
        ({"account": "berlin"}, "account = 'berlin' and currency = 'EUR'"),
        ({"party": ""}, "party_key = 'productive|default|0' and currency = 'EUR'"),
        (
            {"system": "Invoicetronic", "account": "default"},
            "system = 'invoicetronic' and account = 'default' and currency = 'EUR'",
        ),
    ],
    ids=["system", "currency", "account", "party", "two"],
)
def test_a_filter_changes_every_part(reader: Reader, filters: dict[str, str], condition: str) -> None:
    if "party" in filters:
        ((name,),) = reader.query("select name from invoicing.parties where party_key = 'productive|default|0'")
        filters = {"party": name}
    currency = filters.get("currency", "EUR")
    before = reader.card("receivables")

    reader.choose(**filters)

    ((open_total,),) = reader.query(f"select coalesce(sum(open), 0) from invoicing.receivables where {condition}")
    ((sold,),) = reader.query(
        f"select sum(net) from invoicing.invoices where {condition} and {SOLD} and issued_on {LAST_12_MONTHS}"
    )
    ((vat,),) = reader.query(
        "select sum(tax) from invoicing.invoices where"
        f" {condition} and direction = 'sale' and status not in ('draft', 'rejected') and issued_on {LAST_12_MONTHS}"
    )
    ((paid,),) = reader.query(
        f"select sum(amount) from invoicing.payments where {condition} and direction = 'sale' and"
        f" paid_on {LAST_12_MONTHS}"
    )
    ((many,),) = reader.query(
        f"select count(*) from invoicing.invoices where {condition} and issued_on {LAST_12_MONTHS}"
    )
    assert reader.card("receivables")[0] == open_total
    assert reader.card("receivables") != before
    turnover = reader.table(f"Turnover by month in {currency}")
    assert turnover["Total"][-4] == sold
    assert reader.table("VAT by month and rate")["Total | all rates"][1] == vat
    assert reader.table("Received by month")["Total"][-1] == paid
    assert f"of {many:,} invoices" in reader.page.inner_text("#invoice-count") or many < 2
    reader.page.click("#reset")
    assert reader.card("receivables") == before


def test_the_period_filters_turnover_vat_and_payments_but_not_what_is_open(reader: Reader) -> None:
    before = {
        part: reader.page.inner_text(f"#{part}") for part in ("cards", "receivables", "payables", "budgets", "rejected")
    }

    reader.choose(period="Last year")

    year = "between '2025-01-01' and '2025-12-31'"
    ((sold,),) = reader.query(
        f"select sum(net) from invoicing.invoices where currency = 'EUR' and {SOLD} and issued_on {year}"
    )
    ((paid,),) = reader.query(
        f"select sum(amount) from invoicing.payments where currency = 'EUR' and direction = 'sale' and paid_on {year}"
    )
    assert reader.table("Turnover by month in EUR")["Total"][-4] == sold
    assert reader.table("Received by month in EUR")["Total"][-1] == paid
    assert {part: reader.page.inner_text(f"#{part}") for part in before} == before

    reader.choose(period="Other months")
    reader.page.select_option("#from", label="Mar 2026")
    reader.page.select_option("#to", label="Apr 2026")
    assert list(reader.table("Turnover by month in EUR")) == ["Mar 2026", "Apr 2026", "Total"]
    assert reader.page.inner_text("#filter-summary") == "EUR · Mar 2026 to Apr 2026 · all systems"

    reader.choose(period="Everything")
    ((sold,),) = reader.query(f"select sum(net) from invoicing.invoices where currency = 'EUR' and {SOLD}")
    assert reader.table("Turnover by month in EUR")["Total"][-4] == sold


@pytest.mark.parametrize(
    ("locale", "shown"), [("en-GB", "{:,.2f}"), ("de-DE", "{:,.2f}"), ("it-IT", "{:,.2f}"), ("en-IN", None)]
)
def test_numbers_are_written_as_the_reader_does(
    browser: Browser, file: Path, database: str, locale: str, shown: str | None
) -> None:
    with opened(browser, file, database, locale=locale) as reader:
        ((total,),) = reader.query("select sum(open) from invoicing.receivables where currency = 'EUR'")
        text = reader.page.inner_text("#card-receivables .value")
        if shown is None:
            assert text == reader.page.evaluate("n => new Intl.NumberFormat('en-IN').format(n)", f"{total:f}")
        else:
            expected = shown.format(total)
            assert text == (expected if locale.startswith("en") else expected.translate(str.maketrans(",.", ".,")))


def test_digits_that_a_float_does_not_have_are_shown(browser: Browser, postgres: str, tmp_path: Path) -> None:
    marts = generated(30)
    for currency, amount in (("EUR", "90071992547409930.07"), ("TND", "1234.567")):
        marts.add(
            "receivables",
            invoice_key=currency,
            system="invobi",
            account="default",
            currency=currency,
            as_of=AS_OF,
            number=currency,
            open=Decimal(amount),
            is_overdue=False,
            payments_known=True,
            bucket="not due",
        )
    marts.rows["receivables"] = marts.rows["receivables"][-2:]
    file = tmp_path / "page.html"
    file.write_text(PageFile.of(new_database(postgres, "browser_digits", marts)).html, encoding="utf-8")

    with opened(browser, file) as reader:
        assert reader.page.inner_text("#card-receivables .value") == "90,071,992,547,409,930.07"
        reader.choose(currency="TND")
        assert reader.page.inner_text("#card-receivables .value") == "1,234.567"


def test_no_text_of_the_data_becomes_code_or_markup(browser: Browser, postgres: str, tmp_path: Path) -> None:
    marts = generated(40)
    hostile(marts, ATTACKS)
    file = tmp_path / "page.html"
    file.write_text(PageFile.of(new_database(postgres, "browser_hostile", marts)).html, encoding="utf-8")

    with opened(browser, file) as reader:
        reader.page.locator("#budgets .chart path[aria-label]").first.hover(force=True)
        reader.page.wait_for_selector("#vg-tooltip-element.visible table")
        for button in reader.page.locator("button.unfold").all():
            button.click()
        reader.unfold()
        for part in ("receivables", "budgets", "rejected", "invoices", "freshness", "vat"):
            shown = reader.page.inner_text(f"#{part}")
            assert [(part, attack) for attack in ATTACKS if attack not in shown] == []
        assert reader.page.locator("img, b").count() == 0
        assert reader.page.locator("a[href^='javascript']").count() == 0
        assert reader.page.locator("script").count() == 3
        for attack in ATTACKS:
            reader.choose(party=attack)
            assert reader.page.input_value("#party") == attack
            assert attack in reader.page.inner_text("#filter-summary")


def test_what_is_late_or_failed_is_said_in_red(browser: Browser, file: Path) -> None:
    with opened(browser, file) as reader:
        loads = {each.inner_text(): each.get_attribute("class") for each in reader.page.locator(".loads li").all()}
        colors = reader.page.eval_on_selector_all(
            ".loads li",
            "all => Object.fromEntries(all.map(each => [each.className,"
            " getComputedStyle(each.querySelector('span')).color]))",
        )

    assert {text.partition("\n")[0]: state for text, state in loads.items()} == {
        "2invoice failed 4 hours ago, last loaded 28 hours ago": "failed",
        "Invobi late: last loaded 3 days ago": "late",
        "Invoicetronic loaded 4 hours ago": "good",
        "Productive loaded 4 hours ago": "good",
    }
    assert "the access token is not valid any more" in next(text for text in loads if text.startswith("2invoice"))
    assert colors["failed"] == colors["late"] == "rgb(179, 38, 30)" != colors["good"]


def test_a_page_that_is_read_days_later_says_that_its_loads_are_late(browser: Browser, file: Path) -> None:
    with opened(browser, file) as reader:
        reader.page.clock.set_fixed_time(NOW + timedelta(days=4))
        reader.page.reload()
        reader.page.wait_for_selector("html[data-state=ready]")

        assert reader.page.locator(".loads li.good").count() == 0


def test_empty_parts_say_what_fills_them(browser: Browser, postgres: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PageFile.of(new_database(postgres, "browser_empty", Marts())).html, encoding="utf-8")

    with opened(browser, file) as reader:
        for part in (
            "turnover",
            "receivables",
            "payables",
            "vat",
            "budgets",
            "payments",
            "rejected",
            "invoices",
            "freshness",
        ):
            assert "tap" in reader.page.inner_text(f"#{part} .empty")
        assert "payloads" in reader.page.inner_text("#vat .empty")


def test_what_was_summed_is_said_and_a_party_still_filters(browser: Browser, database: str, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    made = PageFile.of(database, Limits(most_invoices=500))
    file.write_text(made.html, encoding="utf-8")

    with opened(browser, file, database) as reader:
        assert "are summed by month" in reader.page.inner_text("#summed")
        reader.choose(period="Everything")
        ((sold,),) = reader.query(f"select sum(net) from invoicing.invoices where currency = 'EUR' and {SOLD}")
        assert reader.table("Turnover by month in EUR")["Total"][-4] == sold
        ((name,),) = reader.query("select name from invoicing.parties where party_key = 'productive|default|0'")
        reader.choose(party=name)
        ((recent,),) = reader.query(
            f"select sum(net) from invoicing.invoices where currency = 'EUR' and {SOLD} and party_key"
            f" = 'productive|default|0'"
            f" and issued_on >= '{made.content['oldest_month']}'"
        )
        assert reader.table("Turnover by month in EUR")["Total"][-4] == recent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_the_screen(
    browser: Browser, file: Path, size: tuple[int, int], scheme: str
) -> None:
    with opened(browser, file, size=size, color_scheme=scheme) as reader:
        reader.page.locator("button.unfold").first.click()
        reader.unfold()
        # axe adds a script to the page, which the page itself would forbid.
        reader.page.context.new_cdp_session(reader.page).send("Page.setBypassCSP", {"enabled": True})
        found = Axe().run(reader.page)
        width = reader.page.evaluate("document.scrollingElement.scrollWidth")

        serious = [each for each in found.response["violations"] if each["impact"] in {"serious", "critical"}]
        assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in serious] == []
        assert len(found.response["passes"]) > 20
        assert width <= size[0]
        labels = reader.page.eval_on_selector_all(
            ".chart", "all => all.map(each => [each.getAttribute('role'), each.ariaLabel])"
        )
        assert {role for role, _ in labels} == {"img"}
        assert [label for _, label in labels if "table" not in label] == []


def test_every_chart_has_its_table(reader: Reader) -> None:
    charts = reader.page.locator(".chart").all()

    assert len(charts) == 7
    for chart in charts:
        beside = chart.evaluate(
            "chart => (chart.parentElement.nextElementSibling?.matches('.scroll') ? chart.parentElement : chart)"
            ".nextElementSibling.querySelectorAll('td').length"
        )
        assert beside > 4


def test_printed_it_has_its_numbers_and_no_form(browser: Browser, file: Path) -> None:
    with opened(browser, file, color_scheme="dark") as reader:
        reader.page.emulate_media(media="print", color_scheme="dark")
        reader.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert reader.page.locator("details.numbers:not([open])").count() == 0
        assert not reader.page.locator("#filters").is_visible()
        assert reader.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert reader.page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 36, 48)"
        assert len(reader.page.pdf()) > 50_000
        reader.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert reader.page.locator("details.numbers[open]").count() == 0


def test_charts_follow_the_colours_of_the_screen(reader: Reader) -> None:
    bar = "#vat .chart path[aria-label][fill='{}']"
    assert reader.page.locator(bar.format("#2f6db3")).count() == 12

    reader.page.emulate_media(color_scheme="dark")
    reader.page.wait_for_selector(bar.format("#6ea8e5"))

    assert reader.page.locator(bar.format("#2f6db3")).count() == 0


def of_every_system() -> Marts:
    """One sale of each system, each in a month of its own; Covage tells no amounts, and Invoicetronic no payments."""
    marts = Marts()
    for place, (system, net, tax) in enumerate(EACH_SYSTEM):
        issued = date(2026, 7 + place, 14)
        amount = None if net is None else Decimal(net)
        gross = None if amount is None else amount + Decimal(tax)
        key = f"{system}|default|1"
        here = {"system": system, "account": "default", "currency": "EUR", "party_key": key, "invoice_key": key}
        named = {"number": f"{system}-1", "issued_on": issued, "due_on": issued, "gross": gross, "open": gross}
        marts.add("parties", **{**here, "merged_party_key": key, "name": f"Customer of {system}"})
        known = {"amounts_known": amount is not None, "status": "sent", "type_name": "invoice"}
        marts.add(
            "invoices",
            **here,
            **named,
            **known,
            direction="sale",
            net=amount,
            tax=None if amount is None else Decimal(tax),
        )
        if amount is None:
            continue
        sums = {"net": amount, "tax": Decimal(tax), "gross": gross}
        none = {f"credit_{name}": 0 for name in sums}
        marts.add(
            "turnover_by_month",
            **here,
            **sums,
            **none,
            month=issued.replace(day=1),
            invoice_count=1,
            credit_note_count=0,
        )
        line = {"direction": "sale", "issued_on": issued, "base": amount, "tax": Decimal(tax), "tax_rate": Decimal(22)}
        marts.add("tax_breakdown", **here, **line, tax_category="S")
        late = {"days_overdue": (AS_OF - issued).days, "is_overdue": True, "bucket": bucket((AS_OF - issued).days)}
        marts.add("receivables", **here, **named, **late, as_of=AS_OF, payments_known=system != "invoicetronic")
    return marts


def test_one_invoice_of_each_system_is_in_the_charts_to_the_cent(
    browser: Browser, postgres: str, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(PageFile.of(new_database(postgres, "browser_each", of_every_system())).html, encoding="utf-8")

    with opened(browser, file) as reader:
        turnover = [label for label in reader.bars("turnover") if "Amount: 0.00" not in label]
        assert [re.sub("^.*; Month: ", "", label) for label in turnover] == [
            "Jul 2026; System: Productive; Amount: 1,234.56 EUR",
            "Aug 2026; System: Invoicetronic; Amount: 0.01 EUR",
            "Sept 2026; System: Invobi; Amount: 99,999,999.99 EUR",
            "Oct 2026; System: 2invoice; Amount: 19.90 EUR",
        ]
        vat = [label for label in reader.bars("vat") if "VAT: 0.00" not in label]
        assert [re.sub("^.*; VAT: ", "", label) for label in vat] == ["271.60 EUR", "22,000,000.00 EUR", "4.38 EUR"]
        ageing = {re.sub("^.*; Due: ", "", label) for label in reader.bars("receivables")}
        assert ageing == {
            "Not due yet; Invoices: 0; Open: 0.00 EUR",
            "1\u201330 days late; Invoices: 0; Open: 0.00 EUR",
            "31\u201360 days late; Invoices: 1; Open: 24.28 EUR",
            "61\u201390 days late; Invoices: 1; Open: 121,999,999.99 EUR",
            "Over 90 days late; Invoices: 1; Open: 1,506.16 EUR",
        }
        listed = {text.split(" | ")[0]: cells for text, cells in reader.table("Invoices$").items()}
        assert listed["invobi-1"] == [Decimal("99999999.99"), Decimal("121999999.99"), Decimal("121999999.99")]
        assert listed["covage-1"] == []
        covage = reader.page.locator("#invoices tr", has_text="covage-1").inner_text()
        assert covage.count("unknown") == 3
        assert reader.page.inner_text("#unknown-amounts").endswith("(Covage: 1).")
        unknown = reader.page.inner_text("#receivables .unknown-payments")
        assert "1 invoice of 0.01 EUR, of which Invoicetronic does not tell whether they were paid" in unknown
        assert reader.card("receivables")[0] == Decimal("122001530.43")
