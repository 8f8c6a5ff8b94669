"""The folder or bucket of documents: what is stored in it, and under which names."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_rest_core import Record
    from tap_invoicetronic.documents.invoice_list import Invoice

_SUFFIXES = {XML: ".xml", PKCS7: ".xml.p7m", UNKNOWN: ".bin", ZIP: ".zip"}
_MEDIA_TYPES = {suffix: media_type for media_type, suffix in _SUFFIXES.items()}
_INVOICE_SUFFIXES = (".xml", ".xml.p7m", ".bin")


@dataclass(frozen=True)
class StoredDocument:
    """A document in the folder or bucket.

    Args:
        name: Its path there.
        invoice: The invoice it is the document of; None for an archive, and for a file of an archive that matches no
            invoice.
        file_name: Its name as in the API's answer.
        period: The export it came with; None if it was fetched by itself.
        content: Its content, where that is at hand; None where it is only in the store.
    """

    name: str
    invoice: Invoice | None
    file_name: str | None
    period: str | None = None
    content: bytes | None = field(default=None, repr=False, compare=False)

    def with_content(self, content: bytes | None) -> StoredDocument:
        """Return the same document with its content at hand, or without it.

        Args:
            content: Its content; None to leave that in the store.
        """
        return replace(self, content=content)


class InvoiceStore:
    """The stored documents of one environment; a document that is stored is never fetched again.

    Args:
        url: The setting `documents_url`.
        environment: Ids of the test environment and of the live one are not the same invoices.
    """

    def __init__(self, url: str, environment: str) -> None:
        """Keep where the store is; it is opened when it is first used."""
        self._url = url
        self._environment = environment
        self._names: dict[tuple[str, int], str] = {}

    def find(self, invoice: Invoice) -> str | None:
        """Return the name of an invoice's document; the store is asked until there is one.

        Args:
            invoice: The invoice.

        Returns:
            The name, or None if the document is not stored.
        """
        key = (invoice.direction, invoice.id)
        if key not in self._names:
            names = (safe_name(*self._path_of(invoice), suffix=suffix) for suffix in _INVOICE_SUFFIXES)
            name = next((name for name in names if self._store.has(name)), None)
            if name is None:
                return None
            self._names[key] = name
        return self._names[key]

    def path_of(self, invoice: Invoice) -> str:
        """Return the name that an invoice's document has if it is XML.

        Args:
            invoice: The invoice.
        """
        return safe_name(*self._path_of(invoice), suffix=".xml")

    def put(self, invoice: Invoice, content: bytes) -> str:
        """Store the document of an invoice.

        Args:
            invoice: The invoice.
            content: The document.

        Returns:
            Its name.
        """
        name = self._names[invoice.direction, invoice.id] = self._put(self._path_of(invoice), content)
        return name

    def find_archive(self, export: str, period: str) -> StoredDocument | None:
        """Return the archive of an export.

        Args:
            export: The key of the export.
            period: Its period.

        Returns:
            The archive, or None if it is not stored.
        """
        name = self.archive_path(export)
        return StoredDocument(name, None, name.rpartition("/")[2], period) if self._store.has(name) else None

    def archive_path(self, export: str) -> str:
        """Return the name of the archive of an export.

        Args:
            export: The key of the export.
        """
        return safe_name(self._environment, "export", export.lower(), suffix=".zip")

    def put_archive(self, export: str, content: BinaryIO) -> None:
        """Store the archive of an export.

        Args:
            export: The key of the export.
            content: A seekable file with the archive.
        """
        self._store.put(self.archive_path(export), content, media_type=ZIP)

    def put_unmatched(self, export: str, path: Iterable[str], content: bytes) -> str:
        """Store a file of an archive that matches no invoice.

        Args:
            export: The key of the export.
            path: The path of the file in the archive.
            content: The file.

        Returns:
            Its name.
        """
        return self._put((self._environment, "export", export.lower(), *path), content)

    def record(self, document: StoredDocument) -> Record:
        """Return the row of a document in the stream `document`; reads the document unless its content is at hand.

        Args:
            document: The document.

        Returns:
            The row.

        Raises:
            DocumentsUnusable: If the document no longer exists.
        """
        suffixes = (".zip", *_INVOICE_SUFFIXES)
        media_type = next(_MEDIA_TYPES[suffix] for suffix in suffixes if document.name.endswith(suffix))
        if document.content is not None:
            found = self._store.describe(document.name, document.content, media_type=media_type)
        elif (stored := self._store.find(document.name, media_type=media_type)) is not None:
            found = stored
        else:
            raise DocumentsUnusable(f"documents_url: {document.name} no longer exists")
        return {
            **found.record(),
            "id": document.invoice.id if document.invoice else None,
            "direction": document.invoice.direction if document.invoice else None,
            "file_name": document.file_name,
            "period": None if document.invoice else document.period,
        }

    def read(self, document: StoredDocument) -> bytes:
        """Return the content of a document; reads it unless it is at hand.

        Args:
            document: The document.

        Raises:
            DocumentsUnusable: If the document no longer exists, or the store cannot be read.
        """
        return self._store.read(document.name) if document.content is None else document.content

    def open(self, document: StoredDocument) -> BinaryIO:
        """Open a stored document to read it piece by piece; the caller closes it.

        Args:
            document: The document.

        Raises:
            DocumentsUnusable: If the document no longer exists, or the store cannot be read.
        """
        return self._store.open(document.name)

    @cached_property
    def _store(self) -> DocumentStore:
        return DocumentStore(self._url)

    def _put(self, path: Iterable[str], content: bytes) -> str:
        detected = media_type_of(content)
        media_type = detected if detected in {XML, PKCS7} else UNKNOWN
        return self._store.put(safe_name(*path, suffix=_SUFFIXES[media_type]), content, media_type=media_type).name

    def _path_of(self, invoice: Invoice) -> tuple[str, str, str]:
        return self._environment, invoice.direction, str(invoice.id)
