"""Documents of invoices fetched one by one, within the limit and the balance.

A document that is stored is never fetched again: what was paid for is in the folder or bucket before anything about it
is written, so a run that dies costs nothing twice.
"""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from singer_rest_core import OutcomeUnknown, RequestFailed, StreamUnavailable
from tap_invoicetronic.documents.failures import document_key
from tap_invoicetronic.documents.paid_requests import PaidRequest
from tap_invoicetronic.documents.payload import payload_file
from tap_invoicetronic.documents.store import StoredDocument
from tap_invoicetronic.refusals import BalanceExhausted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.balance import OperationsBudget
    from tap_invoicetronic.documents.failures import Failures
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice
    from tap_invoicetronic.documents.paid_requests import PaidRequests
    from tap_invoicetronic.documents.read_before import ReadBefore
    from tap_invoicetronic.documents.store import InvoiceStore
    from tap_invoicetronic.documents.warn_once import WarnOnce

_MAX_FAILURES_IN_A_ROW = 10
"""After so many the API, and not the documents, is at fault."""
_TRIES_OF_A_MISSING_INVOICE = 3
"""Runs in which an invoice that is listed may be answered with 404; then it is taken for deleted."""


class Postponed(NamedTuple):
    """The document of an invoice is left to a later run, and those after it are not.

    Args:
        error: Why it could not be fetched in this run; None if that was not tried, or is no error.
    """

    error: RequestFailed | None = None


class Stopped(NamedTuple):
    """This run fetches no more documents of a list.

    Args:
        error: The error that is the reason; None if the reason is no error.
    """

    error: RequestFailed | None = None


Fetched = StoredDocument | Postponed | Stopped | None
"""What became of a document; None if its invoice no longer exists."""


class _NotFetchedError(Exception):
    """This run fetches no more documents of a list; the message says why."""

    def __init__(self, reason: str, error: RequestFailed | None = None) -> None:
        super().__init__(reason)
        self.error = error


