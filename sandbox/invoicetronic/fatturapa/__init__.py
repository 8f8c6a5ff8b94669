"""Generated FatturaPA files: valid against the XSDs, exact to the cent, in every form in use.

from sandbox.invoicetronic.fatturapa import invoices

for invoice in islice(invoices(seed=1), 500):
    invoice.content                         # the file's bytes: XML, or a signed envelope
    invoice.facts.bodies[0].lines[0].total  # Decimal
"""

from __future__ import annotations

from sandbox.invoicetronic.fatturapa.facts import (
    Body,
    Discount,
    Facts,
    Fund,
    Line,
    Payment,
    VatSummary,
    Withholding,
)
from sandbox.invoicetronic.fatturapa.generated import GeneratedInvoice, Plan, invoice, invoices
from sandbox.invoicetronic.fatturapa.parties import Party

__all__ = [
    "Body",
    "Discount",
    "Facts",
    "Fund",
    "GeneratedInvoice",
    "Line",
    "Party",
    "Payment",
    "Plan",
    "VatSummary",
    "Withholding",
    "invoice",
    "invoices",
]
