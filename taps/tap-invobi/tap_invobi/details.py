"""Streams that send a request for each invoice: its details and its PDF.

A detail costs one of 100 requests a minute, and has no time of change. So it is requested when its row in the list has
changed since it was last read; and after `detail_max_age_days` in any case, as not every change may show in the list.
"""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from singer_sdk import StreamSchema
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import RequestFailed, body_of
from singer_rest_core.records import row_digest
from singer_rest_core.streams import DetailStream, PdfStream
from tap_invobi.client import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests
    from singer_sdk import Tap

    from singer_rest_core import Record
    from tap_invobi.invoices import Invoices

ALL, CHANGED, NONE = "all", "changed", "none"
"""Values of the setting `details`."""

_DIGEST = 8


@dataclass(frozen=True)
class Memory:
    """What is remembered of a detail.

    Args:
        row: The digest of its row in the list when it was read.
        detail: Its own digest.
        read_at: When it was read, in Unix seconds.
    """

    row: str
    detail: str
    read_at: int

    @classmethod
    def from_state(cls, text: str) -> Self | None:
        """Return what the state holds.

        Args:
            text: What `to_state` returned.

        Returns:
            The memory; None if the text has another form.
        """
        try:
            read_at = int(text[2 * _DIGEST :], 16)
        except ValueError:
            return None
        return cls(text[:_DIGEST], text[_DIGEST : 2 * _DIGEST], read_at)

    def to_state(self) -> str:
        """Return a short text for the state, which holds one for each invoice."""
        return f"{self.row}{self.detail}{self.read_at:x}"


def share_of_longest_age(memory: str) -> float:
    """Return at which part of the longest age a detail is read again, from a half to all of it.

    So details that were read in one night are not all due in one night again; each time it is another part.

    Args:
        memory: What is remembered of the detail.

    Returns:
        A number from 0.5 to 1.
    """
    # No checksum: those of texts that differ in their end alone differ alike, so that a night's details stay together.
    return 0.5 + int.from_bytes(blake2b(memory.encode(), digest_size=4).digest()) / 2**33


class InvoiceStream(DetailStream[str], ABC):
    """A stream that sends one request for each invoice of the list."""

    primary_keys = ("id",)
    schema = StreamSchema(SCHEMAS)

    def __init__(self, tap: Tap, *, invoices: Invoices) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            invoices: The list.
        """
        super().__init__(tap)
        self.invoices = invoices

    @property
    @override
    def list_is_complete(self) -> bool:
        """Whether an invoice that is not in the list is gone: not if only those of one status were requested."""
        return self.invoices.has_read_all

    @property
    @override
    def list_is_certain(self) -> bool:
        return self.invoices.is_certain

    def url_of(self, key: str, *subpath: str) -> str:
        """Return the URL of an invoice, or of something below it.

        Args:
            key: The id of the invoice.
            subpath: The segments of the path below it.

        Returns:
            An absolute URL.
        """
        return "/".join([self.invoices.url_base, "invoices", quote(key, safe=""), *subpath])


class InvoiceDetails(InvoiceStream):
    """Details of invoices: sender, receiver, items, discounts, taxes, payment. Read again when the row has changed."""

    name = "invoice_details"

    @override
    def make_records(self) -> Iterator[Record]:
        """Request the details that are due, as the setting `details` says."""
        if self.config["details"] == NONE:
            self.logger.info("details is %s: no details are read", NONE)
            self.has_read_all = False
            return
        yield from super().make_records()

    @override
    def listed(self) -> Mapping[str, str]:
        return self.invoices.index()

    @override
    def is_due(self, entry: str, remembered: str | None) -> bool:
        """Whether it was never read, its row has changed, it is too old, or all details are wanted."""
        memory = Memory.from_state(remembered or "")
        if memory is None or memory.row != entry or self.config["details"] == ALL:
            return True
        age = self.run.clock.now() - datetime.fromtimestamp(memory.read_at, UTC)
        longest = timedelta(days=float(self.config["detail_max_age_days"]))
        return age > longest * share_of_longest_age(remembered or "")

    @override
    def memory(self, entry: str, answer: requests.Response) -> str:
        read_at = int(self.run.clock.now().timestamp())
        return Memory(entry, row_digest(self._invoice(answer)), read_at).to_state()

    @override
    def request_for_row(self, key: str) -> HTTPRequest:
        return HTTPRequest(self.url_of(key))

    @override
    def record_of(self, key: str, entry: str, answer: requests.Response) -> Record:
        return {**self._invoice(answer), "id": key}

    def digests(self) -> Mapping[str, str] | None:
        """Return the digest of each detail that was ever read.

        Returns:
            Digests by id; None if details are not read in this run.
        """
        if not self.selected or self.config["details"] == NONE:
            return None
        memories = {key: Memory.from_state(text) for key, text in self.remembered.items()}
        return {key: memory.detail for key, memory in memories.items() if memory}

    def _invoice(self, answer: requests.Response) -> Record:
        body = body_of(answer)
        invoice = body.get("invoice") if isinstance(body, dict) else None
        if not isinstance(invoice, dict):
            raise RequestFailed(f"GET {answer.request.path_url} answered without an object under `invoice`")
        return invoice


class InvoiceDocuments(InvoiceStream, PdfStream[str]):
    """PDFs of invoices, stored below `documents_url`; none if that is not set. Fetched again when the detail changes.

    Where details are not read: when the row in the list changes.
    """

    name = "invoice_documents"
    folder = "invoices"

    def __init__(self, tap: Tap, *, invoices: Invoices, details: InvoiceDetails) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            invoices: The list.
            details: The details, which show more changes than the list.
        """
        super().__init__(tap, invoices=invoices)
        self._details = details

    @override
    def listed(self) -> Mapping[str, str]:
        """Return what changes with each document; empty where the detail was not read yet, but not if it failed."""
        rows = self.invoices.index()
        details = self._details.digests()
        if details is None:
            return rows
        failed = self._details.failed_keys
        return {key: details.get(key) or (row if key in failed else "") for key, row in rows.items()}

    @override
    def is_due(self, entry: str, remembered: str | None) -> bool:
        return bool(entry) and entry != remembered

    @override
    def memory(self, entry: str, answer: requests.Response) -> str:
        return entry

    @override
    def request_for_row(self, key: str) -> HTTPRequest:
        return HTTPRequest(self.url_of(key, "download"))

    @override
    def record_of(self, key: str, entry: str, answer: requests.Response) -> Record | None:
        kept = self.keep(key, answer)
        return kept and {"id": key, **kept}
