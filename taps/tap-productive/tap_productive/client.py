"""What is true of every list of Productive: headers, pages, includes, replication.

Facts are from Productive's own guides (developer.productive.io/guides) unless a comment says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from singer_rest_core import RequestFailed, RestStream, StreamUnavailable
from singer_rest_core.records import ResourceRows
from tap_productive.paging import FIRST_NUMBER, CursorPages, NumberedPages, total_count
from tap_productive.query import (
    ProductiveQuery,
    filter_params,
    include_params,
    replication_params,
    window_filters,
)
from tap_productive.refusals import REFUSED, Refusals, by_number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import ListQuery, Page, PageParams
    from singer_rest_core.paging import PageDecoder, RefusedRequest, Window
    from tap_productive.change_feed import ChangeFeed, Feed
    from tap_productive.page_observer import PageObserver

MEDIA_TYPE = "application/vnd.api+json"
EXACT_FILTER_TIMES = "filteringSkipDatetimeCastToDate"
"""The feature flag without which filters cut timestamps to the date (guide "Filtering")."""

LARGEST_PAGE = 200

_CREATED = "created_at"

_UNRELIABLE_KEYS = frozenset({"last_activity_at", "last_action_at"})
"""Replication keys that do not move on every write: they need a look-back and a complete read now and then."""

_SECRET_NAMES = re.compile(
    r"token|secret|passw|credential|bearer|signature|authorization|cookie|custom_headers|intercom_hash"
    r"|(api|email|private|access)_?key|public_?uuid",
    re.IGNORECASE,
)
"""Names of fields that give access to something, at any depth."""

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas")


class ProductiveStream(RestStream):
    """A list endpoint of Productive; its path is its name.

    A stream declares which relationships it requests (`references`), by which times the API filters and sorts it, and
    its replication key if one of them is of use. That decides how changes are read: in order from the bookmark where
    there is a filter and a sort; where there is only a filter, the bookmark moves at the end; where there is only a
    sort, the newest rows come first, down to the bookmark. A run checks that the API keeps to it (`filter_slack`).
    """

    primary_keys = ("id",)
    schema = StreamSchema(_SCHEMAS)

    evidence = "documented"
    """Where the columns are known from: documented (the vendor's pages, specification or code), live (answers that were
    recorded, or read by Airbyte's connector), inferred (no attribute is known)."""

    filter_times: tuple[str, ...] = ()
    """Times of change or creation that the list can be filtered by."""

    sort_times: tuple[str, ...] = ()
    """Times of change or creation that the list can be sorted by."""

    sorts_by_id = False
    """Whether the list can be sorted by `id`."""

    since_filter: str | None = None
    """The filter that takes the bookmark, if it does not have the name of the replication key; it may be exclusive."""

    required_filters: tuple[tuple[str, str], ...] = ()
    """Filters without which the list leaves rows out."""

    deleted_item_types: tuple[str, ...] = ()
    """The `item_type` of its records in the recycle bin."""

    feed: Feed | None = None
    """How activities name its changed records, where the list itself cannot be filtered by a time of change."""

    secret_names = _SECRET_NAMES

    filter_slack = timedelta(days=2)
    """Filters may be cut to the date, in a time zone that is not documented."""

    references: tuple[str, ...] = ()
    """Relationships whose ids are requested with `include`; without it an answer does not hold them."""

    polymorphic_references: frozenset[str] = frozenset()
    """Those of them that lead to records of several types: a column `<name>_type` holds which."""

    reference_types: ClassVar[Mapping[str, str]] = {}
    """Types of relationships that mean something else here than in other streams."""

    uncertainty = ""
    """Why the list may not exist, as a clause, for the warning where the API answers 404. Empty if it is documented."""

    ignores_organization = False
    """Whether the list is that of the token's person, whatever the organization that is asked for."""

    change_feed: ChangeFeed | None = None
    """What the run knows from activities; set by the tap before the first stream is read (`change_detection`)."""

    def __init__(self, tap: Tap, *, path: str | None = None) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            path: The path of the list below `api_url`, if it is not its name.
        """
        super().__init__(tap, path=path or f"/{self.name}")
        # Rows hold the id of their organization though it is not requested.
        usual = frozenset({"organization", *self.references})
        self.row_layout = ResourceRows(typed=self.polymorphic_references, usual=usual)
        self.observers: list[PageObserver] = []
        """See the rows of every page that is read."""
        self._refusals = Refusals(self, self.run.clock)
        self._is_complete_read = True
        """Whether this run reads the list as declared, not only the parts that activities name."""
        self.schema_is_open = self.evidence == "inferred"

    @override
    def prepare(self) -> None:
        """Decide how much to read, and leave out of requests what the API has refused in recent runs."""
        self._refusals.load(self.state_at_start, max_age=timedelta(days=self.config["full_refresh_interval_days"]))
        super().prepare()

    @property
    def api_allows(self) -> str:
        """What the list can be filtered and sorted by, for the README."""
        both = [name for name in self.filter_times if name in self.sort_times]
        parts = [
            ("filter and sort", both),
            ("filter", [name for name in self.filter_times if name not in both]),
            ("sort", [name for name in self.sort_times if name not in both]),
        ]
        allowed = [f"{verb} by {', '.join(f'`{name}`' for name in names)}" for verb, names in parts if names]
        return "; ".join(allowed) or "neither filter nor sort by a time of change"

    @property
    @override
    def is_sorted(self) -> bool:
        return self._is_filtered and self.replication_key in self.sort_times

    @property
    def _is_filtered(self) -> bool:
        """Whether the API filters the list by its replication key."""
        return self.replication_key in self.filter_times and not self._refusals.features.filter

    @property
    @override
    def lookback(self) -> timedelta:
        """The setting `lookback_days`, where the replication key may be written late."""
        return timedelta(days=self.config["lookback_days"] if self.replication_key in _UNRELIABLE_KEYS else 0)

    @property
    @override
    def full_refresh_interval(self) -> timedelta | None:
        """The setting `full_refresh_interval_days`, where the replication key does not move on every write."""
        if self.replication_key not in _UNRELIABLE_KEYS:
            return None
        return timedelta(days=self.config["full_refresh_interval_days"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        return {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "X-Feature-Flags": EXACT_FILTER_TIMES}

    @override
    def query(self) -> ProductiveQuery:
        key, since, refused = self.replication_key, self.read_from, self._refusals.features
        newest_first = since is not None and key in self.sort_times and not self._is_filtered
        sort = f"-{key}" if newest_first else key if key in self.sort_times else None
        return ProductiveQuery(
            column=key,
            since=since,
            newest_first=newest_first,
            ascending=since is not None and self.is_sorted,
            by_number=refused.cursor,
            sort=self._steady_sort if since is None else sort,
            steady_sort=self._steady_sort,
            includes=tuple(name for name in self.references if name not in refused.includes),
            filters=self.required_filters,
            refused=refused,
        )

    @property
    def _steady_sort(self) -> str | None:
        """A documented sort by what never changes: whatever happens meanwhile, rows keep their places in it."""
        if self._refusals.features.sort:
            return None
        return _CREATED if _CREATED in self.sort_times else "id" if self.sorts_by_id else None

    @property
    def window_column(self) -> str | None:  # type: ignore[override] # decided by what the list can be filtered by
        """`created_at`, where the list can be filtered by it and has it as a column."""
        return _CREATED if _CREATED in self.filter_times and _CREATED in self.schema["properties"] else None

    @override
    def paginator(self, query: ProductiveQuery) -> BaseAPIPaginator[PageParams]:
        """Page by cursor, which does not shift when rows come and go; by number where the API has no cursor."""
        page_size = int(self.config["page_size"])
        return NumberedPages(page_size) if query.by_number else CursorPages(page_size)

    @override
    def total_of(self, page: Page) -> int | None:
        return total_count(page)

    @override
    def count_request(self, query: ProductiveQuery) -> HTTPRequest | None:
        """Return the request for a page of one row by number, which states how many rows the list has."""
        if not query.is_for_every_row:
            return None
        request = self.request_for(replace(query, sort=None, includes=(), window=()), dict(FIRST_NUMBER))
        request.params["page[size]"] = "1"
        return request

    @override
    def count_of(self, answer: requests.Response) -> int | None:
        return total_count(self.record_decoder.decode(answer))

    @override
    def without_cursor(self, query: ProductiveQuery) -> ProductiveQuery:
        return by_number(query)

    @override
    def in_window(self, query: ProductiveQuery, window: Window) -> ProductiveQuery:
        return replace(query, window=window_filters(window))

    @override
    def request_for(self, query: ProductiveQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {
            **filter_params(query),
            **replication_params(query, since_filter=self.since_filter),
            **include_params(query, stream=self.name, reference_types=self.reference_types),
            **(token or FIRST_NUMBER),
            "page[size]": str(self.config["page_size"]),
        }
        return request

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read the list, or only the parts of it that activities name."""
        self._refusals.log_and_clear()
        feed = self.change_feed
        parts = feed.changed_parts(self) if feed is not None else None
        if parts is None:
            self._is_complete_read = True
            yield from super().pages(query, decoder)
        else:
            yield from self._changed_pages(parts, decoder)
        if self.reader is not None:
            self._refusals.remember(self.reader.query)
        if feed is not None and (not self._is_complete_read or self.has_read_all):
            feed.record_read(self, complete=self._is_complete_read)

    def _changed_pages(self, parts: Sequence[tuple[str, str]], decoder: PageDecoder | None) -> Iterator[Page]:
        """Read parts of the list, or all of it once the API refuses to filter it like that."""
        self.logger.info("reading only the rows that activities name")
        self._is_complete_read = False
        query = self.query()
        for part in parts:
            reader = self.new_reader(replace(query, part=part), decoder=decoder)
            yield from self.accepted(reader, reader.pages())
            query = reader.query
            if query.part is None:
                self._is_complete_read = True
                return
        self.has_read_all = self.covers_table = False

    @override
    def accept_page(self, page: Page, query: ProductiveQuery) -> Page:
        """Remember what the API refused, and show the page to the observers."""
        self._refusals.remember(query)
        for observer in self.observers:
            observer.on_page(self, page)
        return page

    def read_again(self, since: str | None) -> Iterator[Page]:
        """Read the list once more for another stream, after its own read; nothing of it is written.

        Args:
            since: The replication value to read from; None to read every row.

        Yields:
            Pages of raw records.
        """
        self.prepare()
        query = self.query()
        query = query.for_every_row() if since is None else replace(query, since=since)
        yield from self.new_reader(query, decoder=self.record_decoder).pages()

    @property
    def began_in_this_run(self) -> bool:
        """Whether the read began in this run: of one that it continues, earlier runs saw a part."""
        return self.read_began == self.started

    @property
    def finds_deletes(self) -> bool:
        """Whether a loader can see from the rows that do not come which were deleted."""
        return self.replication_method == REPLICATION_FULL_TABLE and self._is_complete_read

    @property
    @override
    def can_be_read_ahead(self) -> bool:
        """Whether the list may be read before its turn: not where activities say which rows to read."""
        feed = self.change_feed
        return feed is None or not feed.is_usable_for(self)

    @override
    def adapt(self, refused: RefusedRequest[ProductiveQuery]) -> ProductiveQuery | None:
        """Return a query without the part that the API refuses.

        Raises:
            StreamUnavailable: If the list does not exist (404): it is gone, or its feature is off.
        """
        error = refused.error
        status = error.status if isinstance(error, RequestFailed) else HTTPStatus.FORBIDDEN
        if status == HTTPStatus.NOT_FOUND:
            known = f"; the list is {self.uncertainty}" if self.uncertainty else ""
            raise StreamUnavailable(f"{error}{known}") from error
        return self._refusals.query_without(refused) if status in REFUSED else None
