"""The model over what the taps load: sums of each system, one invoice of each system, and what is left out."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import requests
import yaml
from lxml import etree

from conftest import FakeClock, read
from sandbox.server import running_sandbox
from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from singer_rest_core import RestTap
from tests.loader_world import Database
from tests.model_world import AS_OF, by_key, rows, sandbox_vars

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sandbox.admin_client import AdminClient
    from sandbox.server import RunningSandbox
    from tests.model_world import Dbt

pytestmark = pytest.mark.slow

STREAMS = {
    "tap-productive": "invoices line_items payments companies contact_entries subsidiaries bank_accounts services deals"
    " invoice_attributions time_entries",
    "tap-invoicetronic": "company send receive update document fattura fattura_line fattura_vat_summary fattura_payment"
    " fattura_withholding",
    "tap-invobi": "invoices invoice_details",
    "tap-covage": "invoices",
    "tap-2invoice": "invoices clients receipts",
}
SCALES = {"invobi": 0.2, "invoicetronic": 0.3}
CENT = Decimal("0.01")


class World:
    """All systems, loaded and modelled once."""

    def __init__(self, sandbox: RunningSandbox, database: Database, folder: str) -> None:
        """Take a sandbox and an empty database."""
        self.sandbox = sandbox
        self.database = database
        self.folder = folder
        self.followed: dict[str, str] = {}

    @property
    def url(self) -> str:
        """The database."""
        return self.database.url

    def load(self, tap: str) -> None:
        """Read what the model reads of a tap, and load it into the tap's schema."""
        root = self.sandbox.url
        settings: dict[str, dict[str, Any]] = {
            "tap-productive": {
                "auth_token": "sandbox-token",
                "organization_id": "1",
                "api_url": f"{root}/productive/api/v2",
            },
            "tap-invoicetronic": {
                "api_key": "ik_test_sandbox",
                "api_url": f"{root}/invoicetronic/v1",
                "payloads": "both",
                "payload_limit": 10_000,
                "documents_url": self.folder,
            },
            "tap-invobi": {"api_token": "sandbox-token", "api_url": f"{root}/invobi/api/v1"},
            "tap-covage": {
                "username": "sandbox-user",
                "password": "sandbox-password",
                "auth_url": f"{root}/covage",
                "api_url": f"{root}/covage",
            },
            "tap-2invoice": {"access_token": "sandbox-token", "api_url": f"{root}/2invoice"},
        }
        reading = read(tap_classes()[tap], settings[tap], select=STREAMS[tap])
        assert reading.error is None
        lines = [line.decode() for line in reading.lines]
        loaded = self.database.load(
            lines, default_target_schema=tap.replace("-", "_"), add_record_metadata=True, activate_version=True
        )
        assert loaded.failure is None


