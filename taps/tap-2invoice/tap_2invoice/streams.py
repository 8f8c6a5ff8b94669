"""The streams of 2invoice.

Nothing tells what has changed, so all are read whole. That invoices and receipts come in pages is stated; of the others
it is not known, and they are read the same way.
"""

from __future__ import annotations

from tap_2invoice.client import DetailStream, ListStream


class Invoices(ListStream):
    """Invoices, as the list has them."""

    name = "invoices"


class InvoiceDetails(DetailStream):
    """Invoices, as their details have them: one request each, so deselected by default."""

    name = "invoice_details"
    list_type = Invoices


class Clients(ListStream):
    """Clients, as the list has them."""

    name = "clients"


class ClientDetails(DetailStream):
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
DETAILS: tuple[type[DetailStream], ...] = (ClientDetails, InvoiceDetails)
