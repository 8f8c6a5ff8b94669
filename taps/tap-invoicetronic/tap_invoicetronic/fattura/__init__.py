"""FatturaPA, Italy's format for electronic invoices, as rows.

`read` turns a file as Invoicetronic delivers it into the rows of several streams. It does no input or output and knows
nothing about Singer: columns are declared in `tables`, and the JSON schemas are generated from them.
"""

from tap_invoicetronic.fattura.rows import Origin, drop_attachment_content, read
from tap_invoicetronic.fattura.tables import KEYS
from tap_invoicetronic.fattura.unwrap import NotAFattura

__all__ = ["KEYS", "NotAFattura", "Origin", "drop_attachment_content", "read"]
