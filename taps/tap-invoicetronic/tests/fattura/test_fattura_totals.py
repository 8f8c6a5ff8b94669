"""The totals of invoices: signed, exact, and computed where a document does not state its own."""

from __future__ import annotations

from decimal import Decimal
from itertools import islice
from typing import Any

import pytest

from sandbox.invoicetronic.fatturapa import invoices
from tap_invoicetronic.fattura import Origin, read

ORIGIN = Origin("receive", 7, "IT01234567890_00001.xml")
CREDIT_NOTES = {"TD04", "TD08"}


def summary(taxable: str, tax: str, rate: str = "22.00") -> str:
    return (
        f"<DatiRiepilogo><AliquotaIVA>{rate}</AliquotaIVA><ImponibileImporto>{taxable}</ImponibileImporto>"
        f"<Imposta>{tax}</Imposta></DatiRiepilogo>"
    )


def totals(kind: str, *summaries: str, document: str = "") -> tuple[Any, ...]:
    """Read an ordinary invoice; return its total, whether that was computed, its taxable amount and its VAT."""
    row = read(
        '<p:FatturaElettronica versione="FPR12" xmlns:p="http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2">'
        "<FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento>"
        f"<TipoDocumento>{kind}</TipoDocumento>{document}</DatiGeneraliDocumento></DatiGenerali>"
        f"<DatiBeniServizi>{''.join(summaries)}</DatiBeniServizi></FatturaElettronicaBody></p:FatturaElettronica>",
        ORIGIN,
    )["fattura"][0]
    return _totals_of(row)


def simplified(kind: str, *amounts: str) -> tuple[Any, ...]:
    lines = "".join(f"<DatiBeniServizi><Descrizione>A</Descrizione>{each}</DatiBeniServizi>" for each in amounts)
    row = read(
        "<p:FatturaElettronicaSemplificata versione='FSM10' "
        "xmlns:p='http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.0'><FatturaElettronicaBody><DatiGenerali>"
        f"<DatiGeneraliDocumento><TipoDocumento>{kind}</TipoDocumento></DatiGeneraliDocumento></DatiGenerali>{lines}"
        "</FatturaElettronicaBody></p:FatturaElettronicaSemplificata>",
        ORIGIN,
    )["fattura"][0]
    return _totals_of(row)


def _totals_of(row: dict[str, Any]) -> tuple[Any, ...]:
    names = ("importo_totale", "importo_totale_calcolato", "imponibile_totale", "imposta_totale")
    return tuple(str(row[name]) if isinstance(row[name], Decimal) else row[name] for name in names)


def stated(amount: str) -> str:
    return f"<ImportoTotaleDocumento>{amount}</ImportoTotaleDocumento>"


def change(kind: str, **values: str) -> str:
    inside = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<ScontoMaggiorazione><Tipo>{kind}</Tipo>{inside}</ScontoMaggiorazione>"


