"""What is true of every request to Productive: headers, paging, includes, replication, and what an answer means.

Facts are from Productive's own guides (developer.productive.io/guides) unless a comment says otherwise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import parse_qsl, urlsplit

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from singer_rest_core import (
    NextLinkPaginator,
    NumberedPaginator,
    RequestFailed,
    RestStream,
    StreamUnavailable,
)
from singer_rest_core.records.row_layout import ResourceRows
from singer_rest_core.records.timestamps import instant
from singer_rest_core.singer.bookmarks import Scope
from tap_productive.refusals import REFUSED, Refused, refusal_words, refused_names
from tap_productive.relationships import related_type

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context
    from singer_sdk.pagination import BaseAPIPaginator
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from singer_rest_core import PageParams, Record
    from singer_rest_core.paging.prefetch import Pending
    from singer_rest_core.streams.rest import Row
    from tap_productive.change_feed import Feed
    from tap_productive.observer import Observer
    from tap_productive.tap import TapProductive

MEDIA_TYPE = "application/vnd.api+json"
EXACT_FILTER_TIMES = "filteringSkipDatetimeCastToDate"
"""The feature flag without which filters cut timestamps to the date (guide "Filtering")."""

LARGEST_PAGE = 200

_SECOND = timedelta(seconds=1)
_FIRST_CURSOR = {"page[after]": ""}
_FIRST_NUMBER = {"page[number]": "1"}
_SHIFTY_KEYS = frozenset({"last_activity_at", "last_action_at"})
"""Replication keys that do not move on every write: they need a look-back and a whole read now and then."""

_SECRET_NAMES = re.compile(
    r"token|secret|passw|credential|bearer|signature|authorization|cookie|custom_headers|intercom_hash"
    r"|(api|email|private|access)_?key|public_?uuid",
    re.IGNORECASE,
)
"""Names of fields that open something, wherever they turn up."""

_SCHEMAS = SchemaDirectory(files("tap_productive") / "schemas")


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
    """Relationships whose ids are asked for with `include`; without it an answer does not hold them."""

    varying_references: frozenset[str] = frozenset()
    """Those of them that lead to records of several types: a column `<name>_type` says which."""

    reference_types: ClassVar[Mapping[str, str]] = {}
    """Types of relationships that mean something else here than in other streams."""

    doubt = ""
    """Why the list may be missing (404), as a clause: it is then skipped. Empty where it is plainly documented."""

    observer: Observer | None = None
    """Sees the rows of every page."""

    def __init__(self, tap: Tap, *, path: str | None = None) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            path: The path of the list below `api_url`, if it is not its name.
        """
        super().__init__(tap, path=path or f"/{self.name}")
        # Rows name their organization unasked.
        usual = frozenset({"organization", *self.references})
        self.row_layout = ResourceRows(typed=self.varying_references, usual=usual)
        self._includes = list(self.references)
        self._list_filters = self.list_filters
        self._by_number = False
        self._sorts = True
        self._part: tuple[tuple[str, str], ...] = ()
        self._is_whole = True
        self._refused = Refused()
        self.schema_is_open = self.evidence == "inferred"
        self.newest_first = self._sorts_only

    def prepare(self) -> None:
        """Decide how much to read, and leave out of requests what the API has refused in runs before."""
        keep_for = timedelta(days=self.config["full_refresh_interval_days"])
        self._refused = Refused.noted(self.known_state, keep_for=keep_for, now=datetime.now(UTC))
        self._includes = [name for name in self.references if name not in self._refused.includes]
        self._by_number = self._refused.cursor
        self.newest_first = self._sorts_only
        super().prepare()

    @property
    def known_state(self) -> Mapping[str, Any]:
        """What the state holds of this stream, without a trace in it: this may be before its turn."""
        noted: Mapping[str, Any] = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return noted

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
    def is_sorted(self) -> bool:
        """Whether rows are asked for in the order of the replication key."""
        return self._filters and self.replication_key in self.sort_times

    @property
    def _filters(self) -> bool:
        """Whether the API filters the list by its replication key."""
        return self.replication_key in self.filter_times and not self._refused.filter

    @property
    def _sorts_only(self) -> bool:
        """Whether the API sorts the list by its replication key, but does not filter it."""
        return self.replication_key in self.sort_times and not self._filters

    @property
    def lookback(self) -> timedelta:
        """The setting `lookback_days`, where the replication key may be late."""
        return timedelta(days=self.config["lookback_days"] if self.replication_key in _SHIFTY_KEYS else 0)

    @property
    def full_refresh_interval(self) -> timedelta | None:
        """The setting `full_refresh_interval_days`, where the replication key does not move on every write."""
        if self.replication_key not in _SHIFTY_KEYS:
            return None
        return timedelta(days=self.config["full_refresh_interval_days"])

    @property
    def http_headers(self) -> dict[str, str]:
        """The headers of every request, credentials apart."""
        return {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "X-Feature-Flags": EXACT_FILTER_TIMES}

    def get_new_paginator(self) -> BaseAPIPaginator[PageParams]:
        """Read a whole list by page number, side by side; what changed by cursor, as it is short and must not shift.

        Returns:
            A paginator before its first page.
        """
        if (self.scope is Scope.CHANGES or self._part) and not self._by_number:
            return self._cursor_paginator()
        return NumberedPaginator("page[number]", last_page=self.last_page)

    def get_steady_paginator(self) -> BaseAPIPaginator[PageParams] | None:
        """Walk by cursor, which does not shift when rows come and go.

        Returns:
            A paginator before its first page; it follows numbered pages too, where the API has no cursor for a list.
        """
        return self._cursor_paginator()

    def _cursor_paginator(self) -> NextLinkPaginator:
        return NextLinkPaginator(_FIRST_CURSOR, next_link=self._next_link, takes=lambda name: name.startswith("page["))

    def total_of(self, answer: requests.Response) -> int | None:
        """Find how many rows a numbered list has according to a page.

        Args:
            answer: The page.

        Returns:
            `meta.total_count`, or None.
        """
        total = self._meta(answer).get("total_count")
        return total if isinstance(total, int) else None

    def _next_link(self, answer: requests.Response) -> str | None:
        """Find the link to the next page, or make it of the page count where an answer by page number has none."""
        links = self.envelope(answer).get("links")
        link = links.get("next") if isinstance(links, dict) else None
        if link:
            return str(link)
        meta = self._meta(answer)
        current, last = meta.get("current_page"), meta.get("total_pages")
        if isinstance(current, int) and isinstance(last, int) and current < last:
            return f"?page[number]={current + 1}"
        return None

    def last_page(self, answer: requests.Response) -> int | None:
        """Find the number of the last page; where it is not told, a link to the next says that there is one more.

        Args:
            answer: A page.

        Returns:
            Its number, or None.
        """
        last = self._meta(answer).get("total_pages")
        if isinstance(last, int):
            return last
        query = dict(parse_qsl(urlsplit(self._next_link(answer) or "").query))
        number = query.get("page[number]", "")
        return int(number) if number.isdecimal() else None

    def _meta(self, answer: requests.Response) -> Record:
        meta = self.envelope(answer).get("meta")
        return meta if isinstance(meta, dict) else {}

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page of this list.

        Args:
            page: Its parameters.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        token = dict(page.next_page_token or _FIRST_NUMBER)
        if self._by_number and token == _FIRST_CURSOR:
            token = _FIRST_NUMBER
        request.params = {**self._list_params(), **self._replication_params(), **self._include_params(), **token}
        request.params["page[size]"] = str(self.config["page_size"])
        return request

    def answers(self, context: Context | None) -> Iterator[requests.Response]:
        """Read the pages of the list, or of the parts of it that activities tell of.

        Args:
            context: The partition, or None.

        Yields:
            Answers, each to be taken with `take_page` before the next is asked for.
        """
        self._heed_refusals()
        feed = self.productive_tap.change_feed
        parts = feed.parts(self) if feed is not None else None
        self._is_whole = parts is None
        if parts is None:
            yield from super().answers(context)
        else:
            self.logger.info("reading only what activities tell of")
            for self._part in parts:
                yield from super().answers(context)
                if self._is_whole:
                    break
        if feed is not None and (not self._is_whole or super().has_read_all):
            feed.note_read(self, whole=self._is_whole)

    def _heed_refusals(self) -> None:
        """Say what is not asked for, and forget what is asked for again."""
        if self._refused.includes:
            names = ", ".join(sorted(self._refused.includes))
            self.logger.info("the API refused to include %s lately: it is not asked to", names)
        if not self._refused and REFUSED in self.stream_state:
            del self.stream_state[REFUSED]

    def _note_refusal(self, **what: Any) -> None:  # noqa: ANN401 - fields of several types
        self._refused = replace(self._refused, **what)
        self.remember(REFUSED, self._refused.as_state(datetime.now(UTC)))

    @property
    def has_read_all(self) -> bool:
        """Whether the read that just ended saw every row, not only those that activities tell of."""
        return self._is_whole and super().has_read_all

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, and show it to who wants to see it.

        Args:
            ids: The ids of its rows.
            rows: The rows, in whatever form.
            answer: The page.

        Returns:
            The rows that are new.
        """
        rows = super().take_page(ids, rows, answer)
        if self.observer is not None:
            self.observer.see(self, rows)
        return rows

    def read_aside(self, observer: Observer) -> None:
        """Read the list for someone else; nothing of it is written.

        Args:
            observer: Sees its pages.
        """
        self.page_codec = None
        self.observer = observer
        self.prepare()
        for answer in self.answers(None):
            rows = list(self.parse_response(answer))
            self.take_page([self.row_id(row) for row in rows], rows, answer)

    @property
    def tells_deletes(self) -> bool:
        """Whether a loader learns what was deleted by what does not come."""
        return self.replication_method == REPLICATION_FULL_TABLE and self._is_whole

    def first_request(self) -> HTTPRequest | None:
        """Give the request for the first page; not where activities have to be read before it is known.

        Returns:
            A request without credentials, or None.
        """
        feed = self.productive_tap.change_feed
        return None if feed is not None and feed.may_tell(self) else super().first_request()

    @property
    def productive_tap(self) -> TapProductive:
        """The tap, with what its streams share."""
        return cast("TapProductive", self.rest_tap)

    def _list_params(self) -> dict[str, str]:
        return {f"filter[{name}]": value for name, value in (*self._list_filters, *self._part)}

    def _replication_params(self) -> dict[str, str]:
        key = self.replication_key
        if not key:
            return {}
        bound = self.read_from
        if self.newest_first and bound is not None:
            return {"sort": f"-{key}"}
        params = {"sort": key} if self._sorts and key in self.sort_times else {}
        if bound is not None:
            # Filters are exact to the second; rounding down loses nothing.
            moment = instant(bound).astimezone(UTC).replace(microsecond=0, tzinfo=None)
            if self.since_filter is None:
                params[f"filter[{key}][gt_eq]"] = f"{moment.isoformat()}Z"
            else:
                params[f"filter[{self.since_filter}]"] = f"{(moment - _SECOND).isoformat()}Z"
        return params

    def _include_params(self) -> dict[str, str]:
        """Ask for relationships, and for as little as possible of the records they lead to.

        Included records come with no attributes but those asked for; `id` names none, and unknown names are ignored.
        Fields of the stream's own type are not narrowed: that would narrow its rows.
        """
        if not self._includes:
            return {}
        types = {related_type(name, self.reference_types) for name in self._includes} - {self.name}
        return {"include": ",".join(self._includes)} | {f"fields[{kind}]": "id" for kind in sorted(types)}

    def fetch(self, page: PageContext[PageParams], pending: Pending | None = None) -> requests.Response:
        """Ask for one page, and once more without what the API refuses.

        Args:
            page: Its parameters.
            pending: The request for it, if it was sent ahead.

        Returns:
            The answer.

        Raises:
            StreamUnavailable: If the account may not read this list, or it does not exist.
            RequestFailed: If the request ends this stream.
        """
        while True:
            try:
                return super().fetch(page, pending)
            except RequestFailed as refusal:
                pending = None
                if refusal.status == HTTPStatus.NOT_FOUND and self.doubt:
                    raise StreamUnavailable(f"{refusal}; the list is {self.doubt}") from refusal
                if not self._adapts_to(refusal, page):
                    raise

    def _adapts_to(self, refusal: RequestFailed, page: PageContext[PageParams]) -> bool:
        """Change what is asked for so that the API may accept it.

        Returns:
            Whether there is something else to ask for.
        """
        if refusal.status != HTTPStatus.BAD_REQUEST:
            return False
        said = refusal_words(refusal.body)
        if "keyset" in said and not self._by_number and page.next_page_token == _FIRST_CURSOR:
            self.logger.info("the API does not walk this list by cursor; it is read by page number")
            self._by_number = True
            self._note_refusal(cursor=True)
        elif "include" in said and self._includes:
            self._drop_refused_includes(page)
        elif "sort" in said and self._sorts and self.replication_key:
            self._drop_sort()
        else:
            return "filter" in said and self._drops_filter(refusal_words(refusal.body, "detail"))
        return True

    def _drop_sort(self) -> None:
        self._sorts = False
        if self.is_sorted:
            self.logger.warning(
                "the API refuses to sort by %s: the bookmark moves only at the end", self.replication_key
            )
            self.expect_no_order()
        elif self.read_from is not None:
            self.distrust(f"the API refuses to sort by {self.replication_key}")

    def _drops_filter(self, detail: str) -> bool:
        is_bounded = self.read_from is not None and not self.newest_first
        of_list = [name for name, _ in self._list_filters]
        # Where nothing else was asked for, it is these that are meant, named or not.
        refused = [name for name in of_list if name in detail or not (is_bounded or self._part)]
        if refused:
            self.logger.warning("the API refuses the filter %s: rows that need it are missing", ", ".join(refused))
            self._list_filters = tuple(each for each in self._list_filters if each[0] not in refused)
        elif self._part:
            self.logger.warning("the API refuses to filter by %s: it is read whole", self._part[0][0])
            self._part = ()
            self._is_whole = True
        elif is_bounded:
            self.distrust(f"the API refuses to filter by {self.since_filter or self.replication_key}")
            if self.replication_key in self.sort_times:
                self._note_refusal(filter=True)
        else:
            return False
        return True

    def _drop_refused_includes(self, page: PageContext[PageParams]) -> None:
        asked = self._includes

        def accepted(names: Sequence[str]) -> bool:
            self._includes = list(names)
            try:
                super(ProductiveStream, self).fetch(page)
            except RequestFailed as refusal:
                if refusal.status != HTTPStatus.BAD_REQUEST:
                    raise
                return "include" not in refusal_words(refusal.body)  # what else is refused is found in its turn
            return True

        refused = refused_names(asked, accepted)
        self._includes = [name for name in asked if name not in refused]
        self._note_refusal(includes=self._refused.includes | refused)
        self.logger.warning(
            "the API refuses to include %s: the columns with their ids stay empty",
            ", ".join(sorted(refused)),
        )
