"""Documents of invoices: which there are, how they are fetched, exported and stored, and the streams made of them."""

from tap_invoicetronic.documents.invoice_list import InvoiceLists
from tap_invoicetronic.documents.periods import Period
from tap_invoicetronic.documents.run import DocumentRun, DocumentSettings
from tap_invoicetronic.documents.streams import DOCUMENT_STREAMS, DocumentStream

__all__ = ["DOCUMENT_STREAMS", "DocumentRun", "DocumentSettings", "DocumentStream", "InvoiceLists", "Period"]
