"""Exports: one archive of the documents of a period, made once, and the files in it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from singer_rest_core import RequestFailed, StreamUnavailable
from singer_rest_core.documents import ZIP, ArchiveRefused, media_type_of, members
from tap_invoicetronic.client import plainly
from tap_invoicetronic.export_files import Owners
from tap_invoicetronic.invoices import InvoiceList
from tap_invoicetronic.periods import Period
from tap_invoicetronic.shelf import Kept

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_rest_core.documents import Member
    from tap_invoicetronic.errands import Errands
    from tap_invoicetronic.invoices import Direction, Invoice
    from tap_invoicetronic.shelf import Shelf
    from tap_invoicetronic.tap import TapInvoicetronic

_LONGEST_FILE = 64 << 20
"""The SDI takes files of 5 MB (general knowledge); base64 and signatures come on top."""
_LARGEST_EXPORT = 8 << 30
_MOST_FILES = 1_000_000


class Exports:
    """The exports of `export_periods`, shared by the streams that are made of documents.

    Args:
        tap: The tap.
        shelf: Where documents are kept.
        errands: What fetches them.
    """

    def __init__(self, tap: TapInvoicetronic, shelf: Shelf, errands: Errands) -> None:
        """Ask for nothing yet."""
        self._tap = tap
        self._shelf = shelf
        self._errands = errands
        self._invoices: dict[Period, list[Invoice]] = {}
        self._passed_over: set[Period] = set()
        self._refused: dict[Period, RequestFailed] = {}
        """What failed is not asked for again by another stream."""
        self.periods = [Period.of(text) for text in tap.config.get("export_periods", [])]

    def archive(self, period: Period) -> Kept | None:
        """Give the archive of a period, exporting it if it is not kept and may be.

        Args:
            period: The period.

        Returns:
            The archive; None if there is none, and this run gets none.

        Raises:
            RequestFailed: If the export fails.
        """
        if period in self._refused:
            raise self._refused[period]
        if kept := self._shelf.archive(self.key_of(period), period.text):
            return kept
        if self._errands.are_off or period in self._passed_over:
            return None
        if self._may_be_made(period) and self._is_made(period):
            return self._shelf.archive(self.key_of(period), period.text)
        self._passed_over.add(period)
        return None

    def key_of(self, period: Period) -> str:
        """Tell an export from others, for the state and for its name.

        Args:
            period: Its period.

        Returns:
            Period, type and company.
        """
        config = self._tap.config
        company = f"-company-{config['company_id']}" if "company_id" in config else ""
        return f"{period.text}-{config['export_type']}{company}"

    def files(self, period: Period, archive: Kept) -> Iterator[Kept]:
        """Give the files of an archive, each kept by itself under the id of its invoice.

        The archive names no ids: its files are matched with the lists of /send and /receive.

        Args:
            period: The period of the export.
            archive: What `archive` gave.

        Yields:
            The files; one that matches no invoice without an invoice.

        Raises:
            ArchiveRefused: If the archive is broken, or made to do harm.
        """
        owners = Owners(self._invoices_of(period))
        for member in self._members(period, archive):
            *folders, file_name = member.name.split("/")
            invoice = owners.of(folders[-1].lower() if folders else "", file_name, member.content)
            if invoice is not None:
                name = self._shelf.find(invoice) or self._shelf.keep(invoice, member.content)
                yield Kept(name, invoice, invoice.file_name, period.text)
                continue
            self._errands.tell(f"export of {period.text}: {file_name} matches no invoice: no rows are made of it")
            name = self._shelf.keep_stray(self.key_of(period), [*folders, file_name], member.content)
            yield Kept(name, None, file_name, period.text)

    def _members(self, period: Period, archive: Kept) -> Iterator[Member]:
        content = self._shelf.read(archive)
        try:
            yield from members(
                content, max_file_size=_LONGEST_FILE, max_total_size=_LARGEST_EXPORT, max_members=_MOST_FILES
            )
        except ArchiveRefused as fault:
            raise ArchiveRefused(
                f"export of {period.text}: {fault}. {archive.name} stays as it came; to go on without it, take "
                f"{period.text} out of export_periods"
            ) from fault

    def _may_be_made(self, period: Period) -> bool:
        """Say what an export costs, and whether it may be made; unread received invoices are counted (documented)."""
        account = self._tap.account
        what = f"export of {period.text}"
        if period.last >= self._tap.began.date():
            self._errands.tell(f"{what}: the period is not over; it is exported once, when it is")
            return False
        if self._tap.config["export_type"] == "send":
            self._errands.tell(f"{what}: sent invoices, no cost is documented")
            return True
        unread = sum(not each.is_read and period.holds(each.days) for each in self._invoices_of(period))
        left = account.operations_left()
        if not account.is_billed:
            self._errands.tell(
                f"{what}: nothing is charged in the test environment, {left} operations are left; {unread} invoices "
                "are marked as read"
            )
            return True
        if unread > min(account.allowance, left):
            limit = self._tap.config["payload_limit"]
            self._errands.tell(
                f"{what} is not made: it would cost {unread} operations; {left} are left, and payload_limit {limit} "
                f"allows this run {account.allowance} more"
            )
            return False
        self._errands.tell(
            f"{what}: this costs {unread} operations, {left} are left; as many invoices are marked as read"
        )
        account.allowance -= unread
        return True

    def _invoices_of(self, period: Period) -> list[Invoice]:
        """List the invoices an export may hold, once a run, and those of the days before and after."""
        if period not in self._invoices:
            kind = self._tap.config["export_type"]
            listed: list[Invoice] = []
            wanted: tuple[Direction, ...] = ("send", "receive") if kind == "both" else (kind,)
            for direction in wanted:
                listed += InvoiceList(self._tap, direction, filters=period.filters).read()
            self._invoices[period] = listed
        return self._invoices[period]

    def _is_made(self, period: Period) -> bool:
        """Make an export and keep its archive.

        Returns:
            Whether there is one.
        """
        try:
            is_kept = self._errands.run(lambda: self._export_and_keep(period))
        except StreamUnavailable as forbidden:
            self._errands.tell(f"export of {period.text} is not made: {plainly(forbidden)}")
            return False
        except RequestFailed as refusal:
            self._refused[period] = refusal
            raise
        if not is_kept:
            self._errands.tell(f"export of {period.text}: the API has no invoices for it")
        return is_kept

    def _export_and_keep(self, period: Period) -> bool:
        config = self._tap.config
        company = {"company_id": str(config["company_id"])} if "company_id" in config else {}
        request = self._tap.request("/export", type=config["export_type"], **company, **period.parameters)
        request.headers["Accept"] = "*/*"
        answer = self._tap.client.send_for_document(request)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return False
        if media_type_of(answer.content) != ZIP:
            raise RequestFailed("GET /export answered with something else than a ZIP archive")
        self._shelf.keep_archive(self.key_of(period), answer.content)
        return True