def add_invoices_to_follow(admin: AdminClient) -> dict[str, str]:
    """Make an invoice in each system that has known amounts, and return their ids."""
    company, subsidiary = admin.records("companies")[0]["id"], admin.records("subsidiaries")[0]["id"]
    invoice = admin.create(
        "invoices",
        {
            "number": "2026/9001",
            "invoice_type_id": 1,
            "invoiced_on": "2026-02-10",
            "pay_on": "2026-03-01",
            "finalized_on": "2026-02-10",
            "sent_on": "2026-02-11",
        },
        {"company": company, "subsidiary": subsidiary},
    )["id"]
    lines = []
    for price, quantity, tax in ((1_000_001, "2.0", "19.0"), (500, "1.0", "7.0")):
        line: dict[str, Any] = {
            "unit_price": price,
            "quantity": quantity,
            "tax_value": tax,
            "discount": None,
            "unit_id": 1,
        }
        lines.append(admin.create("line_items", line, {"invoice": invoice})["id"])
    payment = admin.create(
        "payments", {"amount": 380_001, "paid_on": "2026-02-20", "written_off_on": None}, {"invoice": invoice}
    )["id"]
    # New rows take a currency that the sandbox has a rate for; dinars have three decimals.
    for resource, identifiers in {"line_items": lines, "payments": [payment], "invoices": [invoice]}.items():
        for identifier in identifiers:
            admin.update(resource, identifier, {"currency": "TND"})
    invobi = admin.system("invobi").create(
        "invoices",
        {
            "currency": "USD",
            "issued_at": "2026-02-01",
            "due_at": "2026-02-28",
            "paid_at": None,
            "title": "Invoice #9001",
            "items": [{"name": "Work", "qty": "7.5", "price": "33.33"}, {"name": "Travel", "qty": 1, "price": 10}],
            "discounts": [{"name": "Old friend", "percentage": "10", "useValue": False, "value": "0"}],
            "taxes": [{"name": "VAT", "percentage": "20"}],
        },
    )["id"]
    two_invoice = admin.system("2invoice").create(
        "invoices",
        {
            "currency": "EUR",
            "exchange_rate": "4.9765",
            "total_without_vat": "-100.10",
            "total_vat": "-21.02",
            "total": "-121.12",
            "storno": True,
            "canceled_at": None,
            "products": [
                {
                    "name": "Return",
                    "quantity": "1",
                    "price": "100.10",
                    "vat_percentage": 21,
                    "unit": "buc",
                    "total_without_vat": "-100.10",
                    "total_vat": "-21.02",
                }
            ],
        },
    )["id"]
    return {"productive": invoice, "invobi": invobi, "2invoice": str(two_invoice)}


