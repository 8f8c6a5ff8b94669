"""Which invoice a file of an export belongs to: the archive has no ids."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tap_invoicetronic import fattura

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_invoicetronic.documents.invoice_list import Invoice


class InvoiceMatcher:
    """Matches files with the invoices that an export may hold.

    A file is matched by its name, which the SDI accepts only once (general knowledge). How files are named in an
    archive is not documented: where the name does not decide, the documents in the file do.

    Args:
        invoices: Rows of /send and /receive.
    """

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        """Index the invoices by file name and by their documents."""
        self._by_name: dict[tuple[str, str], list[Invoice]] = defaultdict(list)
        self._by_documents: dict[tuple[str, tuple[tuple[str, str], ...]], list[Invoice]] = defaultdict(list)
        for invoice in invoices:
            self._by_name[invoice.direction, _comparable(invoice.file_name)].append(invoice)
            documents = tuple(sorted((number.strip(), day) for number, day in invoice.documents))
            self._by_documents[invoice.direction, documents].append(invoice)

    def match(self, direction: str, file_name: str, content: bytes) -> Invoice | None:
        """Return the invoice of a file.

        Args:
            direction: The folder of the archive that the file is in.
            file_name: The name of the file there.
            content: The content of the file.

        Returns:
            The invoice; None if there is none, or if there are several candidates.
        """
        named = self._by_name.get((direction, _comparable(file_name)), [])
        if len(named) == 1:
            return named[0]
        found = [each for each in self._with_documents_of(direction, content) if not named or each in named]
        return found[0] if len(found) == 1 else None

    def _with_documents_of(self, direction: str, content: bytes) -> list[Invoice]:
        """Return the invoices with the same numbers and dates as a file; if there are several, those of its seller."""
        try:
            rows = fattura.read(content, fattura.Origin("receive", 0, None))["fattura"]
        except fattura.NotAFattura:
            return []
        documents = tuple(sorted((str(row["numero"]), str(row["data"])) for row in rows))
        found = self._by_documents.get((direction, documents), [])
        if len(found) == 1:
            return found
        seller = {name: rows[0][f"cedente_{name}"] for name in ("id_paese", "id_codice", "codice_fiscale")}
        sellers = {f"{seller['id_paese']}{seller['id_codice']}", seller["codice_fiscale"]}
        return [each for each in found if each.seller in sellers]


def _comparable(file_name: str | None) -> str:
    """Leave out case and `.p7m`: whether an export holds signed files as such is not documented."""
    return (file_name or "").lower().removesuffix(".p7m")
