"""Which invoices exist: the lists of /send and /receive, which are free to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from singer_sdk.metrics import http_request_counter
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core.paging import ListReader, ListSource, RecordDecoder
from singer_rest_core.records import FlatRows, instant, rows_of
from tap_invoicetronic.client import HEADERS, CountedPages, InvoicetronicQuery, total_of, without_refused_sort

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from singer_sdk.metrics import Counter

    from singer_rest_core import Page, PageParams, Record
    from singer_rest_core.paging import ReadersRun, RefusedRequest
    from tap_invoicetronic.refusals import Refusals

Direction = Literal["send", "receive"]


@dataclass(frozen=True)
class Invoice:
    """A row of /send or /receive.

    Args:
        direction: The list.
        id: Its id in that list.
        created: When the row was created, as in the API's answer.
        file_name: The name of its file.
        is_read: Whether anyone has fetched its document; always True for sent invoices.
        documents: Number and day (`YYYY-MM-DD`) of each invoice in the file.
        seller: VAT number with its country, or fiscal code, of the issuer; empty if not known.
        identifier: What the SDI calls the file; None if not known.
    """

    direction: Direction
    id: int
    created: str
    file_name: str | None
    is_read: bool
    documents: tuple[tuple[str, str], ...] = ()
    seller: str = ""
    identifier: str | None = None

    @classmethod
    def of_state(cls, key: str, entry: Mapping[str, Any]) -> Invoice:
        """Return an invoice from what the state holds of it.

        Args:
            key: Its list and its id, as `receive/7`.
            entry: What `as_state` returned.
        """
        direction, _, row_id = key.partition("/")
        return cls(
            "send" if direction == "send" else "receive",
            int(row_id),
            entry["created"],
            entry.get("file_name"),
            is_read=False,
            identifier=entry.get("identifier"),
        )

    def as_state(self) -> dict[str, Any]:
        """Return what the state holds of it, beside its list and its id."""
        known = {"identifier": self.identifier} if self.identifier is not None else {}
        return {"created": self.created, "file_name": self.file_name, **known}

    @property
    def moment(self) -> datetime:
        """When the row was created."""
        return instant(self.created)

    @property
    def days(self) -> tuple[str, ...]:
        """The days of the invoices in the file."""
        return tuple(day for _, day in self.documents)


@dataclass(frozen=True)
class ListedInvoices:
    """The result of reading a list.

    Args:
        invoices: Its invoices, oldest first.
        is_complete: Whether every row was seen: no rows moved between pages.
    """

    invoices: Sequence[Invoice]
    is_complete: bool


class InvoiceLists:
    """Reads /send and /receive for the sake of their documents; nothing of them is written.

    Args:
        run: What the readers of the run share.
        config: The settings `api_url`, `page_size` and `company_id`.
        started: When the run began.
        refusals: What the API refused in this run; that is not requested again.
        logger: Where what is unusual about a list is reported.
    """

    def __init__(
        self,
        run: ReadersRun,
        config: Mapping[str, Any],
        *,
        started: datetime,
        refusals: Refusals,
        logger: logging.Logger,
    ) -> None:
        """Request nothing yet."""
        self._run = run
        self._config = config
        self._started = started
        self._refusals = refusals
        self._logger = logger

    def read(
        self, direction: Direction, *, since: str | None = None, filters: Mapping[str, str] | None = None
    ) -> ListedInvoices:
        """Read a list, newest rows first.

        Args:
            direction: The list.
            since: The oldest `created` that is wanted; None for all.
            filters: Filters of the list.

        Returns:
            Its invoices; older ones than wanted may be among them.

        Raises:
            StreamUnavailable: If the key may not read the list.
            RequestFailed: If a request fails.
        """
        source = _InvoiceList(direction, self._config, filters or {}, self._refusals, self._logger)
        self._refusals.check(source.path)
        # Both lists have `created`, and neither can be filtered by it; the sort is seen in the vendor's own client.
        query = InvoicetronicQuery(column="created", since=since, newest_first=since is not None, sort="-created")
        reader = ListReader(source, query, _DECODER, self._run, started=self._started)
        found = {
            invoice.id: invoice for page in reader.pages() for row in page.rows if (invoice := source.invoice_of(row))
        }
        invoices = sorted(found.values(), key=lambda invoice: (invoice.moment, invoice.id))
        return ListedInvoices(invoices, reader.result is not None and reader.result.is_complete)


_LAYOUT = FlatRows(None)
_DECODER = RecordDecoder(
    lambda _, body: [_LAYOUT.flat(row) for row in rows_of(body, _LAYOUT)], _LAYOUT, lambda row: row.get("id")
)


class _InvoiceList(ListSource):
    """One of the lists, as its reader has to know it."""

    name = "document"
    """The stream that it is read for."""

    def __init__(
        self,
        direction: Direction,
        config: Mapping[str, Any],
        filters: Mapping[str, str],
        refusals: Refusals,
        logger: logging.Logger,
    ) -> None:
        self.path = f"/{direction}"
        self._logger = logger
        self._direction = direction
        self._config = config
        self._filters = filters
        self._refusals = refusals

    @property
    @override
    def logger(self) -> logging.Logger:
        return self._logger

    @override
    def paginator(self, query: InvoicetronicQuery) -> CountedPages:
        return CountedPages(int(self._config["page_size"]))

    @override
    def request_for(self, query: InvoicetronicQuery, token: PageParams) -> HTTPRequest:
        company = {"company_id": str(self._config["company_id"])} if "company_id" in self._config else {}
        sort = {"sort": query.sort} if query.sort is not None else {}
        size = {"page_size": str(self._config["page_size"])}
        return HTTPRequest(
            url=f"{str(self._config['api_url']).rstrip('/')}{self.path}",
            headers=dict(HEADERS),
            params={**company, **sort, **self._filters, **token, **size},
        )

    @override
    def total_of(self, page: Page) -> int | None:
        return total_of(page)

    @override
    def adapt(self, refused: RefusedRequest[InvoicetronicQuery]) -> InvoicetronicQuery | None:
        return without_refused_sort(refused, self.path, self._refusals, self.logger)

    @override
    def get_http_request_counter(self) -> Counter:
        return http_request_counter(self.name, endpoint=self.path)

    def invoice_of(self, row: Record) -> Invoice | None:
        """Return the invoice that a row is about; None, which is logged, if the row lacks what is needed."""
        try:
            instant(row["created"])
            documents = row.get("documents") or []
            return Invoice(
                direction=self._direction,
                id=int(row["id"]),
                created=row["created"],
                file_name=row.get("file_name"),
                is_read=self._direction == "send" or bool(row.get("is_read")),
                documents=tuple(
                    (str(document.get("number")), str(document["date"])[:10])
                    for document in documents
                    if document.get("date")
                ),
                seller=str(row.get("prestatore") or ""),
                identifier=None if row.get("identifier") is None else str(row["identifier"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            self.logger.warning("a row of %s has no id or no valid created: its document is not fetched", self.path)
            return None
