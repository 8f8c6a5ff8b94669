"""The rows of documents, made once for all streams of a run."""

from __future__ import annotations

import pickle
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, NamedTuple

from singer_rest_core.records import is_date, to_utc
from tap_invoicetronic import fattura

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core import Record
    from tap_invoicetronic.documents.invoice_list import Invoice
    from tap_invoicetronic.documents.store import InvoiceStore, StoredDocument
    from tap_invoicetronic.documents.warn_once import WarnOnce

DOCUMENT = "document"
"""The stream of documents themselves; the streams of the invoices in them are those of `fattura.KEYS`."""

_IN_MEMORY = 16 << 20
"""Bytes. Some 2,000 invoices."""


class RowSettings(NamedTuple):
    """What rows of documents say beside what is in the documents.

    Args:
        version: The version of the tap; None if not known.
        environment: The environment of Invoicetronic.
        attachments: The setting: whether rows hold the content of attachments.
    """

    version: str | None = None
    environment: str | None = None
    attachments: bool = False


class DocumentRows:
    """Makes the rows of all streams from one reading and one parsing of each document.

    Streams are written one after another. The first one to get to a document makes its rows; those of the streams after
    it wait in memory, and in a temporary file once there are many. That file has no name, can be read by this user
    alone, and is gone when the run ends.

    Args:
        store: Where documents are stored.
        streams: The selected streams of documents, in the order they are written.
        warn: Logs which files are not invoices.
        settings: What rows say beside what is in the documents.
        is_repeated: Whether a stream may get to a document twice: as a file of an export, and by itself.
        in_memory: How many bytes of rows are held in memory.
    """

    def __init__(  # noqa: PLR0913 - each is a part of its own
        self,
        store: InvoiceStore,
        streams: Sequence[str],
        warn: WarnOnce,
        *,
        settings: RowSettings = RowSettings(),  # noqa: B008 - immutable
        is_repeated: bool = False,
        in_memory: int = _IN_MEMORY,
    ) -> None:
        """Start with no rows."""
        self._store = store
        self._streams = tuple(streams)
        self._warn = warn
        self._settings = settings
        self._is_repeated = is_repeated
        self._faults: dict[str, str] = {}
        """Why no rows can be made of a document, by its name."""
        self._spool = SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115 - `close` closes it
        self._is_spooling = True
        self._end = 0
        self._places: dict[tuple[str, str], tuple[int, int]] = {}
        """Start and size of rows in the spool, by document and stream."""

    def of(self, document: StoredDocument, stream: str) -> Sequence[Record]:
        """Return the rows of a document in one stream.

        Args:
            document: The document.
            stream: The stream.

        Returns:
            The rows; none in the streams of invoices if the document is an archive, or a file that is not an invoice,
            which is logged.

        Raises:
            DocumentsUnusable: If the document cannot be read.
        """
        place = self._places.get((document.name, stream))
        if place is not None:
            return self._load(*place)
        following = self._streams[self._streams.index(stream) + 1 :]
        rows = self._make(document, (stream, *following))
        for each in (stream, *following) if self._is_repeated else following:
            if each in rows:
                self._keep(document.name, each, rows[each])
        return rows[stream]

    def fault_of(self, document: StoredDocument) -> str | None:
        """Return why no rows can be made of a document; None if they can, or if it was not read in this run.

        Args:
            document: The document.
        """
        return self._faults.get(document.name)

    def close(self) -> None:
        """Drop all rows and the temporary file."""
        self._spool.close()

    def _make(self, document: StoredDocument, streams: Sequence[str]) -> Mapping[str, Sequence[Record]]:
        """Read and parse a document for some streams; what cannot be parsed for the first is left to the others."""
        rows: dict[str, Sequence[Record]] = dict.fromkeys(streams, ())
        if document.invoice is None:
            if DOCUMENT in streams:
                rows[DOCUMENT] = [self._record(document)]
            return rows
        invoice, document = document.invoice, document.with_content(self._store.read(document))
        try:
            rows |= self._parse(document, invoice)
        except Exception as error:
            if streams[0] != DOCUMENT:
                raise
            # A fault of the parser fails the streams of invoices, each in its turn, and not the one of documents.
            self._faults[document.name] = f"the tap failed to read it: {type(error).__name__}"
            rows = {DOCUMENT: ()}
        if DOCUMENT in streams:
            rows[DOCUMENT] = [self._record(document)]
        return rows

    def _record(self, document: StoredDocument) -> Record:
        return {
            **self._store.record(document),
            "fault": self.fault_of(document),
            "rows_made_by": None if document.invoice is None else self._settings.version,
        }

    def _parse(self, document: StoredDocument, invoice: Invoice) -> Mapping[str, Sequence[Record]]:
        origin = fattura.Origin(
            invoice.direction,
            invoice.id,
            document.file_name,
            sdi_identifier=invoice.identifier,
            received_at=_received_at(invoice),
            environment=self._settings.environment,
        )
        try:
            rows = fattura.read(self._store.read(document), origin)
        except fattura.NotAFattura as fault:
            self._faults[document.name] = str(fault)
            self._warn(f"{document.name} ({document.file_name}) is stored, but no rows are made from it: {fault}")
            return {}
        self._faults.pop(document.name, None)
        if not self._settings.attachments:
            fattura.drop_attachment_content(rows)
        return rows

    def _keep(self, document: str, stream: str, rows: Sequence[Record]) -> None:
        if not self._is_spooling:
            return
        # Of Python's own formats only this one keeps Decimal, int and str apart; JSON would turn Decimal("1") into 1.
        content = pickle.dumps(rows, pickle.HIGHEST_PROTOCOL)
        try:
            self._spool.seek(self._end)
            self._spool.write(content)
        except OSError as fault:
            self._is_spooling = False
            self._warn(
                f"the temporary file for rows of documents cannot be written ({fault.strerror}): documents are read "
                "once for each stream"
            )
            return
        self._places[document, stream] = (self._end, len(content))
        self._end += len(content)

    def _load(self, start: int, size: int) -> Sequence[Record]:
        self._spool.seek(start)
        rows: Sequence[Record] = pickle.loads(self._spool.read(size))  # noqa: S301 - written by this process
        return rows


def _received_at(invoice: Invoice) -> str | None:
    if invoice.direction == "send":
        return None
    return f"{invoice.created}T00:00:00Z" if is_date(invoice.created) else to_utc(invoice.created)
