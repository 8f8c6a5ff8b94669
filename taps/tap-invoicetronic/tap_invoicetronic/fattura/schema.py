"""JSON schemas of the streams of invoices, generated from their tables."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from singer_rest_core import RESCUED_DATA
from tap_invoicetronic.fattura.mapping import codes_with_words, properties
from tap_invoicetronic.fattura.tables import (
    BLOCK_STREAMS,
    FATTURA,
    KEYS,
    LINE_DISCOUNT,
    PAYMENT,
    REFERENCE,
    TABLES,
    VAT_SUMMARY,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY_COLUMNS: dict[str, dict[str, Any]] = {
    "direction": {"type": "string", "description": "The stream that lists the file: `send` or `receive`."},
    "invoicetronic_id": {"type": "integer", "description": "`id` of the file in that stream."},
    "body_number": {"type": "integer", "description": "Which invoice of the file, from 1."},
    "position": {"type": "integer", "description": "Place in the invoice, from 1."},
}
_OUR_COLUMNS: dict[str, dict[str, dict[str, Any]]] = {
    FATTURA: {
        "file_name": {"type": ["string", "null"], "description": "Name of the file at SDI."},
        "firma": {
            "type": ["string", "null"],
            "description": "`CAdES` or `XAdES` if the file is signed; `CAdES, irregular` if the envelope around the "
            "invoice is damaged, and the invoice is whole. The signature is not verified.",
        },
        "sdi_identifier": {
            "type": ["string", "null"],
            "description": "`identifier` of the file: what the SDI calls it.",
        },
        "received_at": {
            "type": ["string", "null"],
            "format": "date-time",
            "description": (
                "When Invoicetronic had the file, in UTC: `created` of `receive`; null for sent invoices. When the SDI "
                "delivered it is not in the API."
            ),
        },
        "environment": {
            "type": ["string", "null"],
            "description": "What the API key selects: live, test, or unknown if its prefix is neither.",
        },
        "importo_totale": {
            "type": ["number", "null"],
            "description": (
                "Total with VAT, in `divisa`, negative for credit notes (TD04, TD08): `importo_totale_documento`, or, "
                "if that is null, `imponibile_importo` and `imposta` of all VAT summaries, minus discounts and plus "
                "surcharges in `sconto_maggiorazione`, plus `arrotondamento`; for simplified invoices `importo` of "
                "all lines. Null if one of these is missing."
            ),
        },
        "importo_totale_calcolato": {
            "type": ["boolean", "null"],
            "description": "True if `importo_totale` is computed, as the document does not state it.",
        },
        "imponibile_totale": {
            "type": ["number", "null"],
            "description": (
                "Taxable amount, in `divisa`, negative for credit notes: `imponibile_importo` of all VAT summaries."
            ),
        },
        "imposta_totale": {
            "type": ["number", "null"],
            "description": "VAT, in `divisa`, negative for credit notes: `imposta` of all VAT summaries.",
        },
    },
    VAT_SUMMARY: {
        "calcolato": {
            "type": ["boolean", "null"],
            "description": "True if a simplified invoice gives no `imposta`, and it is reckoned from the total.",
        },
    },
    PAYMENT: {
        "block_number": {
            "type": ["integer", "null"],
            "description": "Which `DatiPagamento` of the invoice it is part of, from 1.",
        },
    },
    REFERENCE: {
        "reference_type": {
            "type": ["string", "null"],
            "description": (
                "What is referred to: order (DatiOrdineAcquisto), contract (DatiContratto), agreement "
                "(DatiConvenzione), receipt (DatiRicezione), invoice (DatiFattureCollegate; DatiFatturaRettificata of "
                "simplified notes), delivery_note (DatiDDT) or main_invoice (FatturaPrincipale)."
            ),
        },
    },
    LINE_DISCOUNT: {
        "position": {"type": "integer", "description": "`position` of the line in `fattura_line`."},
        "discount_number": {"type": "integer", "description": "Place among the discounts of the line, from 1."},
    },
}
_RESCUED = {
    "type": ["object", "null"],
    "description": (
        "What the columns have no place for, by path and as written, blanks around codes included; null if nothing of "
        "meaning is left over."
    ),
}
_RESCUED_ELSEWHERE = {
    "type": ["object", "null"],
    "description": "Null: what has no place here is in `fattura._rescued_data` or `fattura_line._rescued_data`.",
}
# Computed from the decoded content.
_ATTACHMENT_COLUMNS = {
    "sha256": {"type": ["string", "null"], "description": "Of the content, in hexadecimal."},
    "size": {"type": ["integer", "null"], "description": "Of the content, in bytes."},
}


def schema_of(stream: str) -> dict[str, Any]:
    """Return the JSON schema of a stream.

    Args:
        stream: One of `KEYS`.

    Returns:
        The schema, with sorted properties.
    """
    columns = {name: _KEY_COLUMNS[name] for name in KEYS[stream] if name in _KEY_COLUMNS}
    columns |= _OUR_COLUMNS.get(stream, {})
    for table in TABLES[stream]:
        columns |= properties(table.parts)
        columns |= {
            code.words_column: {
                "type": ["string", "null"],
                "description": f"What `{code.column}` means; null for codes younger than this tap.",
            }
            for code in codes_with_words(table.parts)
        }
    if stream == FATTURA:
        entry = columns["allegati"]["items"]
        entry["properties"] = dict(sorted((entry["properties"] | _ATTACHMENT_COLUMNS).items()))
    rescued = _RESCUED_ELSEWHERE if stream in BLOCK_STREAMS else _RESCUED
    found = {**dict(sorted(columns.items())), RESCUED_DATA: rescued}
    return {"type": "object", "properties": found, "required": list(KEYS[stream])}


@cache
def column_names(stream: str) -> tuple[str, ...]:
    """Return the columns of a stream in the order of its schema."""
    return tuple(schema_of(stream)["properties"])


@cache
def code_words(stream: str) -> Mapping[str, tuple[str, Mapping[str, str]]]:
    """Return the codes of a stream that have a column for what they mean.

    Args:
        stream: One of `KEYS`.

    Returns:
        By the column of the code, the column of its words and the words by code.
    """
    return {
        code.column: (code.words_column, code.words)
        for table in TABLES[stream]
        for code in codes_with_words(table.parts)
        if code.words is not None
    }
