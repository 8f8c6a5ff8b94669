"""The streams of the vendor's endpoints, under the names of those; `documents` has the streams of documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from singer_sdk import StreamSchema
from typing_extensions import override

from singer_rest_core import DerivedStream
from singer_rest_core.singer import Scope, lower_bound
from tap_invoicetronic.api import InvoicetronicApi
from tap_invoicetronic.client import SCHEMAS, InvoicetronicQuery, InvoicetronicStream, moment_of
from tap_invoicetronic.documents.balance import fetch_status
from tap_invoicetronic.environments import environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from datetime import datetime
    from typing import Any

    from singer_sdk.singerlib import MetadataMapping

    from singer_rest_core import ListQuery, Page, Record
    from singer_rest_core.paging import PageDecoder


class Company(InvoicetronicStream):
    """The companies of the account. No modification time exists: read completely."""

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

    _newest: datetime | None = None
    """`created` of the newest row that this run has read."""

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read what changed, then what is new: an invoice without `last_update` matches no filter (inferred)."""
        self._newest = None
        changed: set[object] = set()
        for page in super().pages(query, decoder):
            changed.update(page.ids)
            yield self._noting_newest(page)
        since = self.reader.query.since if self.reader is not None else None
        if since is None:
            return
        changes_are_complete = self.has_read_all
        for page in super().pages(self._query_for_new_rows(since), decoder):
            rows = [row for row, each in zip(page.rows, page.ids, strict=True) if each not in changed]
            yield self._noting_newest(page).with_rows(rows)
        self.has_read_all &= changes_are_complete

    def _query_for_new_rows(self, since: str) -> InvoicetronicQuery:
        newest = self.stream_state.get(self.NEWEST_CREATED) if self.scope is Scope.CHANGES else None
        start_date = self.config.get("start_date")
        bound = lower_bound(newest, lookback=self.lookback, start_date=start_date) or since
        return InvoicetronicQuery(column="created", since=bound, newest_first=True, sort="-created")

    def _noting_newest(self, page: Page) -> Page:
        moments = map(moment_of, page.column("created"))
        self._newest = max(filter(None, [self._newest, *moments]), default=None)
        return page

    @override
    def note_completion(self, state: MutableMapping[str, Any]) -> None:
        """Keep how new the newest row was."""
        if self._newest is not None:
            # What is newer than the run may come before something older that is still being written.
            newest = min(self._newest, self.started)
            state[self.NEWEST_CREATED] = newest.isoformat().replace("+00:00", "Z")


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
    @override
    def metadata(self) -> MetadataMapping:
        metadata = super().metadata
        for name in ("query", "response_body"):
            if ("properties", name) in metadata:
                metadata["properties", name].selected_by_default = False
        return metadata


class WebHook(InvoicetronicStream):
    """Webhooks of the account. No modification time exists: read completely."""

    name = "webhook"
    by_company = True


class WebHookHistory(InvoicetronicStream):
    """Calls of webhooks in the last 15 days. No filter by time exists: read completely."""

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
        api = InvoicetronicApi(self.run.client, self.config["api_url"])
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
