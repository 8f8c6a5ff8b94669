"""Turns a FatturaPA file into the rows of four streams."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Literal

from lxml import etree

from singer_rest_core import RESCUED_DATA
from singer_rest_core.documents import NotBase64, from_base64
from tap_invoicetronic.fattura import tables
from tap_invoicetronic.fattura.document_types import TIPO_DOCUMENTO
from tap_invoicetronic.fattura.reader import ElementReader
from tap_invoicetronic.fattura.schema import column_names
from tap_invoicetronic.fattura.tables import BODY, FATTURA, LINE, PAYMENT, VAT_SUMMARY
from tap_invoicetronic.fattura.unwrap import NotAFattura, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_rest_core import Record
    from tap_invoicetronic.fattura.mapping import Table
    from tap_invoicetronic.fattura.reader import Values

_SIMPLIFIED = "FatturaElettronicaSemplificata"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_MAX_ATTACHMENT_SIZE = 64 << 10  # bytes
_PRECISION = 100  # digits; amounts have 38 at most


@dataclass(frozen=True)
class Origin:
    """Which file of Invoicetronic it is.

    Args:
        direction: The stream that has it.
        invoicetronic_id: Its `id` in that stream.
        file_name: Its `file_name` in that stream.
    """

    direction: Literal["send", "receive"]
    invoicetronic_id: int
    file_name: str | None


def read(payload: bytes | str, origin: Origin) -> dict[str, list[Record]]:
    """Read a file of one or more invoices.

    Args:
        payload: The file in any wrapping: XML, base64, CAdES. Text is decoded already, so the encoding in its XML
            declaration is ignored.
        origin: Which file it is.

    Returns:
        The rows of each of the four streams with all columns, null where the file has no value. Every value of the file
        is in a column or in `_rescued_data`, except XML signatures, the location of the XML schema and the bytes of
        large attachments.

    Raises:
        NotAFattura: If the file is not an invoice.
    """
    invoice = unwrap(payload)
    root = invoice.root
    signatures = root.findall(_SIGNATURE)
    for signature in signatures:
        root.remove(signature)
    simplified = etree.QName(root).localname == _SIMPLIFIED
    file = ElementReader(root, tables.SIMPLIFIED_ROOT if simplified else tables.ROOT)
    file.columns["file_name"] = origin.file_name
    file.columns["firma"] = invoice.signature or ("XAdES" if signatures else None)
    bodies = file.rows[BODY]
    if not bodies:
        raise NotAFattura(f"not a FatturaPA invoice: it has no {BODY}")
    rows: dict[str, list[Record]] = {stream: [] for stream in tables.KEYS}
    for number, element in enumerate(bodies, 1):
        key = {"direction": origin.direction, "invoicetronic_id": origin.invoicetronic_id, "body_number": number}
        body = ElementReader(element, tables.SIMPLIFIED_BODY if simplified else tables.ORDINARY_BODY, BODY)
        _describe_attachments(body.columns)
        if (tipo := body.columns.get("tipo_documento")) is not None:
            body.columns["tipo_documento_descrizione"] = TIPO_DOCUMENTO.get(tipo)
        rows[FATTURA].append(_row(FATTURA, key, _merged(file.values, body.values)))
        for stream, found in _parts(body, simplified=simplified).items():
            rows[stream] += [
                _row(stream, {**key, "position": position}, values) for position, values in enumerate(found, 1)
            ]
    return rows


def _parts(body: ElementReader, *, simplified: bool) -> dict[str, list[Values]]:
    """Return the rows below an invoice, in the order of the document."""
    if simplified:
        lines = list(_readings(body.rows["DatiBeniServizi"], tables.SIMPLIFIED_LINE, "DatiBeniServizi"))
        return {
            LINE: [line.values for line in lines],
            VAT_SUMMARY: [(_simplified_summary(line.columns), {}) for line in lines],
        }
    details = _readings(body.rows["DettaglioLinee"], tables.ORDINARY_LINE, "DettaglioLinee")
    summaries = _readings(body.rows["DatiRiepilogo"], tables.SUMMARY, "DatiRiepilogo")
    return {
        LINE: [line.values for line in details],
        VAT_SUMMARY: [_merged(summary.values, ({"calcolato": False}, {})) for summary in summaries],
        PAYMENT: list(_payments(body.rows["DatiPagamento"])),
    }


def _readings(elements: Iterable[etree._Element], table: Table, path: str) -> Iterator[ElementReader]:
    for element in elements:
        yield ElementReader(element, table, path)


def _payments(elements: Iterable[etree._Element]) -> Iterator[Values]:
    """Return the instalments, each with the terms it shares with others; terms without an instalment are a row too."""
    for number, terms in enumerate(_readings(elements, tables.TERMS, "DatiPagamento"), 1):
        shared = {**terms.columns, "block_number": number}
        rescued = terms.rescued
        instalments = _readings(terms.rows["DettaglioPagamento"], tables.INSTALMENT, "DatiPagamento/DettaglioPagamento")
        for instalment in instalments:
            yield _merged((shared, rescued), instalment.values)
            rescued = {}
        if not terms.rows["DettaglioPagamento"]:
            yield shared, rescued


def _simplified_summary(line: Record) -> Record:
    """Return the VAT summary of a simplified line, which has the amount with VAT and either the VAT or its rate."""
    amount, tax, rate = line.get("importo"), line.get("imposta"), line.get("aliquota_iva")
    is_calculated = tax is None
    with localcontext(prec=_PRECISION):
        if amount is not None and tax is None:
            if rate is not None and rate >= 0:
                tax = (amount * rate / (_HUNDRED + rate)).quantize(_CENT, ROUND_HALF_UP)
            elif rate is None and "natura" in line:
                tax = Decimal("0.00")
        taxable = None if amount is None or tax is None else amount - tax
    shared: Record = {name: line[name] for name in ("aliquota_iva", "natura", "riferimento_normativo") if name in line}
    return {**shared, "imponibile_importo": taxable, "imposta": tax, "calcolato": is_calculated and tax is not None}


def _describe_attachments(invoice: Record) -> None:
    """Add size and digest of attachments. Large ones are only in the document, as loaders hold many rows in memory."""
    for entry in invoice.get("allegati", ()):
        try:
            content = from_base64(entry["attachment"])
        except (KeyError, NotBase64):
            continue
        entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if len(content) > _MAX_ATTACHMENT_SIZE:
            del entry["attachment"]


def _merged(*parts: Values) -> Values:
    found: Record = {}
    rescued: Record = {}
    for columns, more_rescued in parts:
        found |= columns
        rescued |= more_rescued
    return found, rescued


def _row(stream: str, key: Record, values: Values) -> Record:
    found, rescued = values
    return {**dict.fromkeys(column_names(stream)), **key, **found, RESCUED_DATA: rescued or None}
