"""Exports: one archive with the documents of a period, requested once; which are made, and what they cost."""

from __future__ import annotations

from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, NamedTuple

from singer_rest_core import OutcomeUnknown, RequestFailed, StreamUnavailable
from singer_rest_core.api import body_file, body_start
from singer_rest_core.documents import ZIP, ArchiveRefused, media_type_of
from tap_invoicetronic.documents.failures import archive_key, export_key
from tap_invoicetronic.documents.paid_requests import PaidRequest
from tap_invoicetronic.refusals import BalanceExhausted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import requests

    from tap_invoicetronic.api import InvoicetronicApi
    from tap_invoicetronic.documents.balance import OperationsBudget
    from tap_invoicetronic.documents.export_files import ExportFiles
    from tap_invoicetronic.documents.failures import Failures
    from tap_invoicetronic.documents.paid_requests import PaidRequests
    from tap_invoicetronic.documents.periods import Period
    from tap_invoicetronic.documents.store import InvoiceStore, StoredDocument
    from tap_invoicetronic.documents.warn_once import WarnOnce

_PATH = "/export"

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

    An export or archive that fails is tried once a run, whatever streams there are, and does not keep others from being
    read.

    Args:
        settings: Which exports there are.
        api: Sends the requests.
        store: Where documents are stored.
        files: Reads the archives.
        budget: What the run may spend.
        paid_requests: Completes requests that may cost money.
        failures: What failed in this run and in earlier ones.
        warn: Announces costs.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        settings: ExportSettings,
        *,
        api: InvoicetronicApi,
        store: InvoiceStore,
        files: ExportFiles,
        budget: OperationsBudget,
        paid_requests: PaidRequests,
        failures: Failures,
        warn: WarnOnce,
    ) -> None:
        """Start with nothing requested."""
        self.settings = settings
        self._api = api
        self._store = store
        self._files = files
        self._budget = budget
        self._paid_requests = paid_requests
        self._failures = failures
        self._warn = warn
        self._unavailable: set[Period] = set()
        self._failed: dict[Period, RequestFailed | ArchiveRefused] = {}
        """What failed is not requested or read again by another stream."""
        self._refusal: str | None = None
        self._has_archive = False

    @property
    def refusal(self) -> str | None:
        """Why the key has no permission for exports; None if it may have, or if an archive was read."""
        return None if self._has_archive else self._refusal

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
        export = self.settings.key_of(period)
        if archive := self._stored_archive(period):
            self._failures.remove(export_key(export))
            if period not in self._failed and not self._failures.may_try(archive_key(export)):
                return None
            self._has_archive = True
            return archive
        if period in self._failed:
            raise self._failed[period]
        if not may_export or period in self._unavailable or not self._failures.may_try(export_key(export)):
            return None
        try:
            is_stored = self._is_wanted(period) and self._export(period)
        except RequestFailed as error:
            self._warn(f"export of {period.text}: {error}")
            self._failed[period] = error
            raise
        if is_stored:
            return self.archive(period, may_export=False)
        self._unavailable.add(period)
        return None

    def documents(self, period: Period, archive: StoredDocument) -> Iterator[StoredDocument]:
        """Return an archive and the files in it, each stored by itself under the id of its invoice.

        Args:
            period: The period of the export.
            archive: What `archive` returned.

        Yields:
            The archive, then its files; one that matches no invoice comes without an invoice.

        Raises:
            ArchiveRefused: If the archive is broken or malicious. What comes before is yielded.
            RequestFailed: If the lists that files are matched with cannot be read.
        """
        export = self.settings.key_of(period)
        try:
            yield from self._files.documents(period, export, archive)
        except ArchiveRefused as fault:
            if period not in self._failed:
                failure = self._failures.add_archive(archive_key(export))
                again = f"{failure.again_after:%Y-%m-%d}" if failure.again_after is not None else "this run"
                line = (
                    f"export of {period.text}: {fault}. {archive.name} stays as it is and is read again after {again}; "
                    f"to leave it out, remove {period.text} from export_periods"
                )
                self._failed[period] = ArchiveRefused(line)
            raise self._failed[period] from fault
        self._failures.remove(archive_key(export))

    def awaited(self, days: tuple[str, ...]) -> str | None:
        """Return an export that was paid for, did not arrive, and is requested again in a later run.

        Received invoices that have been exported are read, and cost nothing in the next export (documented: the unread
        ones are counted as operations); fetched one by one they would be paid for again.

        Args:
            days: The days of a received invoice.

        Returns:
            The key of an export that holds the invoice; None if there is none.
        """
        for period in self.settings.periods:
            export = self.settings.key_of(period)
            if self.is_awaited(export) and period.contains_any(days):
                return export
        return None

    def is_awaited(self, export: str) -> bool:
        """Return whether an export was paid for, did not arrive, and is requested again in a later run.

        Args:
            export: The key of the export.
        """
        failure = self._failures.get(export_key(export))
        is_selected = any(self.settings.key_of(period) == export for period in self.settings.periods)
        return is_selected and failure is not None and failure.paid > 0 and not failure.is_given_up

    def _stored_archive(self, period: Period) -> StoredDocument | None:
        return self._store.find_archive(self.settings.key_of(period), period.text)

    def _is_wanted(self, period: Period) -> bool:
        """Announce what an export costs, and return whether it may be made.

        Each unread received invoice costs one operation (documented).

        Raises:
            RequestFailed: If that cannot be found out.
        """
        what = f"export of {period.text}"
        if period.last >= self.settings.today:
            self._warn(f"{what}: the period is not over; it is exported once, when it is")
            return False
        try:
            self._api.refusals.check(_PATH)
            if self.settings.type == "send":
                self._warn(f"{what}: sent invoices, no cost is documented")
                return True
            if self._api.refusals.balance is not None:
                raise self._api.refusals.balance
            return self._is_affordable(period)
        except (StreamUnavailable, BalanceExhausted) as refusal:
            self._refuse(period, refusal)
            return False

    def _is_affordable(self, period: Period) -> bool:
        what = f"export of {period.text}"
        unread = self._unread(period)
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
        return True

    def _unread(self, period: Period) -> int:
        return sum(not each.is_read and period.contains_any(each.days) for each in self._files.invoices_of(period))

    def _refuse(self, period: Period, refusal: StreamUnavailable | BalanceExhausted) -> None:
        if isinstance(refusal, StreamUnavailable):
            self._refusal = str(refusal)
        self._warn(f"export of {period.text} is not made: {refusal}")

    def _export(self, period: Period) -> bool:
        """Request an export and store its archive.

        Returns:
            Whether there is one.

        Raises:
            RequestFailed: If the request fails.
        """
        export = self.settings.key_of(period)
        is_costly = self.settings.type != "send"
        request = PaidRequest(
            key=export_key(export),
            what="archive",
            path=self._store.archive_path(export),
            is_costly=is_costly,
            cost=self._unread(period) if is_costly and self._budget.is_charged else 0,
            is_cost_exact=False,
            send=lambda: self._download(period),
            store=lambda answer: self._put(export, answer),
        )
        try:
            is_stored = self._paid_requests.complete(request)
        except (StreamUnavailable, BalanceExhausted) as refusal:
            self._refuse(period, refusal)
            return False
        if not is_stored:
            self._warn(f"export of {period.text}: the API has no invoices for it")
        return is_stored

    def _download(self, period: Period) -> requests.Response:
        """Request an export; return a response with an archive, or with 204 if the API has no invoices for it."""
        company_id = self.settings.company_id
        company = {"company_id": str(company_id)} if company_id is not None else {}
        answer = self._api.download_once(_PATH, type=self.settings.type, **company, **period.parameters)
        if answer.status_code != HTTPStatus.NO_CONTENT and media_type_of(body_start(answer)) != ZIP:
            raise OutcomeUnknown(f"GET {_PATH} answered with something other than a ZIP archive")
        return answer

    def _put(self, export: str, answer: requests.Response) -> bool:
        with closing(answer):
            if answer.status_code == HTTPStatus.NO_CONTENT:
                return False
            self._store.put_archive(export, body_file(answer))
            return True
