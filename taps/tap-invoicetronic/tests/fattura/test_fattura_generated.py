"""Thousands of the sandbox's invoices, in every wrapping, compared with the facts they were generated from."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from sandbox.invoicetronic.fatturapa import invoices
from tap_invoicetronic.fattura import Origin, read

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.invoicetronic.fatturapa import Discount, GeneratedInvoice, Party

Rows: TypeAlias = "dict[str, list[dict[str, Any]]]"
Sample: TypeAlias = "list[tuple[GeneratedInvoice, Rows]]"

CENT = Decimal("0.01")


@pytest.fixture(scope="module")
def generated() -> Sample:
    made = islice(invoices(seed=2026), 2000)
    return [
        (invoice, read(invoice.content, Origin("send", number, invoice.file_name)))
        for number, invoice in enumerate(made)
    ]


def rows_of(file: Rows, stream: str, body_number: int) -> list[dict[str, Any]]:
    return [row for row in file[stream] if row["body_number"] == body_number]


def present(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


def party(row: dict[str, Any], prefix: str) -> tuple[Any, ...]:
    names = ("id_paese", "id_codice", "codice_fiscale", "denominazione", "nome", "cognome")
    return present(row, *(f"{prefix}_{name}" for name in names))


def stated(made: Party) -> tuple[Any, ...]:
    country = made.country if made.vat is not None else None
    return (country, made.vat, made.fiscal_code, made.name, made.first_name, made.last_name)


def discounts(made: Iterable[Discount]) -> list[dict[str, Any]] | None:
    known = [{"tipo": each.kind, "percentuale": each.percentage, "importo": each.amount} for each in made]
    return [{name: value for name, value in each.items() if value is not None} for each in known] or None


def test_the_sample_holds_every_format_and_wrapping(generated: Sample) -> None:
    kinds = {(made.plan.format, made.plan.wrapping, made.plan.charset) for made, _ in generated}

    assert {kind[0] for kind in kinds} == {"FPR12", "FPA12", "FSM10"}
    assert {kind[1] for kind in kinds} == {"none", "der", "ber", "base64"}
    assert {kind[2] for kind in kinds} == {"utf-8", "utf-8-sig", "windows-1252"}


def test_nothing_is_rescued_from_a_valid_invoice(generated: Sample) -> None:
    texts = [text for made, _ in generated for _, text in made.leaves]
    assert any(re.fullmatch(r"\d{4}-\d\d-\d\dZ", text) for text in texts)
    assert any(re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+01:00", text) for text in texts)

    assert not [
        row["_rescued_data"] for _, file in generated for rows in file.values() for row in rows if row["_rescued_data"]
    ]


def test_invoices_have_the_facts_they_were_generated_from(generated: Sample) -> None:
    for made, file in generated:
        facts = made.facts
        assert len(file["fattura"]) == len(facts.bodies)
        for row, body in zip(file["fattura"], facts.bodies, strict=True):
            assert present(row, "versione", "formato_trasmissione") == (facts.format, facts.format)
            assert present(row, "sistema_emittente", "progressivo_invio") == (facts.system, facts.progressive)
            assert present(row, "codice_destinatario", "pec_destinatario") == (
                facts.recipient_code,
                facts.recipient_pec,
            )
            assert party(row, "cedente") == stated(facts.seller)
            known = stated(facts.buyer)
            nameless = (*known[:3], None, None, None)  # a simplified invoice need not name the buyer
            assert party(row, "cessionario") in ([known, nameless] if facts.format == "FSM10" else [known])
            assert present(row, "tipo_documento", "divisa", "data", "numero") == (
                body.kind,
                body.currency,
                body.date.isoformat(),
                body.number,
            )
            assert row["tipo_documento_descrizione"]
            assert present(row, "importo_totale_documento", "arrotondamento") == (body.stated_total, body.rounding)
            assert present(row, "bollo_virtuale", "importo_bollo") == ("SI" if body.stamp else None, body.stamp_amount)
            assert row["sconto_maggiorazione"] == discounts(body.discounts)
            assert [each["importo_contributo_cassa"] for each in row["dati_cassa_previdenziale"] or ()] == [
                fund.contribution for fund in body.funds
            ]
            assert [
                present(each, "tipo_ritenuta", "importo_ritenuta", "aliquota_ritenuta", "causale_pagamento")
                for each in row["dati_ritenuta"] or ()
            ] == [(each.kind, each.amount, each.percentage, each.reason) for each in body.withholdings]


def test_lines_have_the_facts_they_were_generated_from(generated: Sample) -> None:
    for made, file in generated:
        simplified = made.facts.format == "FSM10"
        for number, body in enumerate(made.facts.bodies, 1):
            lines = rows_of(file, "fattura_line", number)
            assert [line["position"] for line in lines] == list(range(1, len(body.lines) + 1))
            for row, line in zip(lines, body.lines, strict=True):
                assert row["descrizione"] == line.description
                assert row["numero_linea"] == (None if simplified else line.number)
                assert row["importo" if simplified else "prezzo_totale"] == line.total
                assert present(row, "aliquota_iva", "natura", "imposta") == (line.rate, line.nature, line.tax)
                assert present(row, "quantita", "unita_misura") == (line.quantity, line.unit)
                assert row["prezzo_unitario"] == line.unit_price
                assert row["sconto_maggiorazione"] == discounts(line.discounts)
                assert row["ritenuta"] == ("SI" if line.withheld else None)


def test_summaries_and_payments_have_the_facts_they_were_generated_from(
    generated: Sample,
) -> None:
    for made, file in generated:
        for number, body in enumerate(made.facts.bodies, 1):
            if made.facts.format != "FSM10":
                assert [
                    present(
                        row,
                        "aliquota_iva",
                        "natura",
                        "spese_accessorie",
                        "arrotondamento",
                        "imponibile_importo",
                        "imposta",
                        "esigibilita_iva",
                        "riferimento_normativo",
                        "calcolato",
                    )
                    for row in rows_of(file, "fattura_vat_summary", number)
                ] == [
                    (
                        each.rate,
                        each.nature,
                        each.expenses,
                        each.rounding,
                        each.taxable,
                        each.tax,
                        each.due,
                        each.law,
                        False,
                    )
                    for each in body.summaries
                ]
            assert [
                present(
                    row,
                    "condizioni_pagamento",
                    "modalita_pagamento",
                    "data_scadenza_pagamento",
                    "importo_pagamento",
                    "iban",
                )
                for row in rows_of(file, "fattura_payment", number)
            ] == [
                (each.terms, each.method, each.due_date and each.due_date.isoformat(), each.amount, each.iban)
                for each in body.payments
            ]


def test_totals_are_the_sum_of_lines_and_of_summaries_to_the_cent(
    generated: Sample,
) -> None:
    for made, file in generated:
        for row, body in zip(file["fattura"], made.facts.bodies, strict=True):
            summaries = rows_of(file, "fattura_vat_summary", row["body_number"])
            with_vat = sum(each["imponibile_importo"] + each["imposta"] for each in summaries)
            total = with_vat + (row["arrotondamento"] or 0) + signed(row["sconto_maggiorazione"] or ())
            assert total == body.total
            assert row["importo_totale_documento"] in {None, total}
            lines = rows_of(file, "fattura_line", row["body_number"])
            if made.facts.format == "FSM10":
                assert sum(line["importo"] for line in lines) == with_vat
            else:
                assert taxed(row, lines, summaries) == {
                    (each["aliquota_iva"], each["natura"]): each["imponibile_importo"] for each in summaries
                }


def signed(entries: Iterable[dict[str, Any]]) -> Decimal:
    return sum((each["importo"] * (1 if each["tipo"] == "MG" else -1) for each in entries), Decimal(0))


def taxed(
    invoice: dict[str, Any], lines: list[dict[str, Any]], summaries: list[dict[str, Any]]
) -> dict[tuple[Decimal, str | None], Decimal]:
    """Return the taxable amount of each rate."""
    amounts: dict[tuple[Decimal, str | None], Decimal] = defaultdict(Decimal)
    for line in lines:
        amounts[line["aliquota_iva"], line["natura"]] += line["prezzo_totale"]
    for fund in invoice["dati_cassa_previdenziale"] or ():
        amounts[fund["aliquota_iva"], fund.get("natura")] += fund["importo_contributo_cassa"]
    for each in summaries:
        amounts[each["aliquota_iva"], each["natura"]] += (each["spese_accessorie"] or 0) + (each["arrotondamento"] or 0)
    return amounts


def test_simplified_vat_is_stated_or_calculated(generated: Sample) -> None:
    calculated = 0
    for made, file in generated:
        if made.facts.format != "FSM10":
            continue
        for number, body in enumerate(made.facts.bodies, 1):
            for row, line in zip(rows_of(file, "fattura_vat_summary", number), body.lines, strict=True):
                assert row["imponibile_importo"] + row["imposta"] == line.total
                assert row["calcolato"] is (line.tax is None)
                if line.tax is not None:
                    assert row["imposta"] == line.tax
                    continue
                calculated += 1
                rate = line.rate or Decimal(0)
                assert row["imposta"] == (line.total * rate / (100 + rate)).quantize(CENT, ROUND_HALF_UP)
    assert calculated


def test_a_payload_has_the_same_rows_as_text_and_in_base64(generated: Sample) -> None:
    for number, (made, file) in enumerate(generated[:400]):
        origin = Origin("send", number, made.file_name)
        assert read(made.base64, origin) == file
        if made.plan.wrapping == "none":
            assert read(made.text, origin) == file
