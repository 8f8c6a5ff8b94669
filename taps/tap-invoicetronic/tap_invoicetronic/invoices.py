"""Which invoices there are, for the sake of their documents: the lists of /send and /receive, which cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.client import InvoicetronicStream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from singer_rest_core import Record
    from tap_invoicetronic.tap import TapInvoicetronic

Direction = Literal["send", "receive"]


@dataclass(frozen=True)
class Invoice:
    """A row of /send or /receive.

    Args:
        direction: Which of them.
        id: Its id there.
        created: When the row was made, as the API writes it.
        file_name: The name of its file.
        is_read: Whether its document was fetched by anyone; of what was sent always True.
        documents: Number and day (`YYYY-MM-DD`) of each of the invoices in it.
        seller: VAT number with its country, or fiscal code, of who issued them; empty if it is not told.
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
        """When the row was made."""
        return instant(self.created)

    @property
    def days(self) -> tuple[str, ...]:
        """The days of the invoices in it."""
        return tuple(day for _, day in self.documents)


class InvoiceList(InvoicetronicStream):
    """One reading of /send or /receive, newest rows first; no stream of the catalog, nothing of it is written.

    Args:
        tap: The tap.
        direction: Which list.
        since: The oldest `created` that is wanted; None for all.
        filters: Filters of the list.
    """

    name = "document"
    """For whom it is read: its log lines begin with it."""

    schema = {"type": "object", "properties": {}}  # noqa: RUF012 - the SDK's own form
    page_codec = None
    by_company = True

    def __init__(
        self,
        tap: TapInvoicetronic,
        direction: Direction,
        *,
        since: str | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> None:
        """Ask for nothing yet."""
        super().__init__(tap)
        self.path = f"/{direction}"
        self._direction = direction
        self._since = since
        self._own_filters = filters or {}

    @property
    def down_to(self) -> tuple[str, str] | None:
        """By `created`, which both lists have, and neither filters by."""
        return ("created", self._since) if self._since is not None else None

    sort = "-created"
    """Seen in the vendor's own client, for both lists."""

    def list_params(self) -> dict[str, str]:
        """Say which rows are asked for.

        Returns:
            Query parameters.
        """
        return {**super().list_params(), **self._own_filters}

    def read(self) -> list[Invoice]:
        """Read the list.

        Returns:
            The invoices, oldest first. See `has_read_all`.
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
            self.logger.warning(
                "a row of %s has no id or no time of its making: its document is not fetched", self.path
            )
            return None
