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
from singer_sdk.streams.rest import HTTPRequest, PageContext

from singer_rest_core import (
    RESCUED_DATA,
    NumberedPaginator,
    RequestFailed,
    RestStream,
    body_of,
)
from singer_rest_core.records import row_digest
from singer_rest_core.records.conform import Misfit
from singer_rest_core.records.infer_schema import column_kinds, identifies, infer_schema, with_columns, with_key
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.streams.base import RecordStream
from singer_rest_core.streams.per_row import PerRowStream

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    import requests
    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, CatalogEntry

    from singer_rest_core import PageParams, Record
    from singer_rest_core.records.conform import Column
    from singer_rest_core.records.fast.codec import PageCodec
    from singer_rest_core.streams.rest import Row

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


class InferredSchemaStream(RecordStream, ABC):
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

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name.replace('_', '-')}")
        self.row_layout = FlatRows(self.selector or self.name, envelope=_PLACE, inner="data")
        self._pages_taken = 0
        self._pages_seen: set[int] = set()

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
        """Ask for the first page.

        Returns:
            A request without credentials.
        """
        return self.get_http_request(page=PageContext(None, _FIRST))

    def records_of(self, answer: requests.Response) -> list[Record]:
        """Read the records of a page as they are.

        Args:
            answer: The page.

        Returns:
            Raw records.

        Raises:
            RequestFailed: If the answer holds no list where it should be.
        """
        return list(super().parse_response(answer))

    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        """Read the records of a page, with their keys.

        Args:
            response: The page.

        Yields:
            Raw records.

        Raises:
            RequestFailed: If the answer holds no list where it should be.
        """
        records = self.records_of(response)
        yield from keyed(records, self.primary_keys[0]) if self.makes_keys else records

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page of this list.

        Args:
            page: Its parameters; the first page is asked for without any, as none is documented.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        request.params = {} if page.next_page_token == _FIRST else dict(page.next_page_token or {})
        return request

    def get_new_paginator(self) -> NumberedPaginator:
        """Count pages: up to the last one where an answer names it, else as long as there is a link to a next one.

        Returns:
            A paginator before the first page.
        """
        self._pages_taken = 0
        self._pages_seen = set()
        return NumberedPaginator(_PAGE, last_page=self._last_page)

    def total_of(self, answer: requests.Response) -> int | None:
        """Find how many records the list has according to a page.

        Args:
            answer: The page.

        Returns:
            The number, or None if the page does not say.
        """
        return _whole(self._place(answer).get("total"))

    def take_page(self, ids: Sequence[Hashable], rows: Sequence[Row], answer: requests.Response) -> Sequence[Row]:
        """Take note of a page, unless it is no new one or its records cannot be told apart.

        Args:
            ids: The keys of its records.
            rows: The records, in whatever form.
            answer: The page.

        Returns:
            The records that are new.

        Raises:
            RequestFailed: If the API gave another page than was asked for, or one that it gave before, or a record
                without its key.
        """
        self._check_keys(ids)
        self._pages_taken += 1
        place = self._place(answer)
        number = _whole(place.get("current_page"))
        if number not in {None, self._pages_taken}:
            raise RequestFailed(f"GET {self.path} answered page {number} when page {self._pages_taken} was asked for")
        fingerprint = hash(tuple(ids))
        # Pages without records may be many where the last one is named; where it is not, there must be an end to them.
        if fingerprint in self._pages_seen and (ids or _whole(place.get("last_page")) is None):
            raise RequestFailed(f"GET {self.path} repeats itself: page {self._pages_taken} is one that came before")
        self._pages_seen.add(fingerprint)
        return super().take_page(ids, rows, answer)

    def _check_keys(self, ids: Sequence[Any]) -> None:
        """Refuse records that a loader could not tell apart: the catalog is of another time, or of another account."""
        columns = {column.name: column for column in self._conformer.columns}
        key = self.primary_keys[0]
        if len(self.primary_keys) > 1 or key not in columns:
            return
        for each in ids:
            fault = _fault(columns[key], each)
            if fault is not None:
                raise RequestFailed(
                    f"GET {self.path} answered a record whose key {key} {fault}: make the catalog again with "
                    "--discover, and read into a new table without state (meltano run --refresh-catalog --full-refresh)"
                )

    def _place(self, answer: requests.Response) -> Record:
        envelope = self.envelope(answer)
        meta = envelope.get("meta")
        return {**envelope, **meta} if isinstance(meta, dict) else envelope

    def _last_page(self, answer: requests.Response) -> int | None:
        """Find the number of the last page; where it is not named, a link to the next says that there is one more."""
        place = self._place(answer)
        last = _whole(place.get("last_page"))
        if last is not None:
            return last
        links = place.get("links")
        following = place.get("next_page_url") or (isinstance(links, dict) and links.get("next"))
        # Only whether there is one matters: where it leads to is ours to say. Before `take_page` has counted this page,
        # that foretells nothing, which is right: how many pages there are is not known.
        return self._pages_taken + 1 if following else None


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
        for key, answer in self.found(self._asked()):
            yield self.detail_of(key, answer)
        self.has_read_all = self.listing.has_read_all and not self.not_found

    def request_for(self, key: object) -> HTTPRequest:
        """Ask for one detail.

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

    def _asked(self) -> Iterator[tuple[object, HTTPRequest]]:
        listing = self.listing
        listing.prepare()
        for answer in listing.answers(None):
            rows = listing.records_of(answer)
            ids = [row.get(ID) for row in rows]
            if None in ids:
                raise RequestFailed(
                    f"GET {listing.path} answered a record without {ID}: its detail cannot be asked for"
                )
            for row in listing.take_page(ids, rows, answer):
                yield row[ID], self.request_for(row[ID])


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


def _fault(column: Column, value: object) -> str | None:
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
