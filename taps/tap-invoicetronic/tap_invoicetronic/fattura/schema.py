"""JSON schemas of the four streams, generated from their tables."""

from __future__ import annotations

from functools import cache
from typing import Any

from singer_rest_core import RESCUED_DATA
from tap_invoicetronic.fattura.mapping import properties
from tap_invoicetronic.fattura.tables import FATTURA, KEYS, LINE, PAYMENT, TABLES, VAT_SUMMARY

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
        "tipo_documento_descrizione": {
            "type": ["string", "null"],
            "description": "What `tipo_documento` means; null for codes younger than this tap.",
        },
    },
    LINE: {},
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
}
_RESCUED = {
    "type": ["object", "null"],
    "description": "What the columns have no place for, by path and as written; also dates with a time zone.",
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
    columns = _OUR_COLUMNS[stream] | {name: _KEY_COLUMNS[name] for name in KEYS[stream]}
    for table in TABLES[stream]:
        columns |= properties(table.parts)
    if stream == FATTURA:
        entry = columns["allegati"]["items"]
        entry["properties"] = dict(sorted((entry["properties"] | _ATTACHMENT_COLUMNS).items()))
    found = {**dict(sorted(columns.items())), RESCUED_DATA: _RESCUED}
    return {"type": "object", "properties": found, "required": list(KEYS[stream])}


@cache
def column_names(stream: str) -> tuple[str, ...]:
    """Return the columns of a stream in the order of its schema."""
    return tuple(schema_of(stream)["properties"])
