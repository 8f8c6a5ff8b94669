"""What is true of every list of the Covage client API: where it is, its envelopes, its cursors.

Facts are from the documentation (docs-api-client-demo.covage.com) unless a comment says otherwise. Only the page on
invoices could be read whole.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory

from singer_rest_core import NextLinkPaginator, RequestFailed, body_of
from singer_rest_core.records import row_digest
from singer_rest_core.records.row_layout import FlatRows
from singer_rest_core.streams.per_row import IndexedList
from tap_covage.envelopes import rows_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    import requests
    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest, PageContext

    from singer_rest_core import PageParams, Record

SCHEMAS = SchemaDirectory(files("tap_covage") / "schemas")

_ROOT = "/api/v1"
_CURSOR = "cursor"


class RowNote(NamedTuple):
    """What is known of a row later.

    Args:
        digest: Tells whether it has changed.
        date: Its replication value, if it has one.
    """

    digest: str
    date: str | None


def url_below(api_url: str, *parts: str) -> str:
    """Give a URL of the API.

    Args:
        api_url: The setting; `/api/v1` is added unless it ends so.
        parts: Path segments, which may hold anything.

    Returns:
        A URL with a slash at the end, as most of the documented ones have.
    """
    return "/".join([base_url(api_url), *(quote(part, safe="") for part in parts), ""])


def base_url(api_url: str) -> str:
    """Give the URL that all paths are below.

    Args:
        api_url: The setting; `/api/v1` is added unless it ends so.

    Returns:
        A URL without a slash at the end.
    """
    base = api_url.rstrip("/")
    return base if base.endswith(_ROOT) else f"{base}{_ROOT}"


class CovageList(IndexedList[RowNote]):
    """A list, read by cursor where it has pages."""

    schema = StreamSchema(SCHEMAS)
    row_layout = FlatRows("results")

    path: str
    """Its path below `/api/v1`."""

    takes_page_size = False
    """Whether the parameter `page_size` is documented for it."""

    def __init__(self, tap: Tap) -> None:
        """Bind the stream to its tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=type(self).path)

    @property
    def url_base(self) -> str:
        """The setting `api_url`, with `/api/v1`."""
        return base_url(self.config["api_url"])

    def note(self, row: Record) -> RowNote:
        """Take note of a row.

        Args:
            row: A raw record.

        Returns:
            Its digest and date.
        """
        date = row.get(self.replication_key) if self.replication_key else None
        return RowNote(row_digest(row), date if isinstance(date, str) else None)

    def get_new_paginator(self) -> NextLinkPaginator:
        """Walk by cursor. Of the link to the next page nothing else is used: its host is a placeholder in the sample.

        Returns:
            A paginator before its first page.
        """
        return NextLinkPaginator({}, next_link=self._next_link, takes=lambda name: name == _CURSOR)

    def get_http_request(self, *, page: PageContext[PageParams]) -> HTTPRequest:
        """Ask for one page.

        Args:
            page: Its cursor.

        Returns:
            A request without credentials.
        """
        request = super().get_http_request(page=page)
        request.params = {**self.filters(), **(page.next_page_token or {})}
        if self.takes_page_size:
            request.params["page_size"] = str(self.config["page_size"])
        return request

    def filters(self) -> Mapping[str, str]:
        """Give the parameters that choose rows.

        Returns:
            Parameters by name.
        """
        return {}

    def parse_response(self, response: requests.Response) -> Iterator[Record]:
        """Read the rows of a page, whatever they are wrapped in.

        Args:
            response: An answer.

        Yields:
            Raw records.
        """
        with self.expected_page():
            for row in rows_in(body_of(response), self.primary_keys):
                yield self.row_layout.flat(row)

    def _next_link(self, answer: requests.Response) -> str | None:
        body: Any = body_of(answer)
        if not isinstance(body, dict) or not isinstance(body.get("results"), list):
            return None
        # `next` is what Django REST framework calls it, which this API is made with, by its look (inferred).
        link = body.get("next_page") or body.get("next")
        if link is not None and not isinstance(link, str):
            raise RequestFailed(f"GET {self.path} names a next page that is no URL")
        if link is None and self._is_cut(body, answer):
            raise RequestFailed(
                f"GET {self.path} answered {len(body['results'])} of {body['count']} rows and names no next page: "
                "it is not known how to ask for the others"
            )
        return link

    def _is_cut(self, body: Mapping[str, Any], answer: requests.Response) -> bool:
        """Tell whether rows are missing from a list that is not filtered and has this page alone."""
        count = body.get("count")
        alone = _CURSOR not in (answer.request.url or "")
        return alone and not self.filters() and isinstance(count, int) and count > len(body["results"])
