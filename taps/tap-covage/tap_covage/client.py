"""What is true of every list of the Covage client API: its URL, its pages, its cursors.

Facts are from the documentation (docs-api-client-demo.covage.com) unless a comment says otherwise. Of it, only
the page on invoices could be read completely.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from singer_sdk import StreamSchema
from singer_sdk.schema.source import SchemaDirectory
from typing_extensions import override

from singer_rest_core import NextLinkPaginator, RequestFailed
from singer_rest_core.records import FlatRows, row_digest
from singer_rest_core.streams import IndexedList
from tap_covage.response_rows import rows_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from singer_sdk import Tap
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core import ListQuery, Page, PageParams, Record

SCHEMAS = SchemaDirectory(files("tap_covage") / "schemas")

_ROOT = "/api/v1"
_CURSOR = "cursor"


class RowEntry(NamedTuple):
    """What the index of a list holds of a row.

    Args:
        digest: Changes with the row.
        date: Its replication value, if it has one.
    """

    digest: str
    date: str | None


def base_url(api_url: str) -> str:
    """Return the URL that all paths are below.

    Args:
        api_url: The setting; `/api/v1` is added unless it ends with that.

    Returns:
        A URL without a slash at the end.
    """
    base = api_url.rstrip("/")
    return base if base.endswith(_ROOT) else f"{base}{_ROOT}"


def resource_url(api_url: str, *segments: str) -> str:
    """Return the URL of a resource.

    Args:
        api_url: The setting, see `base_url`.
        segments: The segments of its path; they may hold any character.

    Returns:
        A URL with a slash at the end, as most of the documented ones have.
    """
    return "/".join([base_url(api_url), *(quote(segment, safe="") for segment in segments), ""])


class CovageList(IndexedList[RowEntry]):
    """A list, read by cursor where it has pages."""

    schema = StreamSchema(SCHEMAS)
    row_layout = FlatRows("results", envelope=("results", "next_page", "next", "count"))

    path: str
    """Its path below `/api/v1`."""

    takes_page_size = False
    """Whether the parameter `page_size` is documented for it."""

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap.

        Args:
            tap: The tap.
        """
        super().__init__(tap, path=type(self).path)

    @property
    @override
    def url_base(self) -> str:
        """The setting `api_url`, with `/api/v1`."""
        return base_url(self.config["api_url"])

    @override
    def index_entry(self, row: Record) -> RowEntry:
        date = row.get(self.replication_key) if self.replication_key else None
        return RowEntry(row_digest(row), date if isinstance(date, str) else None)

    @override
    def paginator(self, query: ListQuery) -> NextLinkPaginator:
        """Page by cursor. Nothing else of the next link is used: its host is a placeholder in the sample."""
        return NextLinkPaginator(
            {}, next_link=lambda page: self._next_link(page, query), takes=lambda name: name == _CURSOR
        )

    @override
    def request_for(self, query: ListQuery, token: PageParams | None) -> HTTPRequest:
        request = super().request_for(query, token)
        request.params = {**self.filters(query), **(token or {})}
        if self.takes_page_size:
            request.params["page_size"] = str(self.config["page_size"])
        return request

    def filters(self, query: ListQuery) -> Mapping[str, str]:  # noqa: ARG002 - for lists to answer
        """Return the parameters that choose rows.

        Args:
            query: What is requested of the list.

        Returns:
            Parameters by name.
        """
        return {}

    @override
    def records_in(self, body: Any) -> list[Record]:
        """Return the rows of a page, whatever they are wrapped in."""
        return [self.row_layout.flat(row) for row in rows_in(body, self.primary_keys)]

    def _next_link(self, page: Page, query: ListQuery) -> str | None:
        envelope = page.envelope
        if not isinstance(envelope.get("results"), list):
            return None
        # `next` is the name in Django REST framework, which this API seems to use (inferred).
        link = envelope.get("next_page") or envelope.get("next")
        if link is not None and not isinstance(link, str):
            raise RequestFailed(f"GET {self.path} names a next page that is not a URL")
        count, rows = envelope.get("count"), len(envelope["results"])
        # An unfiltered list has as many rows as it counts: where it has a single page, none may be missing.
        is_only_page = _CURSOR not in (page.answer.request.url or "")
        if link is None and is_only_page and not self.filters(query) and isinstance(count, int) and count > rows:
            raise RequestFailed(
                f"GET {self.path} answered {rows} of {count} rows and names no next page: "
                "it is not known how to request the others"
            )
        return link
