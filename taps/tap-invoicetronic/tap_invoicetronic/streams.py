"""The streams of the vendor's endpoints, under the names of those; `documents` has the streams of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from singer_rest_core import DerivedStream
from singer_rest_core.singer.bookmarks import Scope, lower_bound
from tap_invoicetronic.api import InvoicetronicApi
from tap_invoicetronic.client import SCHEMAS, InvoicetronicStream, moment_of
from tap_invoicetronic.documents.balance import fetch_status
from tap_invoicetronic.environments import environment_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, MutableMapping, Sequence
    from datetime import datetime
    from typing import Any

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import MetadataMapping

    from singer_rest_core import Record
    from tap_invoicetronic.client import Row


class Company(InvoicetronicStream):
    """The companies of the account. No modification time exists: read whole."""

    name = "company"


class Send(InvoicetronicStream):
    """Invoices sent, without their payload.

    Read by `last_update`, and newest first by `created` for those the SDI has not answered yet: their `last_update` is
    null.
    """

    name = "send"
    replication_key = "last_update"
    by_company = True
    filters = True

    NEWEST_CREATED = "newest_created"
    """What the state keeps beside the bookmark: `created` of the newest row that was read."""

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self._only_new = False
        self._changes_settled = True
        self._changed: set[object] = set()
        self._newest: datetime | None = None

    @property
    def down_to(self) -> tuple[str, str] | None:
        """Down to where new rows are read."""
        bound = self.read_from
        if not self._only_new or bound is None:
            return None
        newest = self.stream_state.get(self.NEWEST_CREATED) if self.scope is Scope.CHANGES else None
        start_date = self.config.get("start_date")
        return "created", lower_bound(newest, lookback=self.lookback, start_date=start_date) or bound

    def answers(self, context: Context | None) -> Iterator[requests.Response]:
        """Read what changed, then what is new: an invoice without `last_update` matches no filter (inferred).

        Args:
            context: The partition, or None.

        Yields:
            Answers, each to be taken with `take_page` before the next is asked for.
        """
        self._only_new = False
        self._changes_settled = True
        self._changed = set()
        self._newest = None
        yield from super().answers(context)
        if self.read_from is not None:
            self._changes_settled = self.has_read_all
            self._only_new = True
            yield from super().answers(context)

    def note_completion(self, state: MutableMapping[str, Any]) -> None:
        """Keep how new the newest row was.

        Args:
            state: The stream's state.
        """
        if self._newest is not None:
            # What is newer than the run may come before something older that is still being written.
            newest = min(self._newest, self.invoicetronic.began)
            state[self.NEWEST_CREATED] = newest.isoformat().replace("+00:00", "Z")

    @property
    def has_read_all(self) -> bool:
        """Whether both lists were read whole."""
        return self._changes_settled and super().has_read_all

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, and of how new its rows are; leave out what is new but came with the changes.

        Args:
            ids: The ids of its rows.
            rows: The rows, in whatever form.
            answer: The page.

        Returns:
            The rows that are to be written.
        """
        moments = map(moment_of, self.column(rows, "created"))
        self._newest = max(filter(None, [self._newest, *moments]), default=None)
        rows = super().take_page(ids, rows, answer)
        if self._only_new:
            return [row for row, each in zip(rows, self.column(rows, "id"), strict=True) if each not in self._changed]
        self._changed.update(ids)
        return rows


class Receive(InvoicetronicStream):
    """Invoices received, without their payload.

    Read newest first by `created`, which cannot be filtered by. A change of `is_read` moves nothing: it is not seen.
    """

    name = "receive"
    replication_key = "created"
    newest_first = True
    by_company = True


class Update(InvoicetronicStream):
    """What the SDI said of invoices sent, one row for each notification."""

    name = "update"
    replication_key = "last_update"
    by_company = True
    filters = True
    closed_window = True


class Log(InvoicetronicStream):
    """Requests to the API of the last 15 days up to the start of the run, those of earlier runs of this tap included.

    `query` and `response_body` may hold personal data and are not selected by default.
    """

    name = "log"
    replication_key = "date_time"
    by_company = True
    filters = True
    closed_window = True

    @property
    def metadata(self) -> MetadataMapping:
        """The catalog's metadata."""
        metadata = super().metadata
        for name in ("query", "response_body"):
            if ("properties", name) in metadata:
                metadata["properties", name].selected_by_default = False
        return metadata


class WebHook(InvoicetronicStream):
    """Webhooks of the account. No modification time exists: read whole."""

    name = "webhook"
    by_company = True


class WebHookHistory(InvoicetronicStream):
    """Calls of webhooks in the last 15 days. No filter by time exists: read whole."""

    name = "webhookhistory"


class SubKey(InvoicetronicStream):
    """Restricted keys of the account, without the keys; only a main key may read them. Not selected by default."""

    name = "subkey"
    selected_by_default = False
    by_company = True


class Status(DerivedStream):
    """What is left of the account's operations and signatures, now: one row."""

    name = "status"
    primary_keys = ("environment",)
    schema = StreamSchema(SCHEMAS)

    @override
    def make_records(self) -> Iterator[Record]:
        api = InvoicetronicApi(self.rest_tap.client, self.config["api_url"])
        yield {**fetch_status(api), "environment": environment_of(self.config["api_key"])}


STREAMS: tuple[type[InvoicetronicStream | DerivedStream], ...] = (
    Company,
    Log,
    Receive,
    Send,
    Status,
    SubKey,
    Update,
    WebHook,
    WebHookHistory,
)
