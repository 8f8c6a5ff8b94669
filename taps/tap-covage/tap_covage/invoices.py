"""Invoices, read by their accounting date, and their PDFs."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import ListQuery
from singer_rest_core.records import instant
from singer_rest_core.streams import PdfStream
from tap_covage.client import SCHEMAS, CovageList, RowEntry, resource_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests
    from singer_sdk import Tap

    from singer_rest_core import Page, Record
    from singer_rest_core.paging import PageDecoder


class Invoices(CovageList):
    """Invoices, without amounts: the API gives none. Read by `accounting_date`, the last `lookback_days` again.

    An invoice may be added later with an earlier date, and no order is documented: so the days before the bookmark are
    read again, and the bookmark moves only at the end.
    """

    name = "invoices"
    path = "/invoice/"
    primary_keys = ("invoice_number",)
    replication_key = "accounting_date"
    takes_page_size = True

    _indexed_since: str | None = None
    """The earliest accounting date in the index; None if it holds all."""

    @property
    @override
    def lookback(self) -> timedelta:
        """The setting `lookback_days`."""
        return timedelta(days=float(self.config["lookback_days"]))

    @override
    def query(self) -> ListQuery:
        return ListQuery(column=self.replication_key, since=date_of(self.read_from))

    @override
    def filters(self, query: ListQuery) -> Mapping[str, str]:
        """Filter from a date on: `accounting_date_gt` includes the date, despite its name."""
        return {"accounting_date_gt": query.since} if query.since else {}

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        query = query or self.query()
        self._indexed_since = query.since
        yield from super().pages(query, decoder)

    def index_since(self, since: str | None) -> Mapping[str, RowEntry]:
        """Return the index of the invoices from a date on; they are read for it unless this run has read them.

        Args:
            since: The first accounting date; None for all.

        Returns:
            Entries by invoice number.
        """
        indexed = self._indexed_since
        if not (self.was_read and (indexed is None or (since is not None and indexed <= since))):
            for _ in self.read_aside(ListQuery(column=self.replication_key, since=since)):
                pass
        return {
            number: entry for number, entry in self.index().items() if not (since and entry.date and entry.date < since)
        }


class InvoiceDocuments(PdfStream[RowEntry]):
    """PDFs of invoices, stored below `documents_url`; none if that is not set. Fetched again if the row changes.

    It has a bookmark of its own, so that documents may be requested later than invoices. Only the invoices within the
    look-back are remembered.
    """

    name = "invoice_documents"
    primary_keys = ("invoice_number",)
    replication_key = "accounting_date"
    schema = StreamSchema(SCHEMAS)
    folder = "invoices"

    def __init__(self, tap: Tap, *, invoices: Invoices) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            invoices: The list.
        """
        super().__init__(tap)
        self._invoices = invoices

    @property
    @override
    def lookback(self) -> timedelta:
        """The setting `lookback_days`."""
        return self._invoices.lookback

    @property
    @override
    def list_is_complete(self) -> bool:
        """Whether the list was read to its end: a cursor does not shift."""
        return self._invoices.has_read_all

    @property
    @override
    def finds_deletes(self) -> bool:
        """Whether an invoice that is not listed is gone: no, it may be older than what was requested."""
        return False

    @override
    def listed(self) -> Mapping[str, RowEntry]:
        """Return the invoices whose documents may be due; all of them if `documents_url` has changed."""
        return self._invoices.index_since(date_of(self.config.get("start_date") if self.has_moved else self.read_from))

    @override
    def is_due(self, entry: RowEntry, remembered: str | None) -> bool:
        return entry.digest != remembered

    @override
    def memory(self, entry: RowEntry, answer: requests.Response) -> str:
        return entry.digest

    @override
    def request_for_row(self, key: str) -> HTTPRequest:
        return HTTPRequest(resource_url(self.config["api_url"], "invoice", key, "download"))

    @override
    def record_of(self, key: str, entry: RowEntry, answer: requests.Response) -> Record | None:
        kept = self.keep(key, answer)
        return kept and {"invoice_number": key, "accounting_date": entry.date, **kept}


def date_of(bound: str | None) -> str | None:
    """Return the date that holds an instant.

    Args:
        bound: A date or timestamp, or None.

    Returns:
        `YYYY-MM-DD` in UTC, or None.
    """
    return instant(bound).astimezone(UTC).date().isoformat() if bound else None
