"""What is true of every list and every detail of 2invoice: headers, URLs, and where the records are.

The vendor's page https://api.2invoice.ro documents the limit of requests and the meaning of statuses. Paths, and the
names of the members that hold the records, are from a third party (https://dlthub.com/context/source/api-2invoice).
That lists have the pages of Laravel's paginator is inferred from both. No field of any record is public: schemas are
inferred from a sample of the account.
"""

from __future__ import annotations

from abc import ABC
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from singer_sdk.streams.rest import HTTPRequest
from typing_extensions import override

from singer_rest_core import RESCUED_DATA, NotJson, RequestFailed, RestStream, body_of
from singer_rest_core.paging import RecordDecoder
from singer_rest_core.records import FlatRows, UnexpectedPage, rows_of
from singer_rest_core.streams import PerRowStream
from tap_2invoice.inferred_schema import InferredSchemaStream
from tap_2invoice.keys import DIGEST, ID, with_keys
from tap_2invoice.paging import FIRST_PAGE, PAGINATION_MEMBERS, LaravelPaginator, total_count

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests
    from singer_sdk import Tap

    from singer_rest_core import ListQuery, Page, PageParams, Record
    from singer_rest_core.records import PageCodec

HEADERS = {"Accept": "application/json"}


class ListStream(InferredSchemaStream, RestStream, ABC):
    """A list of 2invoice."""

    selector: str | None = None
    """The member of an answer that holds the records, plain or in a paginator; None if it has the stream's name."""

    left_out_hint = (
        ": if records have other keys than when the catalog was made, make it again with --discover, and read into a "
        "new table without state (meltano run --refresh-catalog --full-refresh)"
    )
    http_headers = HEADERS
    record_hooks = tuple(name for name in RestStream.record_hooks if name != "records_in")
    """`records_in` adds keys, which `page_codec` takes into account."""

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=f"/{self.name.replace('_', '-')}")
        self.row_layout = FlatRows(self.selector or self.name, envelope=PAGINATION_MEMBERS, inner="data")

    @property
    def adds_keys(self) -> bool:
        """Whether records may need a digest as their key: they have no id, or the catalog was made without a sample."""
        if DIGEST in self.primary_keys:
            return True
        columns = self.effective_schema["properties"]
        takes_text = columns.get(ID, {}).get("type") == "string"
        return takes_text and (self._sample_lacks_ids or columns.keys() <= {ID, RESCUED_DATA})

    @cached_property
    def page_codec(self) -> PageCodec | None:
        """Turns pages into messages at once, unless keys have to be added to the records."""
        return None if self.adds_keys else super().page_codec

    def sample_request(self) -> HTTPRequest:
        """Return the request for the first page, as a sample of the records."""
        return self.request_for(self.query(), FIRST_PAGE)

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
        """Decodes pages whose ids are needed, whatever the key of their stream is."""
        return RecordDecoder(lambda _, body: self._raw_records(body), self.row_layout, lambda record: record.get(ID))

    @override
    def records_in(self, body: Any) -> list[Record]:
        """Return the records of a page, with their keys."""
        records = self._raw_records(body)
        return list(with_keys(records, self.primary_keys[0])) if self.adds_keys else records

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        """Request one page; the first without any parameter, as none is documented."""
        request = super().request_for(query, token)
        request.params = {} if token == FIRST_PAGE else dict(token or {})
        return request

    @override
    def paginator(self, query: ListQuery) -> LaravelPaginator:
        return LaravelPaginator(self.path)

    @override
    def total_of(self, page: Page) -> int | None:
        return total_count(page)


class RecordDetailStream(InferredSchemaStream, PerRowStream, ABC):
    """The detail of each record of a list. It costs one request a record, so it is deselected by default."""

    selected_by_default = False
    records_per_state = 100

    list_type: type[ListStream]
    """The list of the records."""

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap)
        self.listing = self.list_type(tap)

    @override
    def make_records(self) -> Iterator[Record]:
        """Read the list, and request the detail of each record."""
        listed: set[str] = set()
        keys = self.in_turn(self._keys(listed))
        rows = 0
        for _, record in self.answered(((key, self.request_for_row(key)) for key in keys), self.detail_of):
            yield record
            rows += 1
        if self.listing.has_read_all:
            self.forget_failures_except(listed)
        self.has_read_all = self.listing.has_read_all and self.listing.has_all_keys and not self.lacks_rows
        self.is_certain = self.listing.is_certain
        self.rows_read = rows

    def request_for_row(self, key: object) -> HTTPRequest:
        """Return the request for one detail.

        Args:
            key: The id of its record.

        Returns:
            A request without credentials.
        """
        return HTTPRequest(
            url=f"{self.listing.url_base}/{self.listing.name}/{quote(str(key), safe='')}", headers=dict(HEADERS)
        )

    def detail_of(self, key: object, answer: requests.Response) -> Record:
        """Return the record in a detail: bare, or alone under its own name or `data`, as Laravel wraps one.

        Which of them is not known. An object with any other member is the record itself, so nothing is lost.

        Args:
            key: The id of the record, which is its key.
            answer: The detail.

        Returns:
            A raw record.

        Raises:
            RequestFailed: If the answer is no object.
        """
        body = body_of(answer)
        if not isinstance(body, dict):
            raise RequestFailed(f"GET /{self.listing.name}/{key} did not answer an object")
        if len(body) == 1:
            ((name, member),) = body.items()
            if isinstance(member, dict) and name in {self.listing.name.removesuffix("s"), "data"}:
                body = member
        return {**body, ID: key}

    def sample_of(self, key: object, answer: requests.Response) -> list[Record]:
        """Return a detail as a sample of one record.

        Args:
            key: The id of the record.
            answer: The detail.

        Returns:
            A raw record.

        Raises:
            RequestFailed: If the answer is no object.
        """
        return [self.detail_of(key, answer)]

    def _keys(self, listed: set[str]) -> Iterator[object]:
        """Read the ids of the list, page by page, and add them to a set."""
        self.listing.prepare()
        for page in self.listing.pages(decoder=self.listing.id_decoder):
            for key in page.column(ID):
                listed.add(str(key))
                yield key
