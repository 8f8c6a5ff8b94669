"""The streams of 2invoice.

No time of change is known, so all are read completely. That invoices and receipts come in pages is stated by a third
party; of the others it is not known, and they are read the same way.
"""

from __future__ import annotations

from tap_2invoice.client import ListStream, RecordDetailStream


class Invoices(ListStream):
    """Invoices, as the list has them."""

    name = "invoices"


class InvoiceDetails(RecordDetailStream):
    """Invoices, as their details have them: one request each, so deselected by default."""

    name = "invoice_details"
    list_type = Invoices


class Clients(ListStream):
    """Clients, as the list has them."""

    name = "clients"


class ClientDetails(RecordDetailStream):
    """Clients, as their details have them: one request each, so deselected by default."""

    name = "client_details"
    list_type = Clients


class Products(ListStream):
    """Products."""

    name = "products"
    selector = "data"


class Receipts(ListStream):
    """Receipts."""

    name = "receipts"


class DocumentSeries(ListStream):
    """Series that documents are numbered in."""

    name = "document_series"


class BranchOffices(ListStream):
    """Branch offices of the company."""

    name = "branch_offices"


class Inventories(ListStream):
    """Inventories."""

    name = "inventories"


class Templates(ListStream):
    """Templates of documents."""

    name = "templates"


LISTS: tuple[type[ListStream], ...] = (
    BranchOffices,
    Clients,
    DocumentSeries,
    Inventories,
    Invoices,
    Products,
    Receipts,
    Templates,
)
DETAILS: tuple[type[RecordDetailStream], ...] = (ClientDetails, InvoiceDetails)
