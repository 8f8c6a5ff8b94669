"""Exports: one archive with the documents of a period, requested once, and the files in it."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, NamedTuple

from singer_rest_core import RequestFailed, StreamUnavailable
from singer_rest_core.api import body_file, body_start
from singer_rest_core.documents import ZIP, ArchiveRefused, media_type_of, members
from tap_invoicetronic.documents.matching import InvoiceMatcher
from tap_invoicetronic.documents.store import StoredDocument
from tap_invoicetronic.refusals import explain_forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from singer_rest_core.documents import Member
    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.balance import OperationsBudget
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice, InvoiceLists
    from tap_invoicetronic.documents.paid_requests import PaidRequests
    from tap_invoicetronic.documents.periods import Period
    from tap_invoicetronic.documents.store import InvoiceStore
    from tap_invoicetronic.documents.warn_once import WarnOnce

_MAX_FILE_SIZE = 64 << 20
"""Bytes. The SDI accepts files of 5 MB (general knowledge); base64 and signatures come on top."""
_MAX_TOTAL_SIZE = 8 << 30
_MAX_MEMBERS = 1_000_000

ExportType = Literal["send", "receive", "both"]


class ExportSettings(NamedTuple):
    """Which exports a run makes.

    Args:
        periods: The setting `export_periods`.
        type: The setting `export_type`.
        company_id: The setting `company_id`; None for all companies.
        today: The day the run started: a period that is not over is not exported.
    """

    periods: Sequence[Period]
    type: ExportType
    company_id: int | None
    today: date

    def key_of(self, period: Period) -> str:
        """Return what tells an export from others, in the state and in the name of its archive.

        Args:
            period: Its period.
        """
        company = f"-company-{self.company_id}" if self.company_id is not None else ""
        return f"{period.text}-{self.type}{company}"


class Exports:
    """The exports of a run, shared by all its streams.

    Args:
        settings: Which exports there are.
        api: Sends the requests.
        lists: Reads the lists that files are matched with.
        store: Where documents are stored.
        budget: What the run may spend.
        paid_requests: Completes requests that may cost money.
        warn: Announces costs.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        settings: ExportSettings,
        *,
        api: InvoicetronicApi,
        lists: InvoiceLists,
        store: InvoiceStore,
        budget: OperationsBudget,
        paid_requests: PaidRequests,
        warn: WarnOnce,
    ) -> None:
        """Start with nothing requested."""
        self.settings = settings
        self._api = api
        self._lists = lists
        self._store = store
        self._budget = budget
        self._paid_requests = paid_requests
        self._warn = warn
        self._invoices: dict[Period, list[Invoice]] = {}
        self._documents: dict[Period, list[StoredDocument]] = {}
        self._unavailable: set[Period] = set()
        self._failed: dict[Period, RequestFailed] = {}
        """What failed is not requested again by another stream."""

    def archive(self, period: Period, *, may_export: bool) -> StoredDocument | None:
        """Return the archive of a period, exporting it if it is not stored and limit and balance allow it.

        Args:
            period: The period.
            may_export: Whether anything may be exported: not in a test of the connection.

        Returns:
            The archive; None if this run has none.

        Raises:
            RequestFailed: If the export fails.
        """
        if period in self._failed:
            raise self._failed[period]
        if stored := self._stored_archive(period):
            return stored
        if not may_export or period in self._unavailable:
            return None
        if self._is_affordable(period) and self._export(period):
            return self._stored_archive(period)
        self._unavailable.add(period)
        return None

    def documents(self, period: Period, archive: StoredDocument) -> Iterator[StoredDocument]:
        """Return an archive and the files in it, each stored by itself under the id of its invoice.

        The archive has no ids: its files are matched with the lists of /send and /receive. The first stream of a run
        reads the archive; the others get what it found.

        Args:
            period: The period of the export.
            archive: What `archive` returned.

        Yields:
            The archive, then its files; one that matches no invoice comes without an invoice.

        Raises:
            ArchiveRefused: If the archive is broken or malicious.
        """
        if period in self._documents:
            yield from self._documents[period]
            return
        found: list[StoredDocument] = []
        for document in self._unpack(period, archive):
            yield document
            found.append(document.with_content(None))
        self._documents[period] = found

    def _unpack(self, period: Period, archive: StoredDocument) -> Iterator[StoredDocument]:
        yield archive
        matcher = InvoiceMatcher(self._invoices_of(period))
        for member in self._members(period, archive):
            *folders, file_name = member.name.split("/")
            invoice = matcher.match(folders[-1].lower() if folders else "", file_name, member.content)
            if invoice is not None:
                yield self._stored(invoice, member.content, period)
                continue
            self._warn(f"export of {period.text}: {file_name} matches no invoice: no rows are made from it")
            key = self.settings.key_of(period)
            name = self._store.put_unmatched(key, [*folders, file_name], member.content)
            yield StoredDocument(name, None, file_name, period.text, content=member.content)

    def _stored(self, invoice: Invoice, content: bytes, period: Period) -> StoredDocument:
        """Store a file, unless its invoice's document is stored already: then that is the document."""
        name = self._store.find(invoice)
        if name is not None:
            return StoredDocument(name, invoice, invoice.file_name, period.text)
        return StoredDocument(
            self._store.put(invoice, content), invoice, invoice.file_name, period.text, content=content
        )

    def _members(self, period: Period, archive: StoredDocument) -> Iterator[Member]:
        try:
            with self._store.open(archive) as file:
                yield from members(
                    file,
                    max_file_size=_MAX_FILE_SIZE,
                    max_total_size=_MAX_TOTAL_SIZE,
                    max_members=_MAX_MEMBERS,
                )
        except ArchiveRefused as fault:
            raise ArchiveRefused(
                f"export of {period.text}: {fault}. {archive.name} stays as it is; to continue without it, remove "
                f"{period.text} from export_periods"
            ) from fault

    def _stored_archive(self, period: Period) -> StoredDocument | None:
        return self._store.find_archive(self.settings.key_of(period), period.text)

    def _is_affordable(self, period: Period) -> bool:
        """Announce what an export costs, and return whether it may be made.

        Each unread received invoice costs one operation (documented).
        """
        what = f"export of {period.text}"
        if period.last >= self.settings.today:
            self._warn(f"{what}: the period is not over; it is exported once, when it is")
            return False
        if self.settings.type == "send":
            self._warn(f"{what}: sent invoices, no cost is documented")
            return True
        unread = sum(not each.is_read and period.contains_any(each.days) for each in self._invoices_of(period))
        left = self._budget.operations_left()
        if not self._budget.is_charged:
            self._warn(
                f"{what}: nothing is charged in the test environment, {left} operations are left; {unread} invoices "
                "are marked as read"
            )
            return True
        if unread > min(self._budget.remaining, left):
            self._warn(
                f"{what} is not made: it would cost {unread} operations; {left} are left, and payload_limit "
                f"{self._budget.limit} allows this run {self._budget.remaining} more"
            )
            return False
        self._warn(f"{what}: this costs {unread} operations, {left} are left; as many invoices are marked as read")
        self._budget.spend(unread)
        return True

    def _invoices_of(self, period: Period) -> list[Invoice]:
        """Return the invoices an export may hold, and those of the days before and after; they are listed once a run.

        Whether a list was read completely does not matter here: a file whose invoice is not in it is stored unmatched.
        """
        if period not in self._invoices:
            directions: tuple[Direction, ...] = (
                ("send", "receive") if self.settings.type == "both" else (self.settings.type,)
            )
            self._invoices[period] = [
                invoice
                for direction in directions
                for invoice in self._lists.read(direction, filters=period.filters).invoices
            ]
        return self._invoices[period]

    def _export(self, period: Period) -> bool:
        """Request an export and store its archive.

        Returns:
            Whether there is one.

        Raises:
            RequestFailed: If the request fails.
        """
        try:
            is_stored = self._paid_requests.complete(lambda: self._export_and_store(period))
        except StreamUnavailable as forbidden:
            self._warn(f"export of {period.text} is not made: {explain_forbidden(forbidden)}")
            return False
        except RequestFailed as refusal:
            self._failed[period] = refusal
            raise
        if not is_stored:
            self._warn(f"export of {period.text}: the API has no invoices for it")
        return is_stored

    def _export_and_store(self, period: Period) -> bool:
        company_id = self.settings.company_id
        company = {"company_id": str(company_id)} if company_id is not None else {}
        answer = self._api.download("/export", type=self.settings.type, **company, **period.parameters)
        with closing(answer):
            if answer.status_code == HTTPStatus.NO_CONTENT:
                return False
            if media_type_of(body_start(answer)) != ZIP:
                raise RequestFailed("GET /export answered with something other than a ZIP archive")
            self._store.put_archive(self.settings.key_of(period), body_file(answer))
            return True
