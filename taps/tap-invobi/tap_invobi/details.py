"""What is asked for by the id of an invoice: its details and its PDF.

A detail costs one of 100 requests a minute, and nothing tells when it has changed. So it is asked for when the list
shows another row than when it was read last; and now and then in any case, as not every change may show in the list.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core import RequestFailed, body_of
from singer_rest_core.records import row_digest
from singer_rest_core.streams.pdf import PdfStream
from singer_rest_core.streams.per_row import DetailStream
from tap_invobi.client import SCHEMAS, PagedList

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from singer_rest_core import Record

ALL, CHANGED, NONE = "all", "changed", "none"
"""Values of the setting `details`."""

_DIGEST = 8


@dataclass(frozen=True)
class Memory:
    """What is remembered of a detail.

    Args:
        row: The digest of the list's row when it was read.
        detail: Its own digest.
        read_at: When, in Unix seconds.
    """

    row: str
    detail: str
    read_at: int

    @classmethod
    def of(cls, text: str) -> Self | None:
        """Read it from the state.

        Args:
            text: What `str` gave.

        Returns:
            The same; None if it is something else.
        """
        try:
            read_at = int(text[2 * _DIGEST :], 16)
        except ValueError:
            return None
        return cls(text[:_DIGEST], text[_DIGEST : 2 * _DIGEST], read_at)

    def __str__(self) -> str:
        """Write it for the state, short: there is one for each invoice."""
        return f"{self.row}{self.detail}{self.read_at:x}"


class InvoiceStream(DetailStream[str], ABC):
    """One request for each invoice of the list."""

    primary_keys = ("id",)
    schema = StreamSchema(SCHEMAS)

    @property
    def invoices(self) -> PagedList:
        """The list."""
        stream = self.rest_tap.streams["invoices"]
        if not isinstance(stream, PagedList):
            msg = "the stream invoices is a PagedList"
            raise TypeError(msg)
        return stream

    @property
    def listed_whole(self) -> bool:
        """Whether an invoice that is not in the list is gone: not if only those of one status were asked for."""
        return self.invoices.has_read_all

    def url_of(self, key: str, *more: str) -> str:
        """Give the URL of an invoice, or of something below it.

        Args:
            key: Its id.
            more: What is below it.

        Returns:
            An absolute URL.
        """
        return "/".join([self.invoices.url_base, "invoices", quote(key, safe=""), *more])


class InvoiceDetailStream(InvoiceStream):
    """The details of each invoice, as the setting `details` says."""

    def make_records(self) -> Iterator[Record]:
        """Ask for the details that are due.

        Yields:
            Raw records.
        """
        if self.config["details"] == NONE:
            self.logger.info("details is %s: none are read", NONE)
            self.has_read_all = False
            return
        yield from super().make_records()

    def listed(self) -> Mapping[str, str]:
        """Give the digest of each row of the list.

        Returns:
            Digests by id.
        """
        return self.invoices.noted()

    def is_due(self, note: str, remembered: str | None) -> bool:
        """Tell whether a detail has to be asked for.

        Args:
            note: The digest of the list's row.
            remembered: What is remembered of the detail.

        Returns:
            Whether it was never read, its row has changed, it is too old, or all shall be read.
        """
        memory = Memory.of(remembered or "")
        if memory is None or memory.row != note or self.config["details"] == ALL:
            return True
        age = datetime.now(UTC) - datetime.fromtimestamp(memory.read_at, UTC)
        return age > timedelta(days=float(self.config["detail_max_age_days"]))

    def memory(self, note: str, answer: requests.Response) -> str:
        """Say what to remember of a detail.

        Args:
            note: The digest of the list's row.
            answer: The detail.

        Returns:
            A text of a `Memory`.
        """
        return str(Memory(note, row_digest(self._invoice(answer)), int(datetime.now(UTC).timestamp())))

    def request_for(self, key: str) -> HTTPRequest:
        """Ask for a detail.

        Args:
            key: The id of the invoice.

        Returns:
            A request without credentials.
        """
        return HTTPRequest(self.url_of(key))

    def record_of(self, key: str, note: str, answer: requests.Response) -> Record:  # noqa: ARG002 - the hook's form
        """Make the record.

        Args:
            key: The id of the invoice.
            note: The digest of the list's row.
            answer: The detail.

        Returns:
            A raw record.
        """
        return {**self._invoice(answer), "id": key}

    def digests(self) -> Mapping[str, str] | None:
        """Give the digest of each detail that was ever read.

        Returns:
            Digests by id; None if details are not read in this run.
        """
        if not self.selected or self.config["details"] == NONE:
            return None
        memories = {key: Memory.of(text) for key, text in self.remembered.items()}
        return {key: memory.detail for key, memory in memories.items() if memory}

    def _invoice(self, answer: requests.Response) -> Record:
        body = body_of(answer)
        invoice = body.get("invoice") if isinstance(body, dict) else None
        if not isinstance(invoice, dict):
            raise RequestFailed(f"GET {answer.request.path_url} answered without an object under `invoice`")
        return invoice


class InvoiceDocumentStream(InvoiceStream, PdfStream[str]):
    """The PDF of each invoice, kept below `documents_url`; fetched again when the detail has changed.

    Where details are not read, when the list's row has.
    """

    folder = "invoices"

    def listed(self) -> Mapping[str, str]:
        """Give what tells whether a document has changed.

        Returns:
            Digests by the id of the invoice; empty where the detail was not read yet.
        """
        rows = self.invoices.noted()
        stream = self.rest_tap.streams["invoice_details"]
        details = stream.digests() if isinstance(stream, InvoiceDetailStream) else None
        return rows if details is None else {key: details.get(key, "") for key in rows}

    def is_due(self, note: str, remembered: str | None) -> bool:
        """Tell whether a document has to be fetched.

        Args:
            note: The digest of what it shows.
            remembered: That when it was fetched last.

        Returns:
            Whether they differ.
        """
        return bool(note) and note != remembered

    def memory(self, note: str, answer: requests.Response) -> str:  # noqa: ARG002 - the hook's form
        """Say what to remember of a document.

        Args:
            note: The digest of what it shows.
            answer: The document.

        Returns:
            The digest.
        """
        return note

    def request_for(self, key: str) -> HTTPRequest:
        """Ask for a document.

        Args:
            key: The id of the invoice.

        Returns:
            A request without credentials.
        """
        return HTTPRequest(self.url_of(key, "download"))

    def record_of(self, key: str, note: str, answer: requests.Response) -> Record | None:  # noqa: ARG002 - the hook's form
        """Keep a document.

        Args:
            key: The id of the invoice.
            note: The digest of what it shows.
            answer: The document.

        Returns:
            A raw record; None if it is no PDF.
        """
        kept = self.keep(key, answer)
        return kept and {"id": key, **kept}
