"""The folder or bucket of documents: what is kept in it, and under which name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    from tap_invoicetronic.invoices import Invoice

_SUFFIXES = {XML: ".xml", PKCS7: ".xml.p7m", UNKNOWN: ".bin", ZIP: ".zip"}
_MEDIA_TYPES = {suffix: media_type for media_type, suffix in _SUFFIXES.items()}
_OF_INVOICES = (".xml", ".xml.p7m", ".bin")


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


class Shelf:
    """What is kept of one environment; a document that is kept is never fetched again.

    Args:
        url: The setting `documents_url`.
        environment: Ids of the test environment and of the live one are not the same invoices.
    """

    def __init__(self, url: str, environment: str) -> None:
        """Open the store."""
        self._store = DocumentStore(url)
        self._environment = environment

    def find(self, invoice: Invoice) -> str | None:
        """Find the document of an invoice.

        Args:
            invoice: The invoice.

        Returns:
            Its name, or None if it is not kept.
        """
        names = (safe_name(*self._parts_of(invoice), suffix=suffix) for suffix in _OF_INVOICES)
        return next((name for name in names if self._store.has(name)), None)

    def keep(self, invoice: Invoice, content: bytes) -> str:
        """Keep the document of an invoice.

        Args:
            invoice: The invoice.
            content: The document.

        Returns:
            Its name.
        """
        return self._put(self._parts_of(invoice), content)

    def archive(self, export: str, period: str) -> Kept | None:
        """Find the archive of an export.

        Args:
            export: What tells it from others.
            period: What it is of.

        Returns:
            The archive, or None if it is not kept.
        """
        name = self._archive_name(export)
        return Kept(name, None, name.rpartition("/")[2], period) if self._store.has(name) else None

    def keep_archive(self, export: str, content: bytes) -> None:
        """Keep the archive of an export.

        Args:
            export: What tells it from others.
            content: The archive.
        """
        self._store.put(self._archive_name(export), content, media_type=ZIP)

    def keep_stray(self, export: str, path: Iterable[str], content: bytes) -> str:
        """Keep a file of an archive that matches no invoice.

        Args:
            export: What tells the export from others.
            path: Where it is in the archive.
            content: The file.

        Returns:
            Its name.
        """
        return self._put((self._environment, "export", export.lower(), *path), content)

    def record(self, kept: Kept) -> Record:
        """Describe a document.

        Args:
            kept: The document.

        Returns:
            A row of the stream `document`.

        Raises:
            DocumentsUnusable: If it is there no more.
        """
        media_type = next(_MEDIA_TYPES[suffix] for suffix in (".zip", *_OF_INVOICES) if kept.name.endswith(suffix))
        found = self._store.find(kept.name, media_type=media_type)
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
            kept: The document.

        Returns:
            Its content.
        """
        return self._store.read(kept.name)

    def _put(self, parts: Iterable[str], content: bytes) -> str:
        shown = media_type_of(content)
        media_type = shown if shown in {XML, PKCS7} else UNKNOWN
        return self._store.put(safe_name(*parts, suffix=_SUFFIXES[media_type]), content, media_type=media_type).name

    def _parts_of(self, invoice: Invoice) -> tuple[str, str, str]:
        return self._environment, invoice.direction, str(invoice.id)

    def _archive_name(self, export: str) -> str:
        return safe_name(self._environment, "export", export.lower(), suffix=".zip")
