"""A FatturaPA file as the rows of four streams."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Literal

from lxml import etree

from singer_rest_core import RESCUED_DATA
from singer_rest_core.documents import NotBase64, from_base64
from tap_invoicetronic.fattura import columns
from tap_invoicetronic.fattura.codes import TIPO_DOCUMENTO
from tap_invoicetronic.fattura.columns import BODY, FATTURA, LINE, PAYMENT, VAT_SUMMARY
from tap_invoicetronic.fattura.envelope import NotAFattura, opened
from tap_invoicetronic.fattura.reading import Reading
from tap_invoicetronic.fattura.schema import column_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_rest_core import Record
    from tap_invoicetronic.fattura.declaration import Table
    from tap_invoicetronic.fattura.reading import Facts

_SIMPLIFIED = "FatturaElettronicaSemplificata"
_SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_LARGEST_ATTACHMENT = 64 << 10  # bytes
_PRECISION = 100  # digits; amounts have 38 at most


@dataclass(frozen=True)
class Origin:
    """Which file of Invoicetronic it is.

    Args:
        direction: The stream that lists it.
        invoicetronic_id: Its `id` there.
        file_name: Its `file_name` there.
    """

    direction: Literal["send", "receive"]
    invoicetronic_id: int
    file_name: str | None


def read(payload: bytes | str, origin: Origin) -> dict[str, list[Record]]:
    """Read a file of one or more invoices.

    Args:
        payload: The file in any wrapping: XML, base64, CAdES. Text is taken as decoded, whatever its XML declaration
            says of an encoding.
        origin: Which file it is.

    Returns:
        The rows of each of the four streams, complete: all columns, null where the file gives nothing. Every value of
        the file stands in a column or in `_rescued_data`, except XML signatures, the place of the XML schema and the
        bytes of large attachments.

    Raises:
        NotAFattura: If it is no invoice.
    """
    invoice = opened(payload)
    root = invoice.root
    signatures = root.findall(_SIGNATURE)
    for signature in signatures:
        root.remove(signature)
    simplified = etree.QName(root).localname == _SIMPLIFIED
    file = Reading(root, columns.SIMPLIFIED_ROOT if simplified else columns.ROOT)
    file.columns["file_name"] = origin.file_name
    file.columns["firma"] = "CAdES" if invoice.is_signed else "XAdES" if signatures else None
    bodies = file.rows[BODY]
    if not bodies:
        raise NotAFattura(f"no FatturaPA invoice: it has no {BODY}")
    rows: dict[str, list[Record]] = {stream: [] for stream in columns.KEYS}
    for number, element in enumerate(bodies, 1):
        key = {"direction": origin.direction, "invoicetronic_id": origin.invoicetronic_id, "body_number": number}
        body = Reading(element, columns.SIMPLIFIED_BODY if simplified else columns.ORDINARY_BODY, BODY)
        _describe_attachments(body.columns)
        if (tipo := body.columns.get("tipo_documento")) is not None:
            body.columns["tipo_documento_descrizione"] = TIPO_DOCUMENTO.get(tipo)
        rows[FATTURA].append(_row(FATTURA, key, _merged(file.facts, body.facts)))
        for stream, found in _parts(body, simplified=simplified).items():
            rows[stream] += [
                _row(stream, {**key, "position": position}, facts) for position, facts in enumerate(found, 1)
            ]
    return rows


def _parts(body: Reading, *, simplified: bool) -> dict[str, list[Facts]]:
    """Read the rows below an invoice, in the document's order."""
    if simplified:
        lines = list(_readings(body.rows["DatiBeniServizi"], columns.SIMPLIFIED_LINE, "DatiBeniServizi"))
        return {
            LINE: [line.facts for line in lines],
            VAT_SUMMARY: [(_simplified_summary(line.columns), {}) for line in lines],
        }
    details = _readings(body.rows["DettaglioLinee"], columns.ORDINARY_LINE, "DettaglioLinee")
    summaries = _readings(body.rows["DatiRiepilogo"], columns.SUMMARY, "DatiRiepilogo")
    return {
        LINE: [line.facts for line in details],
        VAT_SUMMARY: [_merged(summary.facts, ({"calcolato": False}, {})) for summary in summaries],
        PAYMENT: list(_payments(body.rows["DatiPagamento"])),
    }


def _readings(elements: Iterable[etree._Element], table: Table, path: str) -> Iterator[Reading]:
    for element in elements:
        yield Reading(element, table, path)


def _payments(elements: Iterable[etree._Element]) -> Iterator[Facts]:
    """Give each instalment the terms it shares with others; terms without an instalment are a row too."""
    for number, terms in enumerate(_readings(elements, columns.TERMS, "DatiPagamento"), 1):
        shared = {**terms.columns, "block_number": number}
        rescued = terms.rescued
        instalments = _readings(
            terms.rows["DettaglioPagamento"], columns.INSTALMENT, "DatiPagamento/DettaglioPagamento"
        )
        for instalment in instalments:
            yield _merged((shared, rescued), instalment.facts)
            rescued = {}
        if not terms.rows["DettaglioPagamento"]:
            yield shared, rescued


def _simplified_summary(line: Record) -> Record:
    """Make a VAT summary of a simplified line, which has the amount with VAT and either the VAT or its rate."""
    amount, tax, rate = line.get("importo"), line.get("imposta"), line.get("aliquota_iva")
    is_reckoned = tax is None
    with localcontext(prec=_PRECISION):
        if amount is not None and tax is None:
            if rate is not None and rate >= 0:
                tax = (amount * rate / (_HUNDRED + rate)).quantize(_CENT, ROUND_HALF_UP)
            elif rate is None and "natura" in line:
                tax = Decimal("0.00")
        taxable = None if amount is None or tax is None else amount - tax
    shared: Record = {name: line[name] for name in ("aliquota_iva", "natura", "riferimento_normativo") if name in line}
    return {**shared, "imponibile_importo": taxable, "imposta": tax, "calcolato": is_reckoned and tax is not None}


def _describe_attachments(invoice: Record) -> None:
    """Give size and digest of attachments. Large ones are left to the document, as loaders hold many rows at once."""
    for entry in invoice.get("allegati", ()):
        try:
            content = from_base64(entry["attachment"])
        except (KeyError, NotBase64):
            continue
        entry |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        if len(content) > _LARGEST_ATTACHMENT:
            del entry["attachment"]


def _merged(*parts: Facts) -> Facts:
    found: Record = {}
    rescued: Record = {}
    for values, aside in parts:
        found |= values
        rescued |= aside
    return found, rescued


def _row(stream: str, key: Record, facts: Facts) -> Record:
    found, rescued = facts
    return {**dict.fromkeys(column_names(stream)), **key, **found, RESCUED_DATA: rescued or None}
