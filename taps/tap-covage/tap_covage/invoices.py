"""Invoices, read by their accounting date, and their PDFs."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.records.timestamps import instant
from singer_rest_core.streams.pdf import PdfStream
from tap_covage.client import SCHEMAS, CovageList, RowNote, url_below

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests
    from singer_sdk import Tap

    from singer_rest_core import Record


class InvoiceList(CovageList):
    """The list of invoices, from a date on.

    An invoice may be added later with an earlier date, and no order is documented: so a span before the bookmark is
    read again, and the bookmark moves at the end only.
    """

    takes_page_size = True

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self.since: str | None = None
        """The first accounting date that is asked for; None for all."""

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_days`."""
        return timedelta(days=float(self.config["lookback_days"]))

    def prepare(self) -> None:
        """Decide how much to read."""
        super().prepare()
        self.since = date_of(self.read_from)

    def filters(self) -> Mapping[str, str]:
        """Ask from a date on: `accounting_date_gt` takes the date in, whatever its name says.

        Returns:
            Parameters by name.
        """
        return {"accounting_date_gt": self.since} if self.since else {}

    def noted_since(self, since: str | None) -> Mapping[str, RowNote]:
        """Give the notes of the invoices from a date on; they are read for it unless this run has read them.

        Args:
            since: The first accounting date; None for all.

        Returns:
            Notes by invoice number.
        """
        if not (self.was_read and (self.since is None or (since is not None and self.since <= since))):
            self.prepare()
            self.since = since
            self.read_for_notes()
        return {
            number: note for number, note in self.noted().items() if not (since and note.date and note.date < since)
        }


class InvoiceDocumentStream(PdfStream[RowNote]):
    """The PDF of each invoice, kept below `documents_url`; fetched again when the invoice's row has changed.

    It has a bookmark of its own, so that documents may be asked for later than invoices. What is remembered is of the
    invoices within the look-back.
    """

    schema = StreamSchema(SCHEMAS)
    folder = "invoices"

    @property
    def invoices(self) -> InvoiceList:
        """The list."""
        stream = self.rest_tap.streams["invoices"]
        if not isinstance(stream, InvoiceList):
            msg = "the stream invoices is an InvoiceList"
            raise TypeError(msg)
        return stream

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_days`."""
        return self.invoices.lookback

    @property
    def listed_whole(self) -> bool:
        """Whether the list was surely read whole: a cursor does not shift."""
        return self.invoices.has_read_all

    @property
    def tells_deletes(self) -> bool:
        """Whether an invoice that is not listed is gone: it may be older than what was asked for."""
        return False

    def listed(self) -> Mapping[str, RowNote]:
        """Give the invoices whose documents may be due; all of them if they shall be kept in another place than before.

        Returns:
            Notes by invoice number.
        """
        return self.invoices.noted_since(
            date_of(self.config.get("start_date") if self.in_new_place else self.read_from)
        )

    def is_due(self, note: RowNote, remembered: str | None) -> bool:
        """Tell whether a document has to be fetched.

        Args:
            note: What is known of the invoice.
            remembered: The digest of its row when the document was fetched last.

        Returns:
            Whether they differ.
        """
        return note.digest != remembered

    def memory(self, note: RowNote, answer: requests.Response) -> str:  # noqa: ARG002 - the hook's form
        """Say what to remember of a document.

        Args:
            note: What is known of the invoice.
            answer: The document.

        Returns:
            The digest of the invoice's row.
        """
        return note.digest

    def request_for(self, key: str) -> HTTPRequest:
        """Ask for a document.

        Args:
            key: The invoice number.

        Returns:
            A request without credentials.
        """
        return HTTPRequest(url_below(self.config["api_url"], "invoice", key, "download"))

    def record_of(self, key: str, note: RowNote, answer: requests.Response) -> Record | None:
        """Keep a document.

        Args:
            key: The invoice number.
            note: What is known of the invoice.
            answer: The document.

        Returns:
            A raw record; None if it is no PDF.
        """
        kept = self.keep(key, answer)
        return kept and {"invoice_number": key, "accounting_date": note.date, **kept}


def date_of(bound: str | None) -> str | None:
    """Give the date that holds an instant.

    Args:
        bound: A date or timestamp, or None.

    Returns:
        `YYYY-MM-DD` in UTC, or None.
    """
    return instant(bound).astimezone(UTC).date().isoformat() if bound else None
