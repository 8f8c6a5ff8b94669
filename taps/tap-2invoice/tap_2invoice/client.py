"""What is true of every list and every detail of 2invoice: headers, envelopes, pages, keys, derived schemas.

The vendor's page https://api.2invoice.ro documents the limit of requests and the meaning of statuses. Paths, and the
names that lists are under, are told by a third party (https://dlthub.com/context/source/api-2invoice). That pages are
those of Laravel's paginator is inferred from both. No field of any record is known to anybody outside: schemas are
derived from a sample of the account.
"""

from __future__ import annotations

from abc import ABC
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from singer_sdk.singerlib import Schema
from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import (
    RESCUED_DATA,
    NotJson,
    NumberedPaginator,
    RequestFailed,
    RestStream,
    body_of,
)
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.records import row_digest
from singer_rest_core.records.conform import Misfit
from singer_rest_core.records.infer_schema import column_kinds, identifies, infer_schema, with_columns, with_key
from singer_rest_core.records.row_layout import FlatRows, UnexpectedPage, rows_of
from singer_rest_core.streams.base import BaseStream
from singer_rest_core.streams.per_row import PerRowStream

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from singer_rest_core import ListQuery, Page, PageParams, Record
    from singer_rest_core.records.conform import Column
    from singer_rest_core.records.fast.codec import PageCodec

HEADERS = {"Accept": "application/json"}

ID = "id"
DIGEST = "_digest"
"""The key of records that have no id."""

_DIGEST_CHARACTERS = 22
"""132 bits: no two records of an account will ever have the same by chance."""

_COLUMNS = "columns"
"""Where a stream's state keeps the columns of the runs before."""

_PAGE = "page"
_FIRST = {_PAGE: "1"}
_PLACE = ("current_page", "last_page", "total", "next_page_url", "links", "meta")
"""What a page says of its place: Laravel's paginator has the first four, its resource collections the last two."""