class DocumentFetcher:
    """Fetches and stores documents for all streams of a run.

    Args:
        api: Sends the requests.
        store: Where documents are stored.
        budget: What the run may spend.
        paid_requests: Completes requests that may cost money.
        failures: What failed in this run and in earlier ones.
        read_before: What earlier runs have read; it is not fetched again.
        warn: Announces costs.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        api: InvoicetronicApi,
        *,
        store: InvoiceStore,
        budget: OperationsBudget,
        paid_requests: PaidRequests,
        failures: Failures,
        read_before: ReadBefore,
        warn: WarnOnce,
    ) -> None:
        """Start with nothing fetched."""
        self._api = api
        self._store = store
        self._budget = budget
        self._paid_requests = paid_requests
        self._failures = failures
        self._read_before = read_before
        self._warn = warn
        self._stopped: dict[Direction, _NotFetchedError] = {}
        """The lists that no stream fetches from any more in this run."""
        self._failed_in_a_row: Counter[Direction] = Counter()
        self._gone: set[str] = set()
        """The documents whose invoices no longer exist."""

    def documents(
        self, new: Sequence[Invoice], postponed: Sequence[Invoice], *, may_fetch: bool
    ) -> Iterator[tuple[Invoice, Fetched]]:
        """Return the documents of invoices, fetching those that are not stored while limit and balance allow it.

        Args:
            new: Invoices whose documents are wanted, in order.
            postponed: Invoices whose documents are wanted after those, in any order.
            may_fetch: Whether anything may be fetched: not in a test of the connection.

        Yields:
            Each invoice and what became of its document: None also if an earlier run has come to it and it is not
            stored. Once a list must not be fetched from, its other new invoices are not reached, and of the postponed
            ones only those whose documents are stored.

        Raises:
            DocumentsUnusable: If documents cannot be stored or found.
        """
        due = [*new, *postponed]
        stopped: set[Direction] = set()
        is_announced = not may_fetch
        for number, invoice in enumerate(due):
            is_new = number < len(new)
            if is_new and invoice.direction in stopped:
                continue
            fetched: Fetched = self.stored(invoice)
            if fetched is None and self._read_before.includes(invoice):
                self._read_before.note_missing(_key(invoice))
                yield invoice, None
                continue
            if fetched is None and invoice.direction in stopped:
                continue
            if fetched is None:
                if not is_announced and self._would_fetch(invoice):
                    self._announce(due[number:])
                    is_announced = True
                fetched = self._fetch(invoice, may_fetch=may_fetch)
            if isinstance(fetched, Stopped):
                stopped.add(invoice.direction)
            yield invoice, fetched

    def _would_fetch(self, invoice: Invoice) -> bool:
        key = _key(invoice)
        return (
            invoice.direction not in self._stopped
            and not self._read_before.includes(invoice)
            and key not in self._gone
            and key not in self._failures.in_this_run
            and self._failures.may_try(key)
        )

    def stored(self, invoice: Invoice) -> StoredDocument | None:
        """Return the document of an invoice if it is stored; nothing is fetched.

        Args:
            invoice: The invoice.
        """
        name = self._store.find(invoice)
        return None if name is None else StoredDocument(name, invoice, invoice.file_name)

    def _announce(self, due: Sequence[Invoice]) -> None:
        """Log what is about to be fetched, and what it costs."""
        wanted: list[Invoice] = []
        for invoice in due:
            if len(wanted) == self._budget.remaining:
                break
            if self._would_fetch(invoice) and self._store.find(invoice) is None:
                wanted.append(invoice)
        parts = []
        if received := sum(invoice.direction == "receive" for invoice in wanted):
            parts += self._cost_of(received)
        if sent := sum(invoice.direction == "send" for invoice in wanted):
            parts.append(f"{sent} sent invoices are fetched: no cost is documented")
        if parts:
            self._warn("; ".join(parts))

    def _cost_of(self, received: int) -> list[str]:
        try:
            left = self._operations_left()
        except _NotFetchedError:
            return []
        if self._budget.is_charged:
            received = min(received, left)
            cost = f"this costs {received} operations, {left} are left"
        else:
            cost = f"nothing is charged in the test environment, {left} operations are left"
        return [f"{received} received invoices are fetched: {cost}, and they are marked as read"]

    def _fetch(self, invoice: Invoice, *, may_fetch: bool) -> Fetched:
        """Fetch and store one document, unless this run must not, or has tried already."""
        key = _key(invoice)
        if key in self._gone:
            return None
        if key in self._failures.in_this_run:
            return Postponed(self._failures.in_this_run[key])
        if not self._failures.may_try(key):
            return Postponed()
        try:
            self._require_permission(invoice.direction, may_fetch=may_fetch)
            document = self._request(invoice)
        except _NotFetchedError as reason:
            self._stopped[invoice.direction] = reason
            self._warn(str(reason))
            return Stopped(reason.error)
        except RequestFailed as error:
            return self._failed(invoice, error)
        self._failed_in_a_row[invoice.direction] = 0
        return document

    def _request(self, invoice: Invoice) -> StoredDocument:
        try:
            return self._paid_requests.complete(
                PaidRequest(
                    key=_key(invoice),
                    what="document",
                    path=self._store.path_of(invoice),
                    is_costly=invoice.direction == "receive",
                    cost=1,
                    is_cost_exact=True,
                    send=lambda: self._payload_of(invoice),
                    store=lambda payload: self._put(invoice, payload),
                )
            )
        except (StreamUnavailable, BalanceExhausted) as forbidden:
            raise _NotFetchedError(str(forbidden)) from forbidden

    def _failed(self, invoice: Invoice, error: RequestFailed) -> Fetched:
        key = _key(invoice)
        if error.status != HTTPStatus.NOT_FOUND:
            self._warn(str(error))
            self._failed_in_a_row[invoice.direction] += 1
            self._failures.in_this_run[key] = error
            return Postponed(error)
        failure = self._failures.get(key)
        if failure is None or failure.times >= _TRIES_OF_A_MISSING_INVOICE:
            self._failures.remove(key)
            self._gone.add(key)
            self._warn(f"{error.__cause__}: the invoice no longer exists")
            return None
        self._warn(f"{error}, unless the invoice was deleted")
        self._failures.in_this_run[key] = None
        return Postponed()

    def _payload_of(self, invoice: Invoice) -> str:
        """Request the payload of an invoice, as JSON: the answer of `/payload` is text without a charset."""
        path = f"/{invoice.direction}/{invoice.id}"
        # No cost is documented for sent invoices, so that nothing is lost if their requests are sent again.
        get = self._api.get_once if invoice.direction == "receive" else self._api.get
        row: Any = get(path, include_payload="true")
        payload = row.get("payload") if isinstance(row, dict) else None
        if not isinstance(payload, str):
            raise OutcomeUnknown(f"GET {path} answered without a payload")
        return payload

    def _put(self, invoice: Invoice, payload: str) -> StoredDocument:
        # An empty file is stored too: it shows that it was paid for.
        content, refused_encoding = payload_file(payload)
        name = self._store.put(invoice, content)
        if refused_encoding is not None:
            self._warn(
                f"{name} ({invoice.file_name}) declares the encoding {refused_encoding[:40]}, which invoices are not "
                "written in: it is stored in UTF-8"
            )
        return StoredDocument(name, invoice, invoice.file_name, content=content)

    def _require_permission(self, direction: Direction, *, may_fetch: bool) -> None:
        """Check that this run may fetch a document of a list.

        Raises:
            _NotFetchedError: If not.
        """
        budget = self._budget
        if direction in self._stopped:
            raise self._stopped[direction]
        if not may_fetch:
            raise _NotFetchedError("documents are not fetched in a test of the connection")
        if budget.remaining < 1:
            raise _NotFetchedError(f"payload_limit {budget.limit} is reached: other documents are left to the next run")
        if self._failed_in_a_row[direction] >= _MAX_FAILURES_IN_A_ROW:
            raise _NotFetchedError(
                f"{_MAX_FAILURES_IN_A_ROW} documents of {direction} in a row could not be fetched: others are left to "
                "the next run"
            )
        if direction == "receive" and self._operations_left() < 1 and budget.is_charged:
            raise _NotFetchedError("the account has no operations left: other received invoices are not fetched")

    def _operations_left(self) -> int:
        """Return the balance.

        Raises:
            _NotFetchedError: If nothing may be spent in this run.
        """
        refusal = self._api.refusals.balance
        if refusal is not None:
            raise _NotFetchedError(str(refusal))
        try:
            return self._budget.operations_left()
        except RequestFailed as error:
            raise _NotFetchedError(str(error), error) from error


def _key(invoice: Invoice) -> str:
    return document_key(invoice.direction, invoice.id)
