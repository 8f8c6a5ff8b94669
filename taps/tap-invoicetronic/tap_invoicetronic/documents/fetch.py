"""Documents of invoices fetched one by one, within the limit and the balance.

A document that is stored is never fetched again: what was paid for is in the folder or bucket before anything about it
is written, so a run that dies costs nothing twice.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable
from tap_invoicetronic.documents.payload import payload_file
from tap_invoicetronic.documents.store import StoredDocument
from tap_invoicetronic.refusals import explain_forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.balance import OperationsBudget
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice
    from tap_invoicetronic.documents.paid_requests import PaidRequests
    from tap_invoicetronic.documents.store import InvoiceStore
    from tap_invoicetronic.documents.warn_once import WarnOnce


class _NotFetchedError(Exception):
    """This run does not fetch a document, nor others of its list; the message says why."""


class DocumentFetcher:
    """Fetches and stores documents for all streams of a run.

    Args:
        api: Sends the requests.
        store: Where documents are stored.
        budget: What the run may spend.
        paid_requests: Completes requests that may cost money.
        warn: Announces costs.
    """

    def __init__(
        self,
        api: InvoicetronicApi,
        *,
        store: InvoiceStore,
        budget: OperationsBudget,
        paid_requests: PaidRequests,
        warn: WarnOnce,
    ) -> None:
        """Start with nothing fetched."""
        self._api = api
        self._store = store
        self._budget = budget
        self._paid_requests = paid_requests
        self._warn = warn
        self._failed: dict[Invoice, RequestFailed] = {}
        """What failed is not requested again, and perhaps paid for again, by another stream."""

    def documents(self, due: Sequence[Invoice], *, may_fetch: bool) -> Iterator[tuple[Invoice, StoredDocument | None]]:
        """Return the documents of invoices, fetching those that are not stored while limit and balance allow it.

        Args:
            due: Invoices whose documents are wanted, in order.
            may_fetch: Whether anything may be fetched: not in a test of the connection.

        Yields:
            Each invoice and its document, None if the API no longer has it. Once a list must not be fetched from, its
            other invoices that are not reached are left to the next run.

        Raises:
            RequestFailed: If a document cannot be fetched.
        """
        stopped: set[Direction] = set()
        is_announced = not may_fetch
        for number, invoice in enumerate(due):
            if invoice.direction in stopped:
                continue
            name = self._store.find(invoice)
            if name is not None:
                yield invoice, StoredDocument(name, invoice, invoice.file_name)
                continue
            if not is_announced and invoice not in self._failed:
                self._announce(due[number:])
                is_announced = True
            try:
                document = self._fetch(invoice, may_fetch=may_fetch)
            except _NotFetchedError as reason:
                self._warn(str(reason))
                stopped.add(invoice.direction)
            else:
                yield invoice, document

    def _announce(self, due: Sequence[Invoice]) -> None:
        """Log what is about to be fetched, and what it costs."""
        wanted: list[Invoice] = []
        for invoice in due:
            if len(wanted) == self._budget.remaining:
                break
            if self._store.find(invoice) is None:
                wanted.append(invoice)
        received = sum(invoice.direction == "receive" for invoice in wanted)
        parts = []
        if received:
            left = self._budget.operations_left()
            cost = f"nothing is charged in the test environment, {left} operations are left"
            if self._budget.is_charged:
                received = min(received, left)
                cost = f"this costs {received} operations, {left} are left"
            parts.append(f"{received} received invoices are fetched: {cost}, and they are marked as read")
        if sent := sum(invoice.direction == "send" for invoice in wanted):
            parts.append(f"{sent} sent invoices are fetched: no cost is documented")
        if parts:
            self._warn("; ".join(parts))

    def _fetch(self, invoice: Invoice, *, may_fetch: bool) -> StoredDocument | None:
        """Fetch and store one document.

        Returns:
            The document; None if the invoice no longer exists.

        Raises:
            _NotFetchedError: If this run must not fetch it.
            RequestFailed: If it cannot be fetched.
        """
        failure = self._failed.get(invoice)
        if failure is None:
            self._take_from_budget(invoice, may_fetch=may_fetch)
            try:
                return self._paid_requests.complete(lambda: self._fetch_and_store(invoice))
            except StreamUnavailable as forbidden:
                raise _NotFetchedError(str(explain_forbidden(forbidden))) from forbidden
            except RequestFailed as error:
                self._failed[invoice] = failure = error
        if failure.status != HTTPStatus.NOT_FOUND:
            raise failure
        self._warn(f"{failure}: the invoice was deleted in the meantime")
        return None

    def _fetch_and_store(self, invoice: Invoice) -> StoredDocument:
        # As JSON: the answer of `/payload` is text without a charset.
        row = self._api.get(f"/{invoice.direction}/{invoice.id}", include_payload="true")
        payload = row.get("payload") if isinstance(row, dict) else None
        # An empty file is stored too: it shows that it was paid for.
        content, refused_encoding = payload_file(payload) if isinstance(payload, str) else (b"", None)
        name = self._store.put(invoice, content)
        if refused_encoding is not None:
            self._warn(
                f"{name} ({invoice.file_name}) declares the encoding {refused_encoding[:40]}, which invoices are not "
                "written in: it is stored in UTF-8"
            )
        return StoredDocument(name, invoice, invoice.file_name, content=content)

    def _take_from_budget(self, invoice: Invoice, *, may_fetch: bool) -> None:
        budget = self._budget
        if not may_fetch:
            raise _NotFetchedError("documents are not fetched in a test of the connection")
        if budget.remaining < 1:
            raise _NotFetchedError(f"payload_limit {budget.limit} is reached: other documents are left to the next run")
        if invoice.direction == "receive" and budget.is_charged and budget.operations_left() < 1:
            raise _NotFetchedError("the account has no operations left: other received invoices are not fetched")
        budget.spend(1)
