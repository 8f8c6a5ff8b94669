"""Which invoices exist: the lists of /send and /receive, which are free to read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from typing_extensions import override

from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.client import InvoicetronicStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from singer_rest_core import Record
    from tap_invoicetronic.tap import TapInvoicetronic

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
    """

    direction: Direction
    id: int
    created: str
    file_name: str | None
    is_read: bool
    documents: tuple[tuple[str, str], ...] = ()
    seller: str = ""

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


class ListInvoices(Protocol):
    """Reads a list: `list_invoices`, bound to a tap."""

    def __call__(
        self, direction: Direction, *, since: str | None = None, filters: Mapping[str, str] | None = None
    ) -> ListedInvoices:
        """Read a list; see `list_invoices`."""
        ...


def list_invoices(
    tap: TapInvoicetronic,
    direction: Direction,
    *,
    since: str | None = None,
    filters: Mapping[str, str] | None = None,
) -> ListedInvoices:
    """Read /send or /receive; nothing of it is written.

    Args:
        tap: The tap.
        direction: The list.
        since: The oldest `created` that is wanted; None for all.
        filters: Filters of the list.

    Returns:
        Its invoices; older ones than wanted may be among them.

    Raises:
        StreamUnavailable: If the key may not read the list.
        RequestFailed: If a request fails.
    """
    reading = _InvoiceList(tap, direction, since=since, filters=filters)
    return ListedInvoices(reading.read(), reading.has_read_all)


class _InvoiceList(InvoicetronicStream):
    """One reading of a list, newest rows first."""

    name = "document"
    """The stream that it is read for, named in its log lines."""

    schema = {"type": "object", "properties": {}}  # noqa: RUF012 - the SDK's own form
    page_codec = None
    by_company = True
    sort = "-created"
    """Seen in the vendor's own client, for both lists."""

    def __init__(
        self, tap: TapInvoicetronic, direction: Direction, *, since: str | None, filters: Mapping[str, str] | None
    ) -> None:
        """Keep what to read; nothing is requested yet."""
        super().__init__(tap)
        self.path = f"/{direction}"
        self._direction = direction
        self._since = since
        self._own_filters = filters or {}

    @property
    @override
    def down_to(self) -> tuple[str, str] | None:
        # Both lists have `created`, and neither can be filtered by it.
        return ("created", self._since) if self._since is not None else None

    @override
    def list_params(self) -> dict[str, str]:
        return {**super().list_params(), **self._own_filters}

    def read(self) -> list[Invoice]:
        """Read the list; afterwards `has_read_all` is known.

        Returns:
            The invoices, oldest first.
        """
        found: dict[int, Invoice] = {}
        for answer in self.answers(None):
            rows = list(self.parse_response(answer))
            for row in self.take_page([self.row_id(row) for row in rows], rows, answer):
                invoice = self._invoice(row)
                if invoice is not None:
                    found[invoice.id] = invoice
        return sorted(found.values(), key=lambda invoice: (invoice.moment, invoice.id))

    def _invoice(self, row: Record) -> Invoice | None:
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
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            self.logger.warning("a row of %s has no id or no valid created: its document is not fetched", self.path)
            return None
