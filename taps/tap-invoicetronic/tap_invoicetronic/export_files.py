"""Whose file is whose in the archive of an export, which names no ids."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tap_invoicetronic import fattura

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_invoicetronic.invoices import Invoice


class Owners:
    """The invoices an export may hold.

    A file is matched by its name, which the SDI takes only once (general knowledge). What files are called in an
    archive is not documented: where the name tells nothing, the documents in it do.

    Args:
        invoices: Those of the lists of /send and /receive.
    """

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        """Arrange the invoices."""
        self._by_name: dict[tuple[str, str], list[Invoice]] = defaultdict(list)
        self._by_documents: dict[tuple[str, tuple[tuple[str, str], ...]], list[Invoice]] = defaultdict(list)
        for invoice in invoices:
            self._by_name[invoice.direction, _plain(invoice.file_name)].append(invoice)
            self._by_documents[invoice.direction, tuple(sorted(invoice.documents))].append(invoice)

    def of(self, direction: str, file_name: str, content: bytes) -> Invoice | None:
        """Find the invoice of a file.

        Args:
            direction: The folder it is in.
            file_name: Its name there.
            content: The file.

        Returns:
            Its invoice, or None if there is none, or more than one that it may be.
        """
        named = self._by_name.get((direction, _plain(file_name)), [])
        if len(named) == 1:
            return named[0]
        found = [each for each in self._with_documents_of(direction, content) if not named or each in named]
        return found[0] if len(found) == 1 else None

    def _with_documents_of(self, direction: str, content: bytes) -> list[Invoice]:
        """Find those that have the documents of a file, and of several such those of its seller."""
        try:
            rows = fattura.read(content, fattura.Origin("receive", 0, None))["fattura"]
        except fattura.NotAFattura:
            return []
        documents = tuple(sorted((str(row["numero"]), str(row["data"])) for row in rows))
        found = self._by_documents.get((direction, documents), [])
        if len(found) == 1:
            return found
        seller = {name: rows[0][f"cedente_{name}"] for name in ("id_paese", "id_codice", "codice_fiscale")}
        called = {f"{seller['id_paese']}{seller['id_codice']}", seller["codice_fiscale"]}
        return [each for each in found if each.seller in called]


def _plain(file_name: str | None) -> str:
    """Make file names comparable: whether an export holds signed files wrapped or unwrapped is not documented."""
    return (file_name or "").lower().removesuffix(".p7m")
