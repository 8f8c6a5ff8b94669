"""What is true of every request to Productive: headers, paging, includes, replication, and what an answer means.

Facts are from Productive's own guides (developer.productive.io/guides) unless a comment says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, ClassVar, Self
from urllib.parse import parse_qsl, urlsplit

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from singer_rest_core import (
    ListQuery,
    NextLinkPaginator,
    NumberedPaginator,
    RequestFailed,
    RestStream,
    StreamUnavailable,
    body_of,
)
from singer_rest_core.records.row_layout import ResourceRows
from singer_rest_core.records.timestamps import instant
from tap_productive.refusals import REFUSED, Refused, refusal_words, refused_names
from tap_productive.relationships import related_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import Page, PageParams, Record
    from singer_rest_core.paging.list_query import RefusedRequest
    from singer_rest_core.paging.page import PageDecoder
    from singer_rest_core.paging.windows import Window
    from tap_productive.change_feed import ChangeFeed, Feed
    from tap_productive.page_observer import PageObserver

MEDIA_TYPE = "application/vnd.api+json"
EXACT_FILTER_TIMES = "filteringSkipDatetimeCastToDate"
"""The feature flag without which filters cut timestamps to the date (guide "Filtering")."""

LARGEST_PAGE = 200

_SECOND = timedelta(seconds=1)
_CREATED = "created_at"
_FIRST_CURSOR = {"page[after]": ""}
_FIRST_NUMBER = {"page[number]": "1"}
_SHIFTY_KEYS = frozenset({"last_activity_at", "last_action_at"})
"""Replication keys that do not move on every write: they need a look-back and a complete read now and then."""

_SECRET_NAMES = re.compile(
    r"token|secret|passw|credential|bearer|signature|authorization|cookie|custom_headers|intercom_hash"
    r"|(api|email|private|access)_?key|public_?uuid",
    re.IGNORECASE,
)
"""Names of fields that open something, wherever they turn up."""

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas")


@dataclass(frozen=True, kw_only=True)
class ProductiveQuery(ListQuery):
    """What is asked of a list of Productive; less after the API refused a part of it.

    Args:
        sort: What rows are sorted by, with `-` before it for descending order; None to leave the order to the API.
        includes: Relationships whose ids are requested.
        filters: Filters without which the list leaves rows out, by name and value.
        part: A filter for rows that activities name; None for all rows.
        window: Filters for rows of a span of time; empty for all rows.
        refused: What the API refuses of this list.
    """

    sort: str | None = None
    includes: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    part: tuple[str, str] | None = None
    window: tuple[tuple[str, str], ...] = ()
    refused: Refused = field(default_factory=Refused)

    @property
    def is_for_every_row(self) -> bool:
        """Whether all rows of the list are asked for."""
        return self.since is None and self.part is None

    @override
    def for_every_row(self) -> Self:
        return replace(super().for_every_row(), sort=None)


class ProductiveStream(RestStream):
    """A list endpoint of Productive; its path is its name.

    A stream says which relationships it asks for (`references`), by which times the API filters and sorts it, and its
    replication key if one of them is of use. That says how changes are read: in order from the bookmark where there is
    a filter and a sort; where there is only a filter, the bookmark moves at the end; where there is only a sort, the
    newest rows come first, down to the bookmark. A run checks that the API keeps to it (`filter_slack`).
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
    """The filter that takes the bookmark, if it has not the name of the replication key; it may leave the bound out."""

    list_filters: tuple[tuple[str, str], ...] = ()
    """Filters without which the list leaves rows out."""

    bin_types: tuple[str, ...] = ()
    """What the recycle bin calls its records."""

    feed: Feed | None = None
    """How activities tell which of its records have changed, where the list itself cannot."""

    secret_names = _SECRET_NAMES

    filter_slack = timedelta(days=2)
    """Filters may be cut to the date, in a time zone that is not documented."""

    references: tuple[str, ...] = ()
    """Relationships whose ids are requested with `include`; without it an answer does not hold them."""

    varying_references: frozenset[str] = frozenset()
    """Those of them that lead to records of several types: a column `<name>_type` says which."""

    reference_types: ClassVar[Mapping[str, str]] = {}
    """Types of relationships that mean something else here than in other streams."""

    doubt = ""
    """Why the list may be missing (404), as a clause: it is then skipped. Empty where it is plainly documented."""

    change_feed: ChangeFeed | None = None
    """What activities tell of changes; set by the tap before the first stream is read, where the user asks for it."""

    def __init__(self, tap: Tap, *, path: str | None = None) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
            path: The path of the list below `api_url`, if it is not its name.
        """
        super().__init__(tap, path=path or f"/{self.name}")
        # Rows name their organization unasked.
        usual = frozenset({"organization", *self.references})
        self.row_layout = ResourceRows(typed=self.varying_references, usual=usual)
        self.observers: list[PageObserver] = []
        """See the rows of every page that is read."""
        self._refused = Refused()
        self._covers_list = True
        self.schema_is_open = self.evidence == "inferred"

    @override
    def prepare(self) -> None:
        """Decide how much to read, and leave out of requests what the API has refused in runs before."""
        keep_for = timedelta(days=self.config["full_refresh_interval_days"])
        self._refused = Refused.noted(self.state_at_start, keep_for=keep_for, now=datetime.now(UTC))
        super().prepare()

    @property
    def api_allows(self) -> str:
        """What the API says that the list can be filtered and sorted by, for the README."""
        both = [name for name in self.filter_times if name in self.sort_times]
        parts = [
            ("filter and sort", both),
            ("filter", [name for name in self.filter_times if name not in both]),
            ("sort", [name for name in self.sort_times if name not in both]),
        ]
        said = [f"{verb} by {', '.join(f'`{name}`' for name in names)}" for verb, names in parts if names]
        return "; ".join(said) or "neither filter nor sort by a time of change"

    @property
    @override
    def is_sorted(self) -> bool:
        """Whether rows are requested in the order of the replication key."""
        return self._filters and self.replication_key in self.sort_times

    @property
    def _filters(self) -> bool:
        """Whether the API filters the list by its replication key."""
        return self.replication_key in self.filter_times and not self._refused.filter

    @property
    @override
    def lookback(self) -> timedelta:
        """The setting `lookback_days`, where the replication key may be late."""
        return timedelta(days=self.config["lookback_days"] if self.replication_key in _SHIFTY_KEYS else 0)

    @property
    @override
    def full_refresh_interval(self) -> timedelta | None:
        """The setting `full_refresh_interval_days`, where the replication key does not move on every write."""
        if self.replication_key not in _SHIFTY_KEYS:
            return None
        return timedelta(days=self.config["full_refresh_interval_days"])

    @property
    @override
    def http_headers(self) -> dict[str, str]:
        return {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "X-Feature-Flags": EXACT_FILTER_TIMES}

    @override
    def query(self) -> ProductiveQuery:
        key, since = self.replication_key, self.read_from
        newest_first = since is not None and key in self.sort_times and not self._filters
        sort = f"-{key}" if newest_first else key if key in self.sort_times else None
        return ProductiveQuery(
            column=key,
            since=since,
            newest_first=newest_first,
            ascending=since is not None and self.is_sorted,
            by_number=self._refused.cursor,
            sort=sort if since is not None else self._steady_sort,
            includes=tuple(name for name in self.references if name not in self._refused.includes),
            filters=self.list_filters,
            refused=self._refused,
        )

    @property
    def _steady_sort(self) -> str | None:
        """A documented sort by what never changes: whatever happens meanwhile, rows keep their places in it."""
        if self._refused.sort:
            return None
        return _CREATED if _CREATED in self.sort_times else "id" if self.sorts_by_id else None

    @property
    def window_column(self) -> str | None:  # type: ignore[override] # decided by what the list can be filtered by
        """`created_at`, where the list can be filtered by it and shows it."""
        is_known = _CREATED in self.filter_times and _CREATED in self.schema["properties"]
        return _CREATED if is_known else None

    @override
    def paginator(self, query: ProductiveQuery) -> BaseAPIPaginator[PageParams]:
        """Read by cursor, which does not shift when rows come and go; by number where the API has no cursor."""
        page_size = int(self.config["page_size"])
        return NumberedPages(page_size) if query.by_number else CursorPages(page_size)

    @override
    def count_request(self, query: ProductiveQuery) -> HTTPRequest | None:
        """Ask by number for a page of one row, whose answer counts all."""
        if not query.is_for_every_row:
            return None
        plain = replace(query, sort=None, includes=(), window=())
        request = self.request_for(plain, dict(_FIRST_NUMBER))
        request.params["page[size]"] = "1"
        return request

    @override
    def count_of(self, answer: requests.Response) -> int | None:
        body = body_of(answer)
        meta = body.get("meta") if isinstance(body, dict) else None
        total = meta.get("total_count") if isinstance(meta, dict) else None
        return total if isinstance(total, int) else None

    @override
    def without_cursor(self, query: ProductiveQuery) -> ProductiveQuery:
        return replace(query, by_number=True, refused=replace(query.refused, cursor=True))

    @override
    def in_window(self, query: ProductiveQuery, window: Window) -> ProductiveQuery:
        ends = (("gt_eq", window.start), ("lt", window.end))
        return replace(
            query,
            window=tuple((f"{_CREATED}][{operation}", _as_filter(end)) for operation, end in ends if end is not None),
        )

    @override
    def total_of(self, page: Page) -> int | None:
        """Return `meta.total_count`; answers by cursor have none."""
        total = _meta(page).get("total_count")
        return total if isinstance(total, int) else None

    @override
    def request_for(self, query: ProductiveQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        filters = (*query.filters, *([query.part] if query.part else []), *query.window)
        request.params = {
            **{f"filter[{name}]": value for name, value in filters},
            **({"sort": query.sort} if query.sort else {}),
            **self._since_params(query),
            **self._include_params(query),
            **(token or _FIRST_NUMBER),
            "page[size]": str(self.config["page_size"]),
        }
        return request

    def _since_params(self, query: ProductiveQuery) -> dict[str, str]:
        if query.since is None or query.newest_first:
            return {}
        moment = instant(query.since)
        if self.since_filter is None:
            return {f"filter[{query.column}][gt_eq]": _as_filter(moment)}
        return {f"filter[{self.since_filter}]": _as_filter(moment - _SECOND)}

    def _include_params(self, query: ProductiveQuery) -> dict[str, str]:
        """Return what requests relationships, and as little as possible of the records they lead to.

        Included records come with no attributes but those asked for; `id` names none, and unknown names are ignored.
        Fields of the stream's own type are not narrowed: that would narrow its rows.
        """
        if not query.includes:
            return {}
        types = {related_type(name, self.reference_types) for name in query.includes} - {self.name}
        return {"include": ",".join(query.includes)} | {f"fields[{kind}]": "id" for kind in sorted(types)}

    @override
    def pages(self, query: ListQuery | None = None, decoder: PageDecoder | None = None) -> Iterator[Page]:
        """Read the list, or the parts of it that activities tell of."""
        self._report_refused()
        feed = self.change_feed
        parts = feed.parts(self) if feed is not None else None
        if parts is None:
            self._covers_list = True
            yield from super().pages(query, decoder)
        else:
            yield from self._pages_of(parts, decoder)
        self._note_refused()
        if feed is not None and (not self._covers_list or self.has_read_all):
            feed.note_read(self, whole=self._covers_list)

    def _pages_of(self, parts: Sequence[tuple[str, str]], decoder: PageDecoder | None) -> Iterator[Page]:
        """Read parts of the list, or all of it once the API refuses to filter it like that."""
        self.logger.info("reading only what activities tell of")
        self._covers_list = False
        query = self.query()
        for part in parts:
            reader = self.new_reader(replace(query, part=part), decoder=decoder)
            yield from self.accepted(reader, reader.pages())
            query = reader.query
            if query.part is None:
                self._covers_list = True
                return
        self.has_read_all = self.covers_table = False

    def _report_refused(self) -> None:
        """Log what is not requested, and forget it where it is requested again."""
        if self._refused.includes:
            names = ", ".join(sorted(self._refused.includes))
            self.logger.info("the API refused to include %s lately: it is not asked to", names)
        if not self._refused and REFUSED in self.stream_state:
            del self.stream_state[REFUSED]

    def _note_refused(self) -> None:
        """Keep in the state what the API refused in this read."""
        refused = self.reader.query.refused if self.reader is not None else self._refused
        if refused != self._refused:
            self._refused = refused
            self.remember(REFUSED, refused.as_state(datetime.now(UTC)))

    @override
    def accept_page(self, page: Page, query: ProductiveQuery) -> Page:
        self._note_refused()
        for observer in self.observers:
            observer.on_page(self, page)
        return page

    @property
    def finds_deletes(self) -> bool:
        """Whether a loader learns what was deleted from what does not come."""
        return self.replication_method == REPLICATION_FULL_TABLE and self._covers_list

    @property
    @override
    def can_be_read_ahead(self) -> bool:
        """Whether the list may be read before its turn: not where activities tell what to read of it."""
        feed = self.change_feed
        return feed is None or not feed.may_tell(self)

    @override
    def adapt(self, refused: RefusedRequest[ProductiveQuery]) -> ProductiveQuery | None:
        """Return a query without what the API refuses.

        Raises:
            StreamUnavailable: If the list does not exist, and that was doubtful.
        """
        error = refused.error
        status = error.status if isinstance(error, RequestFailed) else HTTPStatus.FORBIDDEN
        if status == HTTPStatus.NOT_FOUND and self.doubt:
            raise StreamUnavailable(f"{error}; the list is {self.doubt}") from error
        return self._query_without(refused) if status == HTTPStatus.BAD_REQUEST else None

    def _query_without(self, refused: RefusedRequest[ProductiveQuery]) -> ProductiveQuery | None:
        """Return a query without the part that a 400 names; None if it names none that can be left out."""
        query, body = refused.query, refused.error.body
        words = refusal_words(body)
        if "keyset" in words and not query.by_number and refused.token == _FIRST_CURSOR:
            if query.is_for_every_row and query.sort:
                return replace(query, sort=None, refused=replace(query.refused, sort=True))
            self.logger.info("the API does not read this list by cursor; it is read by page number")
            return self.without_cursor(query)
        if "include" in words and query.includes:
            return self._without_refused_includes(refused)
        if "sort" in words and query.sort:
            return self._without_sort(query)
        if "filter" in words:
            return self._without_filter(query, refusal_words(body, "detail"))
        return None

    def _without_sort(self, query: ProductiveQuery) -> ProductiveQuery:
        if query.since is None:
            return replace(query, sort=None, refused=replace(query.refused, sort=True))
        if query.newest_first:
            self.logger.warning("the API refuses to sort by %s: it is read completely", query.column)
            return query.for_every_row()
        self.logger.warning("the API refuses to sort by %s: the bookmark moves only at the end", query.column)
        return replace(query, sort=None, ascending=False)

    def _without_filter(self, query: ProductiveQuery, detail: str) -> ProductiveQuery | None:
        is_bounded = query.since is not None and not query.newest_first
        # Where nothing else was filtered by, it is these that are meant, named or not.
        refused = [name for name, _ in query.filters if name in detail or not (is_bounded or query.part)]
        if refused:
            self.logger.warning("the API refuses the filter %s: rows that need it are missing", ", ".join(refused))
            return replace(query, filters=tuple(each for each in query.filters if each[0] not in refused))
        if query.part:
            self.logger.warning("the API refuses to filter by %s: it is read completely", query.part[0])
            return replace(query, part=None)
        if is_bounded:
            name = self.since_filter or self.replication_key
            self.logger.warning("the API refuses to filter by %s: it is read completely", name)
            query = query.for_every_row()
            if self.replication_key in self.sort_times:
                query = replace(query, refused=replace(query.refused, filter=True))
            return query
        return None

    def _without_refused_includes(self, refused_request: RefusedRequest[ProductiveQuery]) -> ProductiveQuery:
        query = refused_request.query

        def is_accepted(names: Sequence[str]) -> bool:
            try:
                refused_request.send(replace(query, includes=tuple(names)))
            except RequestFailed as refusal:
                if refusal.status != HTTPStatus.BAD_REQUEST:
                    raise
                return "include" not in refusal_words(refusal.body)  # what else is refused is found in its turn
            return True

        refused = refused_names(query.includes, is_accepted)
        self.logger.warning(
            "the API refuses to include %s: the columns with their ids stay empty",
            ", ".join(sorted(refused)),
        )
        return replace(
            query,
            includes=tuple(name for name in query.includes if name not in refused),
            refused=replace(query.refused, includes=query.refused.includes | refused),
        )


class NumberedPages(NumberedPaginator):
    """Counts pages up to the last one that a page names.

    Where a page names none, a link to the next says that there is one more; and where it has neither `meta` nor
    `links`, that it is full.

    Args:
        page_size: How many rows a full page has.
    """

    def __init__(self, page_size: int) -> None:
        """Start before the first page."""
        super().__init__("page[number]", last_page=self._last_page_of)
        self._page_size = page_size

    def _last_page_of(self, page: Page) -> int | None:
        last = _meta(page).get("total_pages")
        if isinstance(last, int):
            return last
        number = dict(parse_qsl(urlsplit(_next_link(page) or "").query)).get("page[number]", "")
        if number.isdecimal():
            return int(number)
        return self.number + 1 if _may_have_a_next(page, self._page_size) else None


class CursorPages(NextLinkPaginator):
    """Follows cursors; and page numbers, if an answer has neither `meta` nor `links` but is full.

    Args:
        page_size: How many rows a full page has.
    """

    def __init__(self, page_size: int) -> None:
        """Start before the first page."""
        super().__init__(_FIRST_CURSOR, next_link=self._link, takes=lambda name: name.startswith("page["))
        self._page_size = page_size

    def _link(self, page: Page) -> str | None:
        if _may_have_a_next(page, self._page_size):
            return f"?page[number]={self.count + 1}"
        return _next_link(page)


def _may_have_a_next(page: Page, page_size: int) -> bool:
    """Whether a page that says nothing about the next one is full: then there may be one."""
    return "meta" not in page.envelope and "links" not in page.envelope and len(page.rows) >= page_size


def _next_link(page: Page) -> str | None:
    links = page.envelope.get("links")
    link = links.get("next") if isinstance(links, dict) else None
    return str(link) if link else None


def _as_filter(moment: datetime) -> str:
    """Return an instant as filters take it: exact to the second, rounded down, which loses nothing."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def _meta(page: Page) -> Record:
    meta = page.envelope.get("meta")
    return meta if isinstance(meta, dict) else {}
