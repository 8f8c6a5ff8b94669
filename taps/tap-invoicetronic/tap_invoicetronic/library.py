"""The documents of the account: those that are kept, and those that may be fetched because the user says so.

A document that is kept is never fetched again: what was paid for stands in the folder or bucket before anything is
written of it, and a run that dies costs nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable, body_of
from singer_rest_core.records.timestamps import instant
from tap_invoicetronic.client import plainly
from tap_invoicetronic.errands import Errands
from tap_invoicetronic.exports import Exports
from tap_invoicetronic.invoices import InvoiceList
from tap_invoicetronic.payload_text import file_of
from tap_invoicetronic.shelf import Kept, Shelf

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence

    from tap_invoicetronic.invoices import Direction, Invoice
    from tap_invoicetronic.tap import TapInvoicetronic


class _NotNowError(Exception):
    """A document is not fetched by this run, nor others of its list; the message says why."""


@dataclass(frozen=True)
class Backlog:
    """The invoices of one list.

    Args:
        since: The oldest `created` that was asked for; None if all were.
        invoices: Oldest first.
        is_whole: Whether the list kept still while it was read.
    """

    since: str | None
    invoices: Sequence[Invoice]
    is_whole: bool


class Library:
    """The documents, shared by the streams that are made of them.

    Args:
        tap: The tap; it has `documents_url`.
        logger: Where costs are announced.
    """

    def __init__(self, tap: TapInvoicetronic, logger: logging.Logger) -> None:
        """Open the store; nothing is asked for yet."""
        self._tap = tap
        self.shelf = Shelf(tap.config["documents_url"], tap.environment)
        self.errands = Errands(tap, logger)
        self.exports = Exports(tap, self.shelf, self.errands)
        self._backlogs: dict[Direction, Backlog] = {}
        self._refused: dict[Invoice, RequestFailed] = {}
        """What failed is not asked for again, and maybe paid for again, by another stream."""
        payloads = tap.config["payloads"]
        self.directions: tuple[Direction, ...] = ("send", "receive") if payloads == "both" else ()
        if payloads in {"send", "receive"}:
            self.directions = (payloads,)

    def backlog(self, direction: Direction, since: str | None) -> Backlog:
        """List invoices, once a run if the first to ask goes back the farthest.

        Args:
            direction: Which list.
            since: The oldest `created` that is wanted; None for all.

        Returns:
            These and maybe older ones; none if the key may not read the list.
        """
        known = self._backlogs.get(direction)
        if known is None or (known.since is not None and (since is None or instant(since) < instant(known.since))):
            listing = InvoiceList(self._tap, direction, since=since)
            try:
                known = Backlog(since, listing.read(), listing.has_read_all)
            except StreamUnavailable as forbidden:
                self.errands.tell(f"{direction} is left out: {forbidden}")
                known = Backlog(None, (), is_whole=False)
            self._backlogs[direction] = known
        return known

    def documents(self, due: Sequence[Invoice]) -> Iterator[tuple[Invoice, Kept | None]]:
        """Give the documents of invoices, fetching what is not kept as long as limit and balance allow.

        Args:
            due: Invoices whose documents are wanted, in order.

        Yields:
            Each and its document, None if the API has it no more. Once a list may not be fetched from any more, its
            other invoices are left out: the next run has them.

        Raises:
            RequestFailed: If a document cannot be fetched.
        """
        stopped: set[Direction] = set()
        announced = False
        for number, invoice in enumerate(due):
            if invoice.direction in stopped:
                continue
            name = self.shelf.find(invoice)
            if name is None and not announced and invoice not in self._refused:
                self._announce(due[number:])
                announced = True
            try:
                name = name or self._fetch(invoice)
            except _NotNowError as reason:
                self.errands.tell(str(reason))
                stopped.add(invoice.direction)
            else:
                yield invoice, Kept(name, invoice, invoice.file_name) if name else None

    def _announce(self, due: Sequence[Invoice]) -> None:
        """Say what is about to be fetched, and what it costs."""
        if self.errands.are_off:
            return
        account = self._tap.account
        wanted: list[Invoice] = []
        for invoice in due:
            if len(wanted) == account.allowance:
                break
            if self.shelf.find(invoice) is None:
                wanted.append(invoice)
        received = sum(invoice.direction == "receive" for invoice in wanted)
        parts = []
        if received:
            left = account.operations_left()
            cost = f"nothing is charged in the test environment, {left} operations are left"
            if account.is_billed:
                received = min(received, left)
                cost = f"this costs {received} operations, {left} are left"
            parts.append(f"{received} received invoices are fetched: {cost}, and they are marked as read")
        if sent := sum(invoice.direction == "send" for invoice in wanted):
            parts.append(f"{sent} sent invoices are fetched: no cost is documented")
        if parts:
            self.errands.tell("; ".join(parts))

    def _fetch(self, invoice: Invoice) -> str | None:
        """Fetch a document and keep it; one at a time, as each may cost.

        In JSON: the answer of `/payload` is text without an encoding.

        Raises:
            _NotNowError: If this run may not.
        """
        refusal = self._refused.get(invoice)
        if refusal is None:
            self._take_allowance(invoice)
            try:
                return self.errands.run(lambda: self._fetch_and_keep(invoice))
            except StreamUnavailable as forbidden:
                raise _NotNowError(str(plainly(forbidden))) from forbidden
            except RequestFailed as failure:
                self._refused[invoice] = refusal = failure
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise refusal
        self.errands.tell(f"{refusal}: the invoice was deleted meanwhile")
        return None

    def _fetch_and_keep(self, invoice: Invoice) -> str:
        request = self._tap.request(f"/{invoice.direction}/{invoice.id}", include_payload="true")
        row = body_of(self._tap.client.send(request, thorough=True))
        payload = row.get("payload") if isinstance(row, dict) else None
        # An empty file, too, is a sign that it was paid for.
        return self.shelf.keep(invoice, file_of(payload) if isinstance(payload, str) else b"")

    def _take_allowance(self, invoice: Invoice) -> None:
        account = self._tap.account
        if self.errands.are_off:
            raise _NotNowError("in a test of the connection no documents are fetched")
        if account.allowance < 1:
            limit = self._tap.config["payload_limit"]
            raise _NotNowError(f"payload_limit {limit} is reached: other documents are left to the next run")
        if invoice.direction == "receive" and account.operations_left() < 1 and account.is_billed:
            raise _NotNowError("the account has no operations left: other received invoices are not fetched")
        account.allowance -= 1
