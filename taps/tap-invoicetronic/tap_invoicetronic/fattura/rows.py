"""Turns a FatturaPA file into rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any, Literal

from lxml import etree

from singer_rest_core import RESCUED_DATA
from singer_rest_core.documents import NotBase64, from_base64
from tap_invoicetronic.fattura import tables
from tap_invoicetronic.fattura.block_rows import rows_of_blocks
from tap_invoicetronic.fattura.reader import ElementReader
from tap_invoicetronic.fattura.schema import code_words, column_names
from tap_invoicetronic.fattura.tables import BODY, FATTURA, LINE, PAYMENT, VAT_SUMMARY
from tap_invoicetronic.fattura.totals import CENT, HUNDRED, PRECISION, totals_of
from tap_invoicetronic.fattura.unwrap import NotAFattura, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_rest_core import Record
    from tap_invoicetronic.fattura.mapping import Table
    from tap_invoicetronic.fattura.reader import Values

_SIMPLIFIED = "FatturaElettronicaSemplificata"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_MAX_ATTACHMENT_SIZE = 64 << 10  # bytes
_XSI_ATTRIBUTES = "{http://www.w3.org/2001/XMLSchema-instance}*"


@dataclass(frozen=True)
class Origin:
    """Which file of Invoicetronic it is.

    Args:
        direction: The stream that has it.
        invoicetronic_id: Its `id` in that stream.
        file_name: Its `file_name` in that stream.
        sdi_identifier: Its `identifier` in that stream.
        received_at: When it was received, in UTC; None if it was sent.
        environment: The environment of Invoicetronic that it is in.
    """

    direction: Literal["send", "receive"]
    invoicetronic_id: int
    file_name: str | None
    sdi_identifier: str | None = None
    received_at: str | None = None
    environment: str | None = None


def read(payload: bytes | str, origin: Origin) -> dict[str, list[Record]]:
    """Read a file of one or more invoices.

    Args:
        payload: The file in any wrapping: XML, base64, CAdES. Text is decoded already, so the encoding in its XML
            declaration is ignored.
        origin: Which file it is.

    Returns:
        The rows of each stream with all columns, null where the file has no value. Every value of the file is in a
        column or in `_rescued_data`, except XML signatures, `xsi:` attributes, which are about the XML, and the bytes
        of large attachments.

    Raises:
        NotAFattura: If the file is not an invoice.
    """
    invoice = unwrap(payload)
    root = invoice.root
    signatures = root.findall(_SIGNATURE)
    for signature in signatures:
        root.remove(signature)
    etree.strip_attributes(root, _XSI_ATTRIBUTES)
    simplified = etree.QName(root).localname == _SIMPLIFIED
    file = ElementReader(root, tables.SIMPLIFIED_ROOT if simplified else tables.ROOT)
    file.columns |= {
        "file_name": origin.file_name,
        "sdi_identifier": origin.sdi_identifier,
        "received_at": origin.received_at,
        "environment": origin.environment,
    }
    file.columns["firma"] = invoice.signature or ("XAdES" if signatures else None)
    bodies = file.rows[BODY]
    if not bodies:
        raise NotAFattura(f"not a FatturaPA invoice: it has no {BODY}")
    rows: dict[str, list[Record]] = {stream: [] for stream in tables.KEYS}
    for number, element in enumerate(bodies, 1):
        key = {"direction": origin.direction, "invoicetronic_id": origin.invoicetronic_id, "body_number": number}
        body = ElementReader(element, tables.SIMPLIFIED_BODY if simplified else tables.ORDINARY_BODY, BODY)
        _describe_attachments(body.columns)
        parts = _parts(body, simplified=simplified)
        lines, summaries = ([columns for columns, _ in parts[stream]] for stream in (LINE, VAT_SUMMARY))
        totals = totals_of(body.columns, summaries, lines, is_simplified=simplified)
        rows[FATTURA].append(_row(FATTURA, key, _merged(file.values, body.values, (totals, {}))))
        for stream, found in parts.items():
            rows[stream] += [
                _row(stream, {**key, "position": position}, values) for position, values in enumerate(found, 1)
            ]
        for stream, entries in rows_of_blocks(body.columns, lines).items():
            rows[stream] += [_row(stream, key, (entry, {})) for entry in entries]
    return rows


def drop_attachment_content(rows: Mapping[str, Sequence[Record]]) -> None:
    """Take the content of attachments out of rows; name, size and digest stay.

    Args:
        rows: What `read` returned. Changed in place.
    """
    for invoice in rows[FATTURA]:
        for entry in invoice["allegati"] or ():
            entry.pop("attachment", None)


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
    with localcontext(prec=PRECISION):
        if amount is not None and tax is None:
            if rate is not None and rate >= 0:
                tax = (amount * rate / (HUNDRED + rate)).quantize(CENT, ROUND_HALF_UP)
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
    words = {
        words_column: words.get(found[column])
        for column, (words_column, words) in code_words(stream).items()
        if column in found
    }
    return {
        **dict.fromkeys(column_names(stream)),
        **key,
        **found,
        **words,
        RESCUED_DATA: _with_meaning(rescued) or None,
    }


def _with_meaning(rescued: Any) -> Any:  # noqa: ANN401 - a text, or an object or list of texts
    """Return rescued values without those that say nothing: unknown elements without content, blank texts."""
    if isinstance(rescued, dict):
        kept = {name: _with_meaning(value) for name, value in rescued.items()}
        return {name: value for name, value in kept.items() if value}
    if isinstance(rescued, list):
        return [value for value in map(_with_meaning, rescued) if value]
    return rescued if rescued.strip() else ""
