"""One invoice of each system from its API to the charts of the page, by tap, loader, model and page."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from lxml import etree

from invoicing_page.content import Limits, content
from invoicing_page.page import page
from tests.generated_marts import NOW
from tests.model_world import rows
from tests.page_reader import opened
from tests.test_model import sent_file, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.page_reader import Reader
    from tests.test_model import World

pytestmark = pytest.mark.browser
__all__ = ["world"]


@pytest.fixture(scope="module")
def reader(
    world: World,
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Reader]:
    """A reader of the page over all five systems, with every month shown."""
    file = tmp_path_factory.mktemp("page") / "invoices.html"
    file.write_text(page(content(world.url, "invoicing", NOW, Limits()), "Invoices"), encoding="utf-8")
    with opened(browser, file, world.url) as of_systems:
        of_systems.choose(period="Everything")
        yield of_systems


def listed(reader: Reader, currency: str, number: str) -> list[Decimal]:
    """Return net, gross and open of an invoice, as the list of invoices shows them."""
    reader.choose(currency=currency)
    reader.page.fill("#search", number)
    found = [cells for text, cells in reader.table("^Invoices$").items() if text.split(" | ")[0] == number]
    assert len(found) == 1
    return found[0]


def bars(reader: Reader, part: str) -> list[str]:
    """Return what the bars of a chart say, without those of nothing."""
    labels = [re.sub(r"^.*?; (?=(Month|Due): )", "", label) for label in reader.bars(part)]
    return [label for label in labels if not re.search(r" 0([.,]0+)? [A-Z]{3}$", label)]


def test_an_invoice_of_productive_is_in_the_charts_to_the_millime(reader: Reader) -> None:
    # 2 x 1,000.001 and 0.500 dinars; 19 and 7 % on them; 380.001 paid nine days before the due date.
    assert listed(reader, "TND", "2026/9001") == [Decimal("2000.502"), Decimal("2380.537"), Decimal("2000.536")]
    assert bars(reader, "turnover") == ["Month: Feb 2026; System: Productive; Amount: 2,000.502 TND"]
    assert bars(reader, "vat") == ["Month: Feb 2026; Kind: VAT on sales; VAT: 380.035 TND"]
    assert bars(reader, "receivables") == ["Due: 1\u201330 days late; Invoices: 1; Open: 2,000.536 TND"]
    assert bars(reader, "payments") == ["Month: Feb 2026; Paid: On time; Amount: 380.001 TND"]
    assert reader.card("receivables")[:2] == [Decimal("2000.536"), Decimal("2000.536")]


def test_an_invoice_of_invobi_is_in_list_and_charts_to_the_cent(reader: Reader, world: World) -> None:
    key = f"invobi|default|{world.followed['invobi']}"
    (row,) = rows(world.url, "select number from invoicing.invoices where invoice_key = %s", key)
    # 7.5 x 33.33 + 10 = 259.975, less 26.00; with 20 % 280.77.
    assert listed(reader, "USD", row["number"]) == [Decimal("233.98"), Decimal("280.77"), Decimal("280.77")]
    expect_the_charts_to_be_the_marts(reader, "USD")


def test_a_credit_note_of_2invoice_is_in_list_and_charts_to_the_cent(reader: Reader, world: World) -> None:
    key = f"2invoice|default|{world.followed['2invoice']}"
    (row,) = rows(world.url, "select number, issued_on from invoicing.invoices where invoice_key = %s", key)
    assert listed(reader, "EUR", row["number"]) == [Decimal("-100.10"), Decimal("-121.12"), Decimal("-121.12")]
    expect_the_charts_to_be_the_marts(reader, "EUR")


def test_a_document_of_invoicetronic_is_in_list_and_charts_to_the_cent(reader: Reader, world: World) -> None:
    """From the FatturaPA document that the API gives out."""
    sent = rows(
        world.url,
        "select number, split_part(source_id, '/', 2)::integer as file_id from invoicing.invoices"
        " where system = 'invoicetronic' and direction = 'sale' and currency = 'EUR' and type_code = '380'"
        " and source_id like 'send/%%/1' and number in"
        " (select number from invoicing.invoices group by number having count(*) = 1) order by file_id",
    )
    number, document = next(
        (row["number"], etree.fromstring(answer["payload"].lstrip("\ufeff").encode()))
        for row in sent
        for answer in [sent_file(world, row["file_id"])]
        if answer["encoding"] == "Xml" and answer["payload"].lstrip("\ufeff").startswith("<")
    )
    base = sum((Decimal(str(each.text)) for each in document.iter("ImponibileImporto")), Decimal(0))

    assert listed(reader, "EUR", number)[0] == base
    expect_the_charts_to_be_the_marts(reader, "EUR")


def test_invoices_of_covage_are_counted_and_in_no_sum(reader: Reader, world: World) -> None:
    many = len(world.sandbox.admin.system("covage").records("invoices"))

    assert f"Covage: {many:,}" in reader.page.inner_text("#unknown-amounts")
    assert [label for label in reader.bars("turnover") if "Covage" in label] == []


def expect_the_charts_to_be_the_marts(reader: Reader, currency: str) -> None:
    """Assert that the bars of turnover, VAT and what is open are the sums of the marts."""
    reader.choose(currency=currency)
    expected = reader.query(
        "select system, sum(net + credit_net) from invoicing.turnover_by_month"
        f" where currency = '{currency}' group by month, system having sum(net + credit_net) <> 0"
    )
    drawn = [re.search(r"System: (\S+); Amount: (\S+) ", label) for label in bars(reader, "turnover")]
    assert sorted((each[1].lower(), Decimal(each[2].replace(",", ""))) for each in drawn if each) == sorted(expected)
    open_ones = reader.query(
        f"select sum(open) from invoicing.receivables where currency = '{currency}' and payments_known group by bucket"
    )
    drawn = [re.search(r"Open: (\S+) ", label) for label in bars(reader, "receivables")]
    assert sorted(Decimal(each[1].replace(",", "")) for each in drawn if each) == sorted(row[0] for row in open_ones)
    vat = reader.query(
        "select sum(line.tax) from invoicing.tax_breakdown as line join invoicing.invoices using (invoice_key)"
        f" where line.currency = '{currency}' and status not in ('draft', 'cancelled', 'rejected')"
        " group by date_trunc('month', line.issued_on), line.direction having sum(line.tax) <> 0"
    )
    drawn = [re.search(r"VAT: (\S+) [A-Z]{3}$", label) for label in bars(reader, "vat")]
    assert sorted(Decimal(each[1].replace(",", "")) for each in drawn if each) == sorted(row[0] for row in vat)
