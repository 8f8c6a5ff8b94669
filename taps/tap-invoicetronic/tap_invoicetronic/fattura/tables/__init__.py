"""The tables of an invoice: every value of the format, where it stands and which column it becomes.

Columns have the format's own names in snake_case, after the name of the party or block they belong to, so a column is
found in the format's documentation and vice versa. The few English names are ours. Sources are XSD 1.2.2 (FPA12, FPR12)
and the XSD of the simplified invoice (FSM10); what only other versions have is marked.

Left out on purpose are XML signatures (`ds:Signature`), which only show in the column `firma`, and attributes about the
XML itself (`xsi:`).
"""

from __future__ import annotations

from tap_invoicetronic.fattura.tables.body import (
    ORDINARY_BODY,
    ORDINARY_PENSION_FUND,
    ORDINARY_REFERENCE,
    ORDINARY_WITHHOLDING,
    SIMPLIFIED_BODY,
)
from tap_invoicetronic.fattura.tables.header import BODY, ROOT, SIMPLIFIED_ROOT
from tap_invoicetronic.fattura.tables.lines import ORDINARY_LINE, ORDINARY_LINE_DISCOUNT, SIMPLIFIED_LINE, SUMMARY
from tap_invoicetronic.fattura.tables.payments import INSTALMENT, TERMS

__all__ = [
    "BLOCK_STREAMS",
    "BODY",
    "FATTURA",
    "INSTALMENT",
    "KEYS",
    "LINE",
    "LINE_DISCOUNT",
    "ORDINARY_BODY",
    "ORDINARY_LINE",
    "PAYMENT",
    "PENSION_FUND",
    "REFERENCE",
    "ROOT",
    "SIMPLIFIED_BODY",
    "SIMPLIFIED_LINE",
    "SIMPLIFIED_ROOT",
    "SUMMARY",
    "TABLES",
    "TERMS",
    "VAT_SUMMARY",
    "WITHHOLDING",
]

FATTURA = "fattura"
LINE = "fattura_line"
VAT_SUMMARY = "fattura_vat_summary"
PAYMENT = "fattura_payment"
WITHHOLDING = "fattura_withholding"
PENSION_FUND = "fattura_pension_fund"
REFERENCE = "fattura_reference"
LINE_DISCOUNT = "fattura_line_discount"

BLOCK_STREAMS = frozenset({WITHHOLDING, PENSION_FUND, REFERENCE, LINE_DISCOUNT})
"""The streams whose values are in `fattura` or `fattura_line` too, as arrays."""

_INVOICE_KEY = ("direction", "invoicetronic_id", "body_number")
_PART_KEY = (*_INVOICE_KEY, "position")
KEYS = {
    FATTURA: _INVOICE_KEY,
    LINE: _PART_KEY,
    VAT_SUMMARY: _PART_KEY,
    PAYMENT: _PART_KEY,
    WITHHOLDING: _PART_KEY,
    PENSION_FUND: _PART_KEY,
    REFERENCE: _PART_KEY,
    LINE_DISCOUNT: (*_PART_KEY, "discount_number"),
}
"""The primary key of each stream. `NumeroLinea` is not part of one: it may occur twice."""

TABLES = {
    FATTURA: (ROOT, SIMPLIFIED_ROOT, ORDINARY_BODY, SIMPLIFIED_BODY),
    LINE: (ORDINARY_LINE, SIMPLIFIED_LINE),
    VAT_SUMMARY: (SUMMARY,),
    PAYMENT: (TERMS, INSTALMENT),
    WITHHOLDING: (ORDINARY_WITHHOLDING,),
    PENSION_FUND: (ORDINARY_PENSION_FUND,),
    REFERENCE: (ORDINARY_REFERENCE,),
    LINE_DISCOUNT: (ORDINARY_LINE_DISCOUNT,),
}
"""The tables that each stream's columns come from. Where two tables share a column, it means the same in both."""
