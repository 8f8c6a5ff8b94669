"""The documents of the account: those that are kept, and those that may be fetched because the user says so.

A document that is kept is never fetched again: what was paid for stands in the folder or bucket before anything is
written of it, and a run that dies costs nothing twice.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from singer_rest_core import RequestFailed, StreamUnavailable, body_of
from singer_rest_core.archives import ArchiveRefused, members
from singer_rest_core.documents import (
    PKCS7,
    UNKNOWN,
    XML,
    ZIP,
    DocumentStore,
    DocumentsUnusable,
    media_type_of,
    safe_name,
)
from singer_rest_core.errors import RunInterrupted
from singer_rest_core.timestamps import instant
from tap_invoicetronic.client import plainly
from tap_invoicetronic.export_files import Owners
from tap_invoicetronic.invoices import InvoiceList
from tap_invoicetronic.payload_text import file_of
from tap_invoicetronic.periods import Period

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from singer_rest_core import Record
    from singer_rest_core.archives import Member
    from tap_invoicetronic.invoices import Direction, Invoice
    from tap_invoicetronic.tap import TapInvoicetronic

Result = TypeVar("Result")

_SUFFIXES = {XML: ".xml", PKCS7: ".xml.p7m", UNKNOWN: ".bin", ZIP: ".zip"}
_MEDIA_TYPES = {suffix: media_type for media_type, suffix in _SUFFIXES.items()}
_OF_INVOICES = (".xml", ".xml.p7m", ".bin")

_LONGEST_FILE = 64 << 20
"""The SDI takes files of 5 MB (general knowledge); base64 and signatures come on top."""
_LARGEST_EXPORT = 8 << 30
_MOST_FILES = 1_000_000


class _NotNowError(Exception):
    """A document is not fetched by this run, nor others of its list; the message says why."""


@dataclass(frozen=True)
class Kept:
    """A document in the folder or bucket.

    Args:
        name: Its path there.
        invoice: Whose it is; None for an archive, and for a file of an archive that matches no invoice.
        file_name: As the API names it.
        period: The export it came with; None if it was fetched by itself.
    """

    name: str
    invoice: Invoice | None
    file_name: str | None
    period: str | None = None


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
        config = tap.config
        self._tap = tap
        self._logger = logger
        self._store = DocumentStore(config["documents_url"])
        self._backlogs: dict[Direction, Backlog] = {}
        self._exported: dict[str, list[Invoice]] = {}
        self._passed_over: set[str] = set()
        self._refused: dict[Invoice | str, RequestFailed] = {}
        """By document or archive: what failed is not asked for again, and maybe paid for again, by another stream."""
        self._told: set[str] = set()
        self.only_kept = False
        """Whether nothing may be fetched: in a test of the connection."""
        payloads = config["payloads"]
        self.directions: tuple[Direction, ...] = ("send", "receive") if payloads == "both" else ()
        if payloads in {"send", "receive"}:
            self.directions = (payloads,)
        self.periods = [Period.of(text) for text in config.get("export_periods", [])]

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
                self._tell(f"{direction} is left out: {forbidden}")
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
            name = self._name_of(invoice)
            if name is None and not announced and invoice not in self._refused:
                self._announce(due[number:])
                announced = True
            try:
                name = name or self._fetch(invoice)
            except _NotNowError as reason:
                self._tell(str(reason))
                stopped.add(invoice.direction)
            else:
                yield invoice, Kept(name, invoice, invoice.file_name) if name else None

    def export(self, period: Period) -> Kept | None:
        """Give the archive of a period, exporting it if it is not kept and may be.

        Args:
            period: The period.

        Returns:
            The archive; None if there is none, and this run gets none.

        Raises:
            RequestFailed: If the export fails.
        """
        name = safe_name(self._tap.environment, "export", self.key_of(period).lower(), suffix=".zip")
        if not self._store.has(name):
            if name in self._refused:
                raise self._refused[name]
            if self.only_kept or name in self._passed_over:
                return None
            if not (self._may_export(period) and self._export(period, name)):
                self._passed_over.add(name)
                return None
        return Kept(name, None, name.rpartition("/")[2], period.text)

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
            archive: What `export` gave.

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
                name = self._name_of(invoice) or self._keep(invoice, member.content)
                yield Kept(name, invoice, invoice.file_name, period.text)
                continue
            self._tell(f"export of {period.text}: {file_name} matches no invoice: no rows are made of it")
            parts = (self._tap.environment, "export", self.key_of(period).lower(), *folders, file_name)
            yield Kept(self._put(parts, member.content), None, file_name, period.text)

    def _members(self, period: Period, archive: Kept) -> Iterator[Member]:
        content = self._store.read(archive.name)
        try:
            yield from members(content, longest=_LONGEST_FILE, total=_LARGEST_EXPORT, most=_MOST_FILES)
        except ArchiveRefused as fault:
            raise ArchiveRefused(
                f"export of {period.text}: {fault}. {archive.name} stays as it came; to go on without it, take "
                f"{period.text} out of export_periods"
            ) from fault

    def record(self, kept: Kept) -> Record:
        """Describe a document.

        Args:
            kept: What `documents`, `export` or `files` gave.

        Returns:
            A row of the stream `document`.

        Raises:
            DocumentsUnusable: If it is there no more.
        """
        found = self._store.find(kept.name, media_type=_media_type(kept.name))
        if found is None:
            raise DocumentsUnusable(f"documents_url: {kept.name} is there no more")
        return {
            **found.record(),
            "id": kept.invoice.id if kept.invoice else None,
            "direction": kept.invoice.direction if kept.invoice else None,
            "file_name": kept.file_name,
            "period": None if kept.invoice else kept.period,
        }

    def read(self, kept: Kept) -> bytes:
        """Read a document.

        Args:
            kept: What `documents` or `files` gave.

        Returns:
            Its content.
        """
        return self._store.read(kept.name)

    def complain(self, kept: Kept, why: Exception) -> None:
        """Say that no rows are made of a document, once a run.

        Args:
            kept: The document.
            why: What is wrong with it.
        """
        self._tell(f"{kept.name} ({kept.file_name}) is kept, but no rows are made of it: {why}")

    def _tell(self, line: str) -> None:
        """Say something once a run, though each stream comes upon it."""
        if line not in self._told:
            self._told.add(line)
            self._logger.warning("%s", line)

    def _announce(self, due: Sequence[Invoice]) -> None:
        """Say what is about to be fetched, and what it costs."""
        if self.only_kept:
            return
        account = self._tap.account
        wanted: list[Invoice] = []
        for invoice in due:
            if len(wanted) == account.allowance:
                break
            if self._name_of(invoice) is None:
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
            self._tell("; ".join(parts))

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
                return self._to_the_end(lambda: self._fetch_and_keep(invoice))
            except StreamUnavailable as forbidden:
                raise _NotNowError(str(plainly(forbidden))) from forbidden
            except RequestFailed as failure:
                self._refused[invoice] = refusal = failure
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise refusal
        self._tell(f"{refusal}: the invoice was deleted meanwhile")
        return None

    def _fetch_and_keep(self, invoice: Invoice) -> str:
        request = self._tap.request(f"/{invoice.direction}/{invoice.id}", include_payload="true")
        row = body_of(self._tap.transport.send(request, thorough=True))
        payload = row.get("payload") if isinstance(row, dict) else None
        # An empty file, too, is a sign that it was paid for.
        return self._keep(invoice, file_of(payload) if isinstance(payload, str) else b"")

    def _take_allowance(self, invoice: Invoice) -> None:
        account = self._tap.account
        if self.only_kept:
            raise _NotNowError("in a test of the connection no documents are fetched")
        if account.allowance < 1:
            limit = self._tap.config["payload_limit"]
            raise _NotNowError(f"payload_limit {limit} is reached: other documents are left to the next run")
        if invoice.direction == "receive" and account.operations_left() < 1 and account.is_billed:
            raise _NotNowError("the account has no operations left: other received invoices are not fetched")
        account.allowance -= 1

    def _may_export(self, period: Period) -> bool:
        """Say what an export costs, and whether it may be made; unread received invoices are counted (documented)."""
        account = self._tap.account
        what = f"export of {period.text}"
        if period.last >= self._tap.began.date():
            self._tell(f"{what}: the period is not over; it is exported once, when it is")
            return False
        if self._tap.config["export_type"] == "send":
            self._tell(f"{what}: sent invoices, no cost is documented")
            return True
        unread = sum(not each.is_read and period.holds(each.days) for each in self._invoices_of(period))
        left = account.operations_left()
        if not account.is_billed:
            self._tell(
                f"{what}: nothing is charged in the test environment, {left} operations are left; {unread} invoices "
                "are marked as read"
            )
            return True
        if unread > min(account.allowance, left):
            limit = self._tap.config["payload_limit"]
            self._tell(
                f"{what} is not made: it would cost {unread} operations; {left} are left, and payload_limit {limit} "
                f"allows this run {account.allowance} more"
            )
            return False
        self._tell(f"{what}: this costs {unread} operations, {left} are left; as many invoices are marked as read")
        account.allowance -= unread
        return True

    def _invoices_of(self, period: Period) -> list[Invoice]:
        """List the invoices an export may hold, once a run, and those of the days before and after."""
        if period.text not in self._exported:
            kind = self._tap.config["export_type"]
            listed: list[Invoice] = []
            wanted: tuple[Direction, ...] = ("send", "receive") if kind == "both" else (kind,)
            for direction in wanted:
                listed += InvoiceList(self._tap, direction, filters=period.filters).read()
            self._exported[period.text] = listed
        return self._exported[period.text]

    def _export(self, period: Period, name: str) -> bool:
        """Make an export and keep its archive.

        Returns:
            Whether there is one.
        """
        try:
            is_kept = self._to_the_end(lambda: self._export_and_keep(period, name))
        except StreamUnavailable as forbidden:
            self._tell(f"export of {period.text} is not made: {plainly(forbidden)}")
            return False
        except RequestFailed as refusal:
            self._refused[name] = refusal
            raise
        if not is_kept:
            self._tell(f"export of {period.text}: the API has no invoices for it")
        return is_kept

    def _export_and_keep(self, period: Period, name: str) -> bool:
        config = self._tap.config
        company = {"company_id": str(config["company_id"])} if "company_id" in config else {}
        request = self._tap.request("/export", type=config["export_type"], **company, **period.parameters)
        request.headers["Accept"] = "*/*"
        answer = self._tap.transport.send_for_document(request)
        if answer.status_code == HTTPStatus.NO_CONTENT:
            return False
        if media_type_of(answer.content) != ZIP:
            raise RequestFailed("GET /export answered with something else than a ZIP archive")
        self._store.put(name, answer.content, media_type=ZIP)
        return True

    def _name_of(self, invoice: Invoice) -> str | None:
        """Find the document of an invoice among those that are kept."""
        parts = self._parts_of(invoice)
        names = (safe_name(*parts, suffix=suffix) for suffix in _OF_INVOICES)
        return next((name for name in names if self._store.has(name)), None)

    def _keep(self, invoice: Invoice, content: bytes) -> str:
        return self._put(self._parts_of(invoice), content)

    def _put(self, parts: Iterable[str], content: bytes) -> str:
        shown = media_type_of(content)
        media_type = shown if shown in {XML, PKCS7} else UNKNOWN
        name = safe_name(*parts, suffix=_SUFFIXES[media_type])
        return self._store.put(name, content, media_type=media_type).name

    def _parts_of(self, invoice: Invoice) -> tuple[str, str, str]:
        """Ids of the test environment and of the live one are not the same invoices."""
        return self._tap.environment, invoice.direction, str(invoice.id)

    def _to_the_end(self, work: Callable[[], Result]) -> Result:
        """Do what costs money to its end, also when a signal ends the run: what is paid for must be kept."""
        task = self._worker.submit(work)
        try:
            return task.result()
        except RunInterrupted:
            self._tap.transport.stop()  # not if it is still waiting to be sent
            wait([task])
            raise

    @cached_property
    def _worker(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")


def _media_type(name: str) -> str:
    return next(_MEDIA_TYPES[suffix] for suffix in sorted(_MEDIA_TYPES, key=len, reverse=True) if name.endswith(suffix))
