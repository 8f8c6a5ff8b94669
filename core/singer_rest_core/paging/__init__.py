"""How a list is read: what is asked of it, its pages, its reader, and requests sent ahead of their turn."""

from singer_rest_core.paging.list_query import ListQuery, RefusedRequest
from singer_rest_core.paging.list_reader import ListReader, ListSource, ReadersRun
from singer_rest_core.paging.page import Page, PageDecoder, RecordDecoder
from singer_rest_core.paging.paginators import NextLinkPaginator, NumberedPaginator, PagePaginator, PageParams
from singer_rest_core.paging.prefetch import Pending

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
    "ReadersRun",
    "RecordDecoder",
    "RefusedRequest",
]
