"""Documents that no rows can be made of: kept in the state, and read again by a newer version of the tap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_invoicetronic.documents.failures import document_key, first_names
from tap_invoicetronic.documents.invoice_list import Invoice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REFUSED = "refused"
"""The key of these documents in the state of a stream, each by its list and the invoice's id."""

_READ_BY = "read_by"


class RefusedDocuments:
    """The documents that a stream has no rows of, as they cannot be read.

    Args:
        entries: What the stream's state holds of them.
        version: The version of the tap.
    """

    def __init__(self, entries: Mapping[str, Any], *, version: str) -> None:
        """Continue from the state."""
        self.entries = dict(entries)
        """What the state may hold of them."""
        self._version = version

    def of_other_versions(self) -> list[Invoice]:
        """Return the invoices of documents that another version could not read."""
        return [
            Invoice.of_state(key, entry) for key, entry in self.entries.items() if entry.get(_READ_BY) != self._version
        ]

    def settle(self, invoice: Invoice, fault: str | None) -> bool:
        """Record what became of a document.

        Args:
            invoice: Its invoice.
            fault: Why no rows can be made of it; None if they were written.

        Returns:
            Whether that changed anything.
        """
        key = document_key(invoice.direction, invoice.id)
        if fault is None:
            return self.entries.pop(key, None) is not None
        self.entries[key] = {**invoice.as_state(), _READ_BY: self._version}
        return True


def line_about_refused(states: Iterable[Mapping[str, Any]], *, version: str, environment: str) -> str | None:
    """Return what to tell of the documents that this version could not read in earlier runs.

    Args:
        states: What the state holds of each stream of documents at the start of the run.
        version: The version of the tap.
        environment: The folder of the store that documents are in.

    Returns:
        One line for all streams; None if there are none.
    """
    names = {
        f"{environment}/{key}"
        for state in states
        for key, entry in state.get(REFUSED, {}).items()
        if entry.get(_READ_BY) == version
    }
    if not names:
        return None
    return (
        f"{len(names)} documents stay without rows, as version {version} of the tap cannot read them "
        f"({first_names(names)}): the column fault of document says why. A newer version reads them again, free of "
        "charge"
    )


def line_about_missing(missing: Iterable[str]) -> str:
    """Return what to tell of documents that are to be read again and are no longer stored.

    Args:
        missing: Their names.
    """
    names = set(missing)
    return (
        f"{len(names)} documents that an earlier version of the tap could not read are no longer below documents_url "
        f"({first_names(names)}): they are not fetched again. Store them under these names, and the next run reads them"
    )
