"""The tables of an invoice: every value of the format, where it stands and which column it becomes.

Columns have the format's own names in snake_case, after the name of the party or block they belong to, so a column is
found in the format's documentation and vice versa. The few English names are ours. Sources are XSD 1.2.2 (FPA12, FPR12)
and the XSD of the simplified invoice (FSM10).

Left out on purpose are XML signatures (`ds:Signature`), which only show in the column `firma`, and the location of the
XML schema (`xsi:schemaLocation`).
"""

from __future__ import annotations

from tap_invoicetronic.fattura.tables.body import ORDINARY_BODY, SIMPLIFIED_BODY
from tap_invoicetronic.fattura.tables.header import BODY, ROOT, SIMPLIFIED_ROOT
from tap_invoicetronic.fattura.tables.lines import ORDINARY_LINE, SIMPLIFIED_LINE, SUMMARY
from tap_invoicetronic.fattura.tables.payments import INSTALMENT, TERMS

__all__ = [
    "BODY",
    "FATTURA",
    "INSTALMENT",
    "KEYS",
    "LINE",
    "ORDINARY_BODY",
    "ORDINARY_LINE",
    "PAYMENT",
    "ROOT",
    "SIMPLIFIED_BODY",
    "SIMPLIFIED_LINE",
    "SIMPLIFIED_ROOT",
    "SUMMARY",
    "TABLES",
    "TERMS",
    "VAT_SUMMARY",
]

FATTURA = "fattura"
LINE = "fattura_line"
VAT_SUMMARY = "fattura_vat_summary"
PAYMENT = "fattura_payment"

_INVOICE_KEY = ("direction", "invoicetronic_id", "body_number")
_PART_KEY = (*_INVOICE_KEY, "position")
KEYS = {FATTURA: _INVOICE_KEY, LINE: _PART_KEY, VAT_SUMMARY: _PART_KEY, PAYMENT: _PART_KEY}
"""The primary key of each stream. `NumeroLinea` is not part of one: it may occur twice."""

TABLES = {
    FATTURA: (ROOT, SIMPLIFIED_ROOT, ORDINARY_BODY, SIMPLIFIED_BODY),
    LINE: (ORDINARY_LINE, SIMPLIFIED_LINE),
    VAT_SUMMARY: (SUMMARY,),
    PAYMENT: (TERMS, INSTALMENT),
}
"""The tables that each stream's columns come from. Where two tables share a column, it means the same in both."""