@pytest.fixture(scope="module")
def world(postgres: str, dbt: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """All five systems, and the model of them, tested by dbt."""
    database = Database(postgres)
    database.execute(f"create database {database.name}")
    database.url = postgres.replace("/postgres?", f"/{database.name}?")
    with running_sandbox(scales=SCALES) as sandbox:
        sandbox.admin.set_limits([])
        made = World(sandbox, database, str(tmp_path_factory.mktemp("documents")))
        made.followed = add_invoices_to_follow(sandbox.admin)
        with pytest.MonkeyPatch.context() as patch:
            # What the taps keep of the documented limits would take minutes.
            patch.setattr(RestTap, "clock", FakeClock())
            for tap in STREAMS:
                made.load(tap)
        dbt.run(database.url, "build")
        yield made


Sums = dict[tuple[str, str], Decimal]


def summed(amounts: Iterable[tuple[str, str, Decimal | None]]) -> Sums:
    """Add up amounts by currency and name."""
    sums: Sums = defaultdict(Decimal)
    for currency, name, amount in amounts:
        sums[currency, name] += amount or 0
    return dict(sums)


def sums_of(world: World, mart: str, system: str, columns: Mapping[str, str]) -> Sums:
    """Add up columns of a mart by currency."""
    found = rows(world.url, f"select * from invoicing.{mart} where system = %s", system)  # noqa: S608 - of our own names
    return summed((row["currency"], name, row[column]) for row in found for column, name in columns.items())


def units(cents: int, currency: str) -> Decimal:
    """Return cents as units, by the decimals of ISO 4217."""
    return Decimal(cents).scaleb(-{"JPY": 0, "TND": 3}.get(currency, 2))


def test_totals_are_those_of_productive(world: World) -> None:
    columns = {
        "amount": "net",
        "amount_tax": "tax",
        "amount_with_tax": "gross",
        "amount_paid": "paid",
        "amount_written_off": "written_off",
        "amount_credited_with_tax": "credited",
    }
    stored = [row["attributes"] for row in world.sandbox.admin.records("invoices")]
    expected = summed(
        (row["currency"], name, units(row[column], row["currency"]))
        for row in stored
        for column, name in columns.items()
    )
    assert len({currency for currency, _ in expected}) >= 3
    assert sums_of(world, "invoices", "productive", {name: name for name in columns.values()}) == expected
    payments = summed(
        (row["currency"], "amount", units(row["amount"], row["currency"]))
        for row in (record["attributes"] for record in world.sandbox.admin.records("payments"))
    )
    assert sums_of(world, "payments", "productive", {"amount": "amount"}) == payments
    lines = summed(
        (row["currency"], name, units(row[column], row["currency"]))
        for row in (record["attributes"] for record in world.sandbox.admin.records("line_items"))
        for column, name in {"amount": "net", "amount_tax": "tax"}.items()
    )
    assert sums_of(world, "invoice_lines", "productive", {"net": "net", "tax": "tax"}) == lines


def test_what_is_open_is_what_productive_calls_unpaid_of_final_invoices(world: World) -> None:
    expected = summed(
        (row["currency"], "open", units(row["amount_unpaid"], row["currency"]))
        for row in (record["attributes"] for record in world.sandbox.admin.records("invoices"))
        if row["finalized_on"] and row["invoice_type_id"] == 1 and row["amount_unpaid"]
    )
    assert sums_of(world, "receivables", "productive", {"open": "open"}) == expected


def test_totals_are_those_of_2invoice(world: World) -> None:
    stored = world.sandbox.admin.system("2invoice").records("invoices")
    columns = {"total_without_vat": "net", "total_vat": "tax", "total": "gross"}
    expected = summed(
        (row["currency"], name, Decimal(row[column])) for row in stored for column, name in columns.items()
    )
    assert sums_of(world, "invoices", "2invoice", {name: name for name in columns.values()}) == expected
    receipts = world.sandbox.admin.system("2invoice").records("receipts")
    paid = summed((row["currency"], "amount", Decimal(row["amount"])) for row in receipts)
    assert sums_of(world, "payments", "2invoice", {"amount": "amount"}) == paid


def total_of_invobi(row: Mapping[str, Any]) -> Decimal:
    """Reckon the total of an invoice, as the vendor's older apps would."""
    amount = sum((Decimal(str(item["price"])) * Decimal(str(item["qty"])) for item in row["items"]), Decimal(0))
    for discount in row["discounts"]:
        if discount["useValue"]:
            amount -= Decimal(discount["value"])
        else:
            amount -= (amount * Decimal(str(discount["percentage"])) / 100).quantize(CENT, ROUND_HALF_UP)
    rate = sum((Decimal(str(tax["percentage"])) for tax in row["taxes"]), Decimal(0))
    return (amount * (1 + rate / 100)).quantize(CENT, ROUND_HALF_UP)


def test_totals_are_those_of_invobi(world: World) -> None:
    stored = world.sandbox.admin.system("invobi").records("invoices")
    expected = summed((row["currency"], "gross", total_of_invobi(row)) for row in stored)
    paid = summed((row["currency"], "amount", total_of_invobi(row)) for row in stored if row["paid_at"])
    assert sums_of(world, "invoices", "invobi", {"gross": "gross"}) == expected
    assert sums_of(world, "payments", "invobi", {"amount": "amount"}) == paid


def test_totals_are_those_of_the_raw_tables_of_invoicetronic(world: World) -> None:
    raw = rows(
        world.url, "select divisa, imponibile_totale, imposta_totale, importo_totale from tap_invoicetronic.fattura"
    )
    names = {"imponibile_totale": "net", "imposta_totale": "tax", "importo_totale": "gross"}
    expected = summed((row["divisa"], name, row[column]) for row in raw for column, name in names.items())
    assert len(raw) > 100
    assert sums_of(world, "invoices", "invoicetronic", {name: name for name in names.values()}) == expected


def test_covage_has_invoices_and_no_amounts(world: World) -> None:
    stored = world.sandbox.admin.system("covage").records("invoices")
    found = rows(world.url, "select * from invoicing.invoices where system = 'covage'")
    assert {row["number"] for row in found} == {row["invoice_number"] for row in stored}
    assert {(row["net"], row["gross"], row["open"], row["amounts_known"]) for row in found} == {
        (None, None, None, False)
    }
    assert rows(world.url, "select * from invoicing.payables where system = 'covage'") == []


def test_an_invoice_of_productive_is_followed_to_the_cent(world: World) -> None:
    key = f"productive|default|{world.followed['productive']}"
    invoice = by_key(world.url, "invoices", "invoice_key")[key]
    # 2 x 1,000.001 and 0.500 dinars, of which each has 1,000 millimes; 19 and 7 % on them, rounded to millimes.
    assert (invoice["net"], invoice["tax"], invoice["gross"]) == (
        Decimal("2000.502"),
        Decimal("380.035"),
        Decimal("2380.537"),
    )
    assert (invoice["paid"], invoice["open"], invoice["status"]) == (
        Decimal("380.001"),
        Decimal("2000.536"),
        "partly_paid",
    )
    lines = rows(world.url, "select * from invoicing.invoice_lines where invoice_key = %s order by net", key)
    assert [(line["kind"], line["net"], line["tax"]) for line in lines] == [
        ("line", Decimal("0.500"), Decimal("0.035")),
        ("line", Decimal("2000.002"), Decimal("380.000")),
    ]
    breakdown = rows(world.url, "select * from invoicing.tax_breakdown where invoice_key = %s order by base", key)
    assert [(row["tax_category"], row["tax_rate"], row["base"], row["tax"]) for row in breakdown] == [
        ("S", 7, Decimal("0.500"), Decimal("0.035")),
        ("S", 19, Decimal("2000.002"), Decimal("380.000")),
    ]
    (payment,) = rows(world.url, "select * from invoicing.payments where invoice_key = %s", key)
    assert (payment["amount"], payment["currency"], payment["is_write_off"]) == (Decimal("380.001"), "TND", False)
    receivable = by_key(world.url, "receivables", "invoice_key")[key]
    assert (receivable["open"], receivable["days_overdue"], receivable["bucket"]) == (Decimal("2000.536"), 18, "1-30")
    assert receivable["as_of"] == AS_OF
    (turnover,) = rows(world.url, "select * from invoicing.turnover_by_month where currency = 'TND'")
    assert (turnover["month"].isoformat(), turnover["net"], turnover["gross"]) == (
        "2026-02-01",
        Decimal("2000.502"),
        Decimal("2380.537"),
    )


def test_an_invoice_of_invobi_is_followed_to_the_cent(world: World) -> None:
    key = f"invobi|default|{world.followed['invobi']}"
    invoice = by_key(world.url, "invoices", "invoice_key")[key]
    # 7.5 x 33.33 + 10 = 259.975, less 26.00; with 20 % 280.77.
    assert (invoice["net"], invoice["gross"], invoice["open"]) == (
        Decimal("233.98"),
        Decimal("280.77"),
        Decimal("280.77"),
    )
    lines = rows(world.url, "select * from invoicing.invoice_lines where invoice_key = %s order by net", key)
    assert [(line["kind"], line["net"], line["tax"]) for line in lines] == [
        ("header", Decimal("-25.995"), Decimal("46.79")),
        ("line", Decimal(10), 0),
        ("line", Decimal("249.975"), 0),
    ]


def test_a_credit_note_of_2invoice_is_followed_to_the_cent(world: World) -> None:
    key = f"2invoice|default|{world.followed['2invoice']}"
    invoice = by_key(world.url, "invoices", "invoice_key")[key]
    assert (invoice["type_code"], invoice["net"], invoice["tax"], invoice["gross"]) == (
        "381",
        Decimal("-100.10"),
        Decimal("-21.02"),
        Decimal("-121.12"),
    )
    # 121.12 x 4.9765 lei.
    assert (invoice["account_currency"], invoice["gross_in_account_currency"]) == ("RON", Decimal("-602.75"))
    assert by_key(world.url, "receivables", "invoice_key")[key]["open"] == Decimal("-121.12")


def sent_file(world: World, identifier: int) -> dict[str, Any]:
    """Return a file that was sent, as the API gives it."""
    answer: dict[str, Any] = requests.get(
        f"{world.sandbox.url}/invoicetronic/v1/send/{identifier}?include_payload=true",
        auth=("ik_test_sandbox", ""),
        timeout=20,
    ).json()
    return answer


def test_an_invoice_of_invoicetronic_is_followed_to_the_cent(world: World) -> None:
    """From the document that the API gives out to the marts."""
    files = rows(
        world.url,
        "select file_id from invoicing_intermediate.int_invoicetronic__documents where direction = 'sale'"
        " and document_type = 'TD01' and body_number = 1 and due_amount is not null order by file_id",
    )
    row, payload = next(
        (row, answer["payload"])
        for row in files
        for answer in [sent_file(world, row["file_id"])]
        if answer["encoding"] == "Xml" and answer["payload"].lstrip("\ufeff").startswith("<")
    )
    document = etree.fromstring(payload.lstrip("\ufeff").encode())
    body = document.find("FatturaElettronicaBody")
    assert body is not None
    base = sum((Decimal(str(each.text)) for each in body.iter("ImponibileImporto")), Decimal(0))
    tax = sum((Decimal(str(each.text)) for each in body.findall("DatiBeniServizi/DatiRiepilogo/Imposta")), Decimal(0))
    key = f"invoicetronic|default|send/{row['file_id']}/1"

    invoice = by_key(world.url, "invoices", "invoice_key")[key]
    (sums,) = rows(
        world.url, "select sum(net) as net, sum(tax) as tax from invoicing.invoice_lines where invoice_key = %s", key
    )
    terms = rows(world.url, "select amount from invoicing.payment_terms where invoice_key = %s", key)

    assert (invoice["net"], invoice["tax"]) == (base, tax)
    assert (sums["net"], sums["tax"]) == (base, tax)
    assert invoice["number"] == body.findtext("DatiGenerali/DatiGeneraliDocumento/Numero")
    due = [Decimal(str(each.text)) for each in body.iter("ImportoPagamento")]
    assert invoice["status"] in {"rejected", "draft"} or sorted(row["amount"] for row in terms) == sorted(due)


def test_every_column_of_a_mart_is_described_and_every_description_has_its_column(world: World) -> None:
    described = {}
    for path in sorted((ROOT / "transform" / "models" / "marts").glob("*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ()):
            described[model["name"]] = {column["name"]: column["data_type"] for column in model["columns"]}
            assert all(column["description"].strip() for column in model["columns"])
    found: dict[str, dict[str, str]] = defaultdict(dict)
    query = "select table_name, column_name, data_type from information_schema.columns where table_schema = 'invoicing'"
    for row in rows(world.url, query):
        found[row["table_name"]][row["column_name"]] = row["data_type"]
    assert dict(found) == described


def test_rows_that_are_deleted_are_out_and_as_of_moves_ages_alone(world: World, dbt: Dbt) -> None:
    before = by_key(world.url, "invoices", "invoice_key")
    gone, kept = rows(
        world.url,
        "select invoice_key from invoicing.receivables where system = 'productive'"
        " and invoice_key not like %s order by invoice_key limit 2",
        f"%|{world.followed['productive']}",
    )
    identifier = gone["invoice_key"].rsplit("|", 1)[1]
    with psycopg.connect(world.url, autocommit=True) as connection:
        connection.execute("update tap_productive.invoices set _sdc_deleted_at = now() where id = %s", [identifier])
        connection.execute(
            "update tap_productive.line_items set _sdc_deleted_at = now() where invoice_id = %s", [identifier]
        )
        connection.execute(
            "update tap_productive.payments set _sdc_deleted_at = now() where invoice_id = %s", [identifier]
        )
    dbt.run(world.url, "build", as_of="2030-01-01")

    after = by_key(world.url, "invoices", "invoice_key")
    assert before.keys() - after.keys() == {gone["invoice_key"]}
    assert after == {key: row for key, row in before.items() if key != gone["invoice_key"]}
    assert by_key(world.url, "receivables", "invoice_key")[kept["invoice_key"]]["bucket"] == "over 90"


def test_the_mapping_of_the_sandbox_names_columns_that_are_there(world: World) -> None:
    for stream, mapping in sandbox_vars()["two_invoice"].items():
        if stream == "lines":
            continue
        columns = {
            row["column_name"]
            for row in rows(
                world.url,
                "select column_name from information_schema.columns where table_schema = 'tap_2invoice'"
                " and table_name = %s",
                stream,
            )
        }
        assert {place.split(".")[0] for place in mapping.values()} <= columns
