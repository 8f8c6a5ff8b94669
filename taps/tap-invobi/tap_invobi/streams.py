"""The streams of Invobi."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_invobi.client import PagedList, WholeList
from tap_invobi.details import InvoiceDetailStream, InvoiceDocumentStream

if TYPE_CHECKING:
    from singer_rest_core.streams.base import RecordStream


class Invoices(PagedList):
    """Invoices as the list shows them. No time of change exists: read whole."""

    name = "invoices"


class InvoiceDetails(InvoiceDetailStream):
    """One invoice each: sender, receiver, items, discounts, taxes, payment. Read again when its row has changed."""

    name = "invoice_details"


class InvoiceDocuments(InvoiceDocumentStream):
    """PDFs of invoices, kept below `documents_url`; none if that is not set. Fetched again when the detail changes."""

    name = "invoice_documents"


class Prompts(WholeList):
    """Saved prompts. They can be edited, and no time of change exists: read whole."""

    name = "prompts"
    path = "/prompts"
    member = "prompts"
    primary_keys = ("id",)


class PromptLabels(WholeList):
    """Names of the labels that prompts have. The API gives bare texts: read whole."""

    name = "prompt_labels"
    path = "/prompts/labels"
    member = "labels"
    bare_column = "name"
    primary_keys = ("name",)


STREAMS: tuple[type[RecordStream], ...] = (InvoiceDetails, InvoiceDocuments, Invoices, PromptLabels, Prompts)