@pytest.mark.parametrize(
    ("kind", "summaries", "document", "expected"),
    [
        ("TD01", [("100.00", "22.00")], stated("122.00"), ("122.00", False, "100.00", "22.00")),
        # The document's own total counts, also where it does not add up.
        ("TD01", [("100.00", "22.00")], stated("124.00"), ("124.00", False, "100.00", "22.00")),
        ("TD01", [("100.00", "22.00")], stated("0.00"), ("0.00", False, "100.00", "22.00")),
        ("TD01", [("100.00", "22.00"), ("0.10", "0.02")], "", ("122.12", True, "100.10", "22.02")),
        ("TD01", [("100.00", "22.00")], stated("122,00"), ("122.00", True, "100.00", "22.00")),
        ("TD01", [("-100.00", "-22.00")], "", ("-122.00", True, "-100.00", "-22.00")),
        # Credit notes are stated without a sign; one with it stays as it is.
        ("TD04", [("100.00", "22.00")], stated("122.00"), ("-122.00", False, "-100.00", "-22.00")),
        ("TD04 ", [("100.00", "22.00")], "", ("-122.00", True, "-100.00", "-22.00")),
        ("TD04", [("-100.00", "-22.00")], stated("-122.00"), ("-122.00", False, "-100.00", "-22.00")),
        ("TD04", [("-100.00", "-22.00")], "", ("-122.00", True, "-100.00", "-22.00")),
        ("TD04", [("-100.00", "-22.00")], stated("122.00"), ("-122.00", False, "-100.00", "-22.00")),
        # A rate that was wrong: one amount reduces the other.
        ("TD04", [("-100.00", "-22.00"), ("150.00", "15.00")], "", ("-43.00", True, "-50.00", "7.00")),
        ("TD04", [("0.00", "0.00")], stated("0.00"), ("0.00", False, "0.00", "0.00")),
        ("TD05", [("100.00", "22.00")], "", ("122.00", True, "100.00", "22.00")),
        ("TD01", [("100.00", "22.00")], change("SC", Importo="10.00"), ("112.00", True, "100.00", "22.00")),
        ("TD01", [("100.00", "22.00")], change("MG", Importo="10.005"), ("132.01", True, "100.00", "22.00")),
        ("TD01", [("100.00", "22.00")], change("SC", Percentuale="10.00"), ("109.80", True, "100.00", "22.00")),
        (
            "TD01",
            [("100.00", "0.00")],
            change("SC", Percentuale="10.00") + change("SC", Percentuale="10.00"),
            ("81.00", True, "100.00", "0.00"),
        ),
        (
            "TD01",
            [("100.00", "22.00")],
            change("SC", Percentuale="10.00", Importo="12.00"),
            ("110.00", True, "100.00", "22.00"),
        ),
        ("TD01", [("100.00", "22.00")], change("SC"), (None, None, "100.00", "22.00")),
        (
            "TD01",
            [("100.00", "22.04")],
            "<Arrotondamento>-0.04</Arrotondamento>",
            ("122.00", True, "100.00", "22.04"),
        ),
        # What the buyer withholds, and a stamp that is no line, change nothing.
        (
            "TD06",
            [("100.00", "22.00")],
            (
                "<DatiRitenuta><ImportoRitenuta>20.00</ImportoRitenuta></DatiRitenuta>"
                "<DatiBollo><ImportoBollo>2.00</ImportoBollo></DatiBollo>"
            ),
            ("122.00", True, "100.00", "22.00"),
        ),
        ("TD01", [], stated("122.00"), ("122.00", False, None, None)),
        ("TD01", [], "", (None, None, None, None)),
        ("TD01", [("100.00", "22.00"), ("1,00", "0.22")], "", (None, None, None, "22.22")),
        (
            "TD01",
            [("123456789012345678901234567890.01", "0.01")],
            "",
            ("123456789012345678901234567890.02", True, "123456789012345678901234567890.01", "0.01"),
        ),
    ],
)
def test_totals_of_an_ordinary_invoice(
    kind: str, summaries: list[tuple[str, str]], document: str, expected: tuple[Any, ...]
) -> None:
    assert totals(kind, *(summary(*each) for each in summaries), document=document) == expected


@pytest.mark.parametrize(
    ("kind", "lines", "expected"),
    [
        (
            "TD07",
            ["<Importo>122.00</Importo><DatiIVA><Aliquota>22.00</Aliquota></DatiIVA>"],
            ("122.00", True, "100.00", "22.00"),
        ),
        (
            "TD08",
            [
                "<Importo>61.00</Importo><DatiIVA><Imposta>11.00</Imposta></DatiIVA>",
                "<Importo>10.00</Importo><DatiIVA/><Natura>N4</Natura>",
            ],
            ("-71.00", True, "-60.00", "-11.00"),
        ),
        (
            "TD08",
            ["<Importo>-61.00</Importo><DatiIVA><Imposta>-11.00</Imposta></DatiIVA>"],
            ("-61.00", True, "-50.00", "-11.00"),
        ),
        ("TD09", ["<Importo>1.00</Importo><DatiIVA><Imposta>0.18</Imposta></DatiIVA>"], ("1.00", True, "0.82", "0.18")),
        ("TD07", ["<Importo>10.00</Importo><DatiIVA/>"], ("10.00", True, None, None)),
        ("TD07", ["<DatiIVA><Imposta>0.18</Imposta></DatiIVA>"], (None, None, None, "0.18")),
    ],
)
def test_totals_of_a_simplified_invoice_are_with_vat(kind: str, lines: list[str], expected: tuple[Any, ...]) -> None:
    assert simplified(kind, *lines) == expected


def test_totals_of_generated_invoices_are_their_facts_signed() -> None:
    computed = 0
    for number, made in enumerate(islice(invoices(seed=11), 400)):
        rows = read(made.content, Origin("send", number, made.file_name))["fattura"]
        for row, body in zip(rows, made.facts.bodies, strict=True):
            expected = -abs(body.total) if body.kind in CREDIT_NOTES else body.total
            assert row["importo_totale"] == expected
            assert row["importo_totale_calcolato"] is (body.stated_total is None)
            computed += body.stated_total is None
            if body.summaries:
                sign = -1 if body.kind in CREDIT_NOTES and _gross(body) > 0 else 1
                assert row["imponibile_totale"] == sign * sum(each.taxable for each in body.summaries)
                assert row["imposta_totale"] == sign * sum(each.tax for each in body.summaries)
    assert computed > 100


def _gross(body: Any) -> Decimal:  # noqa: ANN401 - facts of the sandbox
    return sum((each.taxable + each.tax for each in body.summaries), Decimal(0))
