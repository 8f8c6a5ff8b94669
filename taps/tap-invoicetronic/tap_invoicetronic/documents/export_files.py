"""The files in the archives of exports, matched with their invoices and stored one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_rest_core.documents import ArchiveRefused, members
from tap_invoicetronic.documents.matching import InvoiceMatcher
from tap_invoicetronic.documents.store import StoredDocument

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from singer_rest_core.documents import Member
    from tap_invoicetronic.documents.invoice_list import Direction, Invoice, InvoiceLists
    from tap_invoicetronic.documents.periods import Period
    from tap_invoicetronic.documents.store import InvoiceStore
    from tap_invoicetronic.documents.warn_once import WarnOnce

_MAX_FILE_SIZE = 64 << 20
"""Bytes. The SDI accepts files of 5 MB (general knowledge); base64 and signatures come on top."""
_MAX_TOTAL_SIZE = 8 << 30
_MAX_MEMBERS = 1_000_000


class ExportFiles:
    """Reads archives for all streams of a run; the first stream reads one, the others get what it found.

    Args:
        directions: The lists whose invoices are exported.
        lists: Reads the lists that files are matched with: the archive has no ids.
        store: Where documents are stored.
        warn: Logs which files match no invoice.
    """

    def __init__(
        self, directions: Sequence[Direction], *, lists: InvoiceLists, store: InvoiceStore, warn: WarnOnce
    ) -> None:
        """Start with nothing read."""
        self._directions = directions
        self._lists = lists
        self._store = store
        self._warn = warn
        self._invoices: dict[Period, list[Invoice]] = {}
        self._documents: dict[Period, list[StoredDocument]] = {}
        self._refused: dict[Period, ArchiveRefused] = {}

    def invoices_of(self, period: Period) -> list[Invoice]:
        """Return the invoices an export may hold, and those of the days before and after; they are listed once a run.

        Whether a list was read completely does not matter here: a file whose invoice is not in it is stored unmatched.

        Args:
            period: The period of the export.

        Raises:
            StreamUnavailable: If the key may not read a list.
            RequestFailed: If a list cannot be read.
        """
        if period not in self._invoices:
            self._invoices[period] = [
                invoice
                for direction in self._directions
                for invoice in self._lists.read(direction, filters=period.filters).invoices
            ]
        return self._invoices[period]

    def documents(self, period: Period, export: str, archive: StoredDocument) -> Iterator[StoredDocument]:
        """Return an archive and the files in it, each stored by itself under the id of its invoice.

        Args:
            period: The period of the export.
            export: The key of the export.
            archive: The archive.

        Yields:
            The archive, then its files; one that matches no invoice comes without an invoice.

        Raises:
            ArchiveRefused: If the archive is broken or malicious; for each stream, after the files that could be read.
            StreamUnavailable: If the key may not read a list.
            RequestFailed: If a list cannot be read.
        """
        if period in self._documents:
            yield from self._documents[period]
        else:
            found: list[StoredDocument] = []
            try:
                for document in self._unpack(period, export, archive):
                    yield document
                    found.append(document.with_content(None))
            except ArchiveRefused as fault:
                self._refused[period] = fault
            self._documents[period] = found
        if period in self._refused:
            raise self._refused[period]

    def _unpack(self, period: Period, export: str, archive: StoredDocument) -> Iterator[StoredDocument]:
        matcher = InvoiceMatcher(self.invoices_of(period))
        yield archive
        for member in self._members(archive):
            *folders, file_name = member.name.split("/")
            invoice = matcher.match(folders[-1].lower() if folders else "", file_name, member.content)
            if invoice is not None:
                yield self._stored(invoice, member.content, period)
                continue
            self._warn(f"export of {period.text}: {file_name} matches no invoice: no rows are made from it")
            name = self._store.put_unmatched(export, [*folders, file_name], member.content)
            yield StoredDocument(name, None, file_name, period.text, content=member.content)

    def _members(self, archive: StoredDocument) -> Iterator[Member]:
        with self._store.open(archive) as file:
            yield from members(
                file, max_file_size=_MAX_FILE_SIZE, max_total_size=_MAX_TOTAL_SIZE, max_members=_MAX_MEMBERS
            )

    def _stored(self, invoice: Invoice, content: bytes, period: Period) -> StoredDocument:
        """Store a file, unless its invoice's document is stored already: then that is the document."""
        name = self._store.find(invoice)
        if name is not None:
            return StoredDocument(name, invoice, invoice.file_name, period.text)
        return StoredDocument(
            self._store.put(invoice, content), invoice, invoice.file_name, period.text, content=content
        )