class InferredSchemaStream(BaseStream, ABC):
    """A stream whose schema is derived from a sample; without one it is the key alone, and all else is rescued."""

    primary_keys: Sequence[str] = (ID,)

    def __init__(self, tap: Tap, **of_the_sdk: Any) -> None:  # noqa: ANN401 - the SDK's own arguments
        """Bind the stream to its tap.

        Args:
            tap: The tap.
            of_the_sdk: What the SDK's class takes beside it.
        """
        super().__init__(tap, **of_the_sdk)
        self._derived = infer_schema([], keys=self.primary_keys)
        self._lacks_ids = False
        """Whether the sample would have another key than the id, which has to stay it."""

    @property
    def schema(self) -> Record:
        """The schema of the catalog, or that a catalog made now would have, with the columns of the runs before."""
        return self._derived

    @property
    def effective_schema(self) -> Record:
        """The same: here the columns of the runs before go before those of the catalog."""
        return self._derived

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over a catalog: what it says of this stream holds, also where the account has changed since.

        Args:
            catalog: The catalog.
        """
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry is not None:
            self._derived = entry.schema.to_dict()

    def derive_schema(self, sample: Sequence[Record]) -> None:
        """Take key and schema from a sample.

        Args:
            sample: Raw records.
        """
        if identifies(sample, ID):
            self._derived = infer_schema(sample, keys=(ID,))
            return
        self.logger.info("records have no id of their own: a digest of each is its key, %s", DIGEST)
        self.primary_keys = (DIGEST,)
        self._derived = infer_schema(keyed(sample, DIGEST), keys=(DIGEST,))

    def remember_columns(self) -> None:
        """Keep the columns in the state, for the next run."""
        self.remember(_COLUMNS, column_kinds(self.schema))

    def keep_columns(self, catalog: Catalog) -> None:
        """Keep key and columns that the runs before had: the sample is another one now, but the table is the same.

        Args:
            catalog: The working catalog, whose entry is changed.
        """
        remembered = self.tap_state.get("bookmarks", {}).get(self.name, {}).get(_COLUMNS)
        entry = catalog.get_stream(self.name)
        if not isinstance(remembered, dict) or entry is None:
            return
        self._keep_key(DIGEST if DIGEST in remembered else ID, entry)
        kept = with_columns(self.schema, {str(name): str(kinds) for name, kinds in remembered.items()})
        found = column_kinds(self.schema)
        for name in sorted(found.keys() & remembered.keys()):
            if found[name] != remembered[name]:
                self.logger.info("column %s stays %s, as it was: %s would fit now", name, remembered[name], found[name])
        entry.schema = Schema.from_dict(kept)
        self._derived = kept

    def _keep_key(self, key: str, entry: CatalogEntry) -> None:
        """Keep a key that was derived, unless somebody has written another one into the catalog."""
        if list(self.primary_keys) == [key] or not set(self.primary_keys) <= {ID, DIGEST}:
            return
        if key == ID:
            self.logger.warning(
                "records have no %s of their own any more, but it stays the key, as it was: of records with the same, "
                "a loader keeps the last. To have them all, read into a new table without state",
                ID,
            )
        else:
            self.logger.info("the key stays %s, as it was: %s would do now", key, ID)
        self._lacks_ids = key == ID
        self.primary_keys = (key,)
        entry.key_properties = [key]
        columns = {name: each for name, each in self.schema["properties"].items() if name != DIGEST}
        self._derived = with_key({**self.schema, "properties": columns}, key)

    def stream_url(self, *parts: object) -> str:
        """Give a URL of the API.

        Args:
            parts: The segments of its path below `api_url`.

        Returns:
            The URL, with the segments quoted.
        """
        return "/".join([str(self.config["api_url"]).rstrip("/"), *(quote(str(part), safe="") for part in parts)])


class ListStream(InferredSchemaStream, RestStream, ABC):
    """A list of 2invoice."""

    selector: str | None = None
    """The member of an answer that holds the records, plain or in a paginator; None if it is called as the stream."""

    http_headers = HEADERS
    record_hooks = tuple(name for name in RestStream.record_hooks if name != "records_in")
    """`records_in` makes keys only where `makes_keys` says so."""

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name.replace('_', '-')}")
        self.row_layout = FlatRows(self.selector or self.name, envelope=_PLACE, inner="data")

    @property
    def makes_keys(self) -> bool:
        """Whether records may need a key made of them: they have no id, or the catalog was made without a sample."""
        if DIGEST in self.primary_keys:
            return True
        columns = self.effective_schema["properties"]
        takes_text = columns.get(ID, {}).get("type") == "string"
        return takes_text and (self._lacks_ids or columns.keys() <= {ID, RESCUED_DATA})

    @cached_property
    def page_codec(self) -> PageCodec | None:
        """Turns pages into messages at once, unless keys have to be made of the records."""
        return None if self.makes_keys else super().page_codec

    def sample_request(self) -> HTTPRequest:
        """Return the request for the first page, as a sample of the records."""
        return self.request_for(self.query(), _FIRST)

    def sample_of(self, answer: requests.Response) -> list[Record]:
        """Return the records of a page as they are.

        Args:
            answer: The page.

        Returns:
            Raw records.

        Raises:
            RequestFailed: If the answer holds no list where it should be.
        """
        try:
            return self._raw_records(body_of(answer))
        except (NotJson, UnexpectedPage) as error:
            raise RequestFailed(f"GET {self.path} answered {error}") from error

    def _raw_records(self, body: Any) -> list[Record]:  # noqa: ANN401 - JSON is any of six types
        return [self.row_layout.flat(row) for row in rows_of(body, self.row_layout)]

    @property
    def id_decoder(self) -> RecordDecoder:
        """Decodes pages for the sake of their ids: none is made where one is missing."""
        return RecordDecoder(lambda _, body: self._raw_records(body), self.row_layout, self._id_of)

    def _id_of(self, record: Record) -> Hashable:
        found: Hashable = record.get(ID)
        if found is None:
            raise RequestFailed(f"GET {self.path} answered a record without {ID}: its detail cannot be requested")
        return found

    @override
    def records_in(self, body: Any) -> list[Record]:
        """Return the records of a page, with their keys."""
        records = self._raw_records(body)
        return list(keyed(records, self.primary_keys[0])) if self.makes_keys else records

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        """Request one page; the first without any parameter, as none is documented."""
        request = super().request_for(query, token)
        request.params = {} if token == _FIRST else dict(token or {})
        return request

    @override
    def paginator(self, query: ListQuery) -> LaravelPaginator:
        return LaravelPaginator(self.path, self._check_keys)

    @override
    def total_of(self, page: Page) -> int | None:
        return _whole(_place(page).get("total"))

    def _check_keys(self, ids: Sequence[Any]) -> None:
        """Refuse records that a loader could not tell apart: the catalog is of another time, or of another account."""
        columns = {column.name: column for column in self.conformer.columns}
        key = self.primary_keys[0]
        if len(self.primary_keys) > 1 or key not in columns:
            return
        for each in ids:
            error = _key_error(columns[key], each)
            if error is not None:
                raise RequestFailed(
                    f"GET {self.path} answered a record whose key {key} {error}: make the catalog again with "
                    "--discover, and read into a new table without state (meltano run --refresh-catalog --full-refresh)"
                )


class LaravelPaginator(NumberedPaginator):
    """Counts the pages of Laravel's paginator, and refuses a page that is not the one that was requested.

    The last page is the one that a page names as such; where none is named, a link to the next says that there is one.

    Args:
        path: The list, for errors.
        check_keys: Refuses the keys of a page's records.
    """

    def __init__(self, path: str, check_keys: Callable[[Sequence[Any]], None]) -> None:
        """Start before the first page."""
        super().__init__(_PAGE, last_page=self._last_page)
        self._path = path
        self._check_keys = check_keys
        self._seen: set[int] = set()

    @override
    def check(self, page: Page, ids: Sequence[Hashable]) -> None:
        """Refuse a page that was not requested, one that came before, and records without a usable key.

        Raises:
            RequestFailed: If the page is one of these.
        """
        self._check_keys(ids)
        place = _place(page)
        number = _whole(place.get("current_page"))
        if number not in {None, self.number}:
            raise RequestFailed(f"GET {self._path} answered page {number} when page {self.number} was requested")
        fingerprint = hash(tuple(ids))
        # Pages without records may be many where the last one is named; where it is not, there must be an end to them.
        if fingerprint in self._seen and (ids or _whole(place.get("last_page")) is None):
            raise RequestFailed(f"GET {self._path} repeats itself: page {self.number} is one that came before")
        self._seen.add(fingerprint)

    def _last_page(self, page: Page) -> int | None:
        place = _place(page)
        last = _whole(place.get("last_page"))
        if last is not None:
            return last
        links = place.get("links")
        following = place.get("next_page_url") or (isinstance(links, dict) and links.get("next"))
        # Only whether there is one matters: the URL of the next page is ours to build.
        return self.number + 1 if following else None


class DetailStream(InferredSchemaStream, PerRowStream, ABC):
    """What a detail of 2invoice says of each record of a list: one request a record, so it is deselected by default."""

    selected_by_default = False
    records_per_state = 100

    list_type: type[ListStream]
    """The list whose records it is asked for."""

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self.listing = self.list_type(tap)

    def make_records(self) -> Iterator[Record]:
        """Read the list, and ask for the detail of each record.

        Yields:
            Raw records.
        """
        rows = 0
        for key, answer in self.answered(self._requests()):
            yield self.detail_of(key, answer)
            rows += 1
        self.has_read_all = self.listing.has_read_all and not self.not_found
        self.is_certain = self.listing.is_certain
        self.rows_read = rows

    def request_for_row(self, key: object) -> HTTPRequest:
        """Return the request for one detail.

        Args:
            key: The id of its record.

        Returns:
            A request without credentials.
        """
        return HTTPRequest(url=self.stream_url(self.listing.name, key), headers=dict(HEADERS))

    def detail_of(self, key: object, answer: requests.Response) -> Record:
        """Find the record in a detail: bare, or alone under its own name or `data`, as Laravel wraps one.

        Which of them is not known. An object that holds anything else beside is taken as it is, so nothing is lost.

        Args:
            key: The id it was asked for by, which is its key.
            answer: The detail.

        Returns:
            A raw record.

        Raises:
            RequestFailed: If the answer is no object.
        """
        body = body_of(answer)
        if not isinstance(body, dict):
            raise RequestFailed(f"GET /{self.listing.name}/{key} answered something else than an object")
        if len(body) == 1:
            ((name, member),) = body.items()
            if isinstance(member, dict) and name in {self.listing.name.removesuffix("s"), "data"}:
                body = member
        return {**body, ID: key}

    def sample_of(self, key: object, answer: requests.Response) -> list[Record]:
        """Read a detail as a sample of one.

        Args:
            key: The id it was asked for by.
            answer: The detail.

        Returns:
            A raw record.

        Raises:
            RequestFailed: If the answer is no object.
        """
        return [self.detail_of(key, answer)]

    def _requests(self) -> Iterator[tuple[object, HTTPRequest]]:
        self.listing.prepare()
        for page in self.listing.pages(decoder=self.listing.id_decoder):
            for key in page.column(ID):
                yield key, self.request_for_row(key)


def keyed(rows: Iterable[Record], key: str) -> Iterator[Record]:
    """Give records of one page the key they lack: a digest of the record.

    Records that are alike are numbered, as a page cannot hold one twice.

    Args:
        rows: Raw records.
        key: Its name.

    Yields:
        The records with the key.
    """
    alike: Counter[str] = Counter()
    for row in rows:
        if key != DIGEST and row.get(key) is not None:
            yield row
            continue
        digest = row_digest(row, characters=_DIGEST_CHARACTERS)
        alike[digest] += 1
        if alike[digest] > 1:
            digest = row_digest([row, alike[digest]], characters=_DIGEST_CHARACTERS)
        yield {**row, key: digest}


def _place(page: Page) -> Record:
    """Return what a page says of its place in the list."""
    meta = page.envelope.get("meta")
    return {**page.envelope, **meta} if isinstance(meta, dict) else page.envelope


def _key_error(column: Column, value: object) -> str | None:
    if value is None:
        return "is missing"
    try:
        column.convert(value)
    except Misfit as misfit:
        return str(misfit)
    return None


def _whole(value: object) -> int | None:
    """Read a whole number, also one given as text."""
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
