"""The generated FatturaPA files: valid, exact, and in every form."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from asn1crypto import cms  # type: ignore[import-untyped]
from lxml import etree

from sandbox.invoicetronic.fatturapa import invoices
from sandbox.invoicetronic.fatturapa.parties import fiscal_code_check_letter, vat_check_digit
from sandbox.invoicetronic.fatturapa.schemas import FILES, FOLDER, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.invoicetronic.fatturapa import Body, GeneratedInvoice
    from sandbox.invoicetronic.fatturapa.facts import Format

COUNT = 400
CENT = Decimal("0.01")
XS = "{http://www.w3.org/2001/XMLSchema}"
ZERO = Decimal(0)


@pytest.fixture(scope="module")
def generated() -> list[GeneratedInvoice]:
    return list(islice(invoices(1), COUNT))


@pytest.fixture(scope="module")
def ordinary(generated: list[GeneratedInvoice]) -> list[Body]:
    return [body for each in generated if each.facts.format != "FSM10" for body in each.facts.bodies]


def test_every_invoice_is_valid_against_its_schema(generated: list[GeneratedInvoice]) -> None:
    for each in generated:
        schema_of(each.facts.format).assertValid(etree.fromstring(each.xml))


def test_every_element_of_the_schemas_is_generated(generated: list[GeneratedInvoice]) -> None:
    for formats in (("FPR12", "FPA12"), ("FSM10",)):
        reached = {
            path
            for each in generated
            if each.facts.format in formats
            for path in paths_of(etree.fromstring(each.xml), "")
            if not path.startswith("/{http://www.w3.org/2000/09/xmldsig#}Signature/")
        }
        assert sorted(declared_paths(formats[0]) - reached) == []


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    first, again, other = ([each.content for each in islice(invoices(seed), 10)] for seed in (5, 5, 6))
    assert first == again
    assert not set(first) & set(other)


def test_each_summary_is_the_exact_sum_of_its_lines(ordinary: list[Body]) -> None:
    for body in ordinary:
        for summary in body.summaries:
            group = (summary.rate, summary.nature)
            lines = sum((line.total for line in body.lines if (line.rate, line.nature) == group), ZERO)
            funds = sum((fund.contribution for fund in body.funds if (fund.rate, fund.nature) == group), ZERO)
            assert summary.taxable == lines + funds + (summary.expenses or 0) + (summary.rounding or 0)
            assert summary.tax == (summary.taxable * summary.rate / 100).quantize(CENT, ROUND_HALF_UP)
            assert (summary.nature is None) == (summary.rate > 0)
        assert {(line.rate, line.nature) for line in body.lines} <= {
            (each.rate, each.nature) for each in body.summaries
        }


def test_the_total_is_the_sum_of_summaries_discounts_and_rounding(ordinary: list[Body]) -> None:
    for body in ordinary:
        gross = sum((summary.taxable + summary.tax for summary in body.summaries), ZERO)
        discounts = sum(
            ((1 if each.kind == "MG" else -1) * (each.amount or ZERO) for each in body.discounts),
            ZERO,
        )
        assert body.total == gross + discounts + (body.rounding or 0)
        assert body.stated_total in {None, body.total}
    assert {body.stated_total is None for body in ordinary} == {True, False}


def test_payments_add_up_to_what_the_customer_owes(ordinary: list[Body]) -> None:
    paid = [body for body in ordinary if body.payments]
    for body in paid:
        split = sum((summary.tax for summary in body.summaries if summary.due == "S"), ZERO)
        withheld = sum((each.amount for each in body.withholdings), ZERO)
        assert sum(payment.amount for payment in body.payments) == body.total - split - withheld
    assert 0 < len(paid) < len(ordinary)


def test_a_withholding_is_its_percentage_of_the_withheld_lines(ordinary: list[Body]) -> None:
    withheld = [(body, each) for body in ordinary for each in body.withholdings]
    for body, each in withheld:
        base = sum((line.total for line in body.lines if line.withheld), ZERO)
        base += sum((fund.contribution for fund in body.funds if fund.withheld), ZERO)
        assert each.amount == (base * each.percentage / 100).quantize(CENT, ROUND_HALF_UP)
    assert withheld


def test_a_line_is_its_price_after_discounts_times_its_quantity(ordinary: list[Body]) -> None:
    lines = [line for body in ordinary for line in body.lines]
    for line in lines:
        price = line.unit_price or ZERO
        for discount in line.discounts:
            change = price * discount.percentage / 100 if discount.percentage is not None else discount.amount or ZERO
            price += change if discount.kind == "MG" else -change
        exact = price * (Decimal(1) if line.quantity is None else line.quantity)
        assert abs(exact - line.total) <= CENT / 2
    assert any(line.discounts for line in lines)
    assert any(line.quantity is None for line in lines)


def test_some_amounts_exceed_the_precision_of_a_float(ordinary: list[Body]) -> None:
    assert any(Decimal(repr(float(line.total))) != line.total for body in ordinary for line in body.lines)


def test_a_simplified_invoice_has_its_vat_in_its_lines(generated: list[GeneratedInvoice]) -> None:
    bodies = [body for each in generated if each.facts.format == "FSM10" for body in each.facts.bodies]
    for body in bodies:
        assert body.total == sum(line.total for line in body.lines)
        for line in body.lines:
            if line.tax is not None and line.rate is not None:
                assert line.tax == (line.total * line.rate / (100 + line.rate)).quantize(CENT, ROUND_HALF_UP)
            assert line.nature is not None or line.tax is not None or line.rate is not None
    assert bodies


def test_the_xml_has_the_facts(generated: list[GeneratedInvoice]) -> None:
    for each in generated:
        root = etree.fromstring(each.xml)
        assert root.get("versione") == each.facts.format
        assert root.get("SistemaEmittente") == each.facts.system
        assert root.findtext(".//ProgressivoInvio") == each.facts.progressive
        for element, body in zip(root.findall("FatturaElettronicaBody"), each.facts.bodies, strict=True):
            assert element.findtext(".//Numero") == body.number
            assert element.findtext(".//Data") == body.date.isoformat()
            tag = "DatiBeniServizi/Importo" if each.facts.format == "FSM10" else ".//DettaglioLinee/PrezzoTotale"
            assert [Decimal(total.text or "") for total in element.findall(tag)] == [line.total for line in body.lines]
            assert [Decimal(text) for text in texts(element, "ImponibileImporto")] == [
                summary.taxable for summary in body.summaries
            ]
            assert [Decimal(text) for text in texts(element, "ImportoPagamento")] == [
                payment.amount for payment in body.payments
            ]


def test_the_leaves_are_those_of_the_xml(generated: list[GeneratedInvoice]) -> None:
    for each in generated[:60]:
        root = etree.fromstring(each.xml)
        found = [element.text for element in root.iter() if len(element) == 0 and isinstance(element.tag, str)]
        assert [text for _, text in each.leaves] == [text for text in found if text]
        for path, text in each.leaves:
            if not path.startswith("ds:"):
                assert root.findtext(path) == text


def test_every_form_is_generated(generated: list[GeneratedInvoice]) -> None:
    assert {each.facts.format for each in generated} == {"FPR12", "FPA12", "FSM10"}
    assert {len(each.facts.bodies) for each in generated} >= {1, 2, 3}
    assert {etree.fromstring(each.xml).prefix for each in generated} == {None, "p", "ns2", "b"}
    assert {each.plan.wrapping for each in generated} == {"none", "der", "ber", "base64"}
    assert {each.facts.seller.name is None for each in generated} == {True, False}
    assert {each.facts.buyer.vat is None for each in generated} == {True, False}
    assert {each.facts.buyer.country == "IT" for each in generated} == {True, False}
    assert {each.xml.startswith(b"\xef\xbb\xbf") for each in generated} == {True, False}
    assert {b"<ds:Signature" in each.xml for each in generated} == {True, False}


def test_windows_1252_is_declared_and_has_characters_beyond_latin_1(generated: list[GeneratedInvoice]) -> None:
    files = [each for each in generated if each.plan.charset == "windows-1252"]
    assert all(b'encoding="windows-1252"' in each.xml for each in files)
    assert any(0x80 <= byte < 0xA0 for each in files for byte in each.xml)


def test_the_envelopes_contain_the_xml_and_its_digest(generated: list[GeneratedInvoice]) -> None:
    forms: Counter[str] = Counter()
    for each in generated:
        if each.plan.wrapping == "none":
            assert each.content == each.xml
            continue
        forms[each.plan.wrapping] += 1
        envelope = each.content
        if each.plan.wrapping == "base64":
            assert all(len(line) <= 76 for line in envelope.split(b"\r\n"))
            envelope = base64.b64decode(envelope)
        info = cms.ContentInfo.load(envelope, strict=True)
        assert info["content_type"].native == "signed_data"
        signed = info["content"]
        assert signed["encap_content_info"]["content"].native == each.xml
        (signer,) = signed["signer_infos"]
        (certificate,) = signed["certificates"]
        assert certificate.chosen.subject.native["common_name"] == "Firmatario di prova"
        attributes = {attribute["type"].native: attribute["values"].native for attribute in signer["signed_attrs"]}
        assert attributes["message_digest"] == [hashlib.sha256(each.xml).digest()]
        if each.plan.wrapping == "ber":
            assert envelope[1] == 0x80
            assert envelope.endswith(b"\x00\x00" * 3)
    assert set(forms) == {"der", "ber", "base64"}


def test_a_signed_file_has_no_text(generated: list[GeneratedInvoice]) -> None:
    signed = next(each for each in generated if each.plan.wrapping != "none")
    with pytest.raises(ValueError, match="is not text"):
        _ = signed.text
    assert signed.file_name.endswith(".xml.p7m")
    plain = next(each for each in generated if each.plan.charset == "utf-8-sig" and each.plan.wrapping == "none")
    assert plain.text[0] == "<"


def test_check_digits_are_those_of_known_numbers() -> None:
    assert vat_check_digit("0123456789") == "7"
    assert vat_check_digit("0074311015") == "7"
    assert fiscal_code_check_letter("RSSMRA70A01F205") == "V"


def texts(element: etree._Element, name: str) -> list[str]:
    return [found.text or "" for found in element.iter(name)]


def paths_of(element: etree._Element, parent: str) -> Iterator[str]:
    for child in element.iterchildren("*"):
        path = f"{parent}/{child.tag}"
        yield path
        yield from paths_of(child, path)


def declared_paths(invoice_format: Format) -> set[str]:
    """Return the path of every element that a schema allows below its root."""
    schema = etree.parse(str(FOLDER / FILES[invoice_format])).getroot()
    types = {kind.get("name"): kind for kind in schema.findall(f"{XS}complexType")}

    def walk(kind: etree._Element, parent: str) -> Iterator[str]:
        for element in kind.iter(f"{XS}element"):
            if element.get("ref") is not None:
                yield f"{parent}/{{http://www.w3.org/2000/09/xmldsig#}}Signature"
                continue
            path = f"{parent}/{element.get('name')}"
            yield path
            inner = types.get(element.get("type"))
            if inner is not None:
                yield from walk(inner, path)

    return set(walk(types["FatturaElettronicaType"], ""))
