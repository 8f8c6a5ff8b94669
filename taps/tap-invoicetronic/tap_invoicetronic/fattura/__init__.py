"""FatturaPA, Italy's format for electronic invoices, as rows.

`read` takes a file as Invoicetronic hands it over and gives the rows of four streams. It does no input or output and
knows nothing of Singer: columns are declared in `columns`, and the JSON schemas are made from them.
"""

from tap_invoicetronic.fattura.columns import KEYS
from tap_invoicetronic.fattura.envelope import NotAFattura
from tap_invoicetronic.fattura.rows import Origin, read

__all__ = ["KEYS", "NotAFattura", "Origin", "read"]
