"""How a list is read: what is asked of it, its pages, its reader, and requests sent ahead of their turn."""

from singer_rest_core.paging.list_query import ListQuery, RefusedRequest
from singer_rest_core.paging.list_reader import ListReader
from singer_rest_core.paging.list_source import ListSource
from singer_rest_core.paging.ongoing_read import ReadResult
from singer_rest_core.paging.page import Page, PageDecoder, RecordDecoder
from singer_rest_core.paging.page_fetcher import ReadersRun
from singer_rest_core.paging.paginators import NextLinkPaginator, NumberedPaginator, PagePaginator, PageParams
from singer_rest_core.paging.prefetch import Pending
from singer_rest_core.paging.windows import Window

__all__ = [
    "ListQuery",
    "ListReader",
    "ListSource",
    "NextLinkPaginator",
    "NumberedPaginator",
    "Page",
    "PageDecoder",
    "PagePaginator",
    "PageParams",
    "Pending",
    "ReadResult",
    "ReadersRun",
    "RecordDecoder",
    "RefusedRequest",
    "Window",
]
