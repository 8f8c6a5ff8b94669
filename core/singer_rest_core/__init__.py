"""What Singer taps for REST APIs share and singer-sdk lacks.

`RestTap` and `RestStream` are the bases; the packages hold what they are built from, each usable on its own.
"""

from singer_rest_core.cli.settings import settings_schema
from singer_rest_core.errors import (
    AccessRefused,
    OutcomeUnknown,
    RequestFailed,
    RunEnded,
    RunIncomplete,
    StreamUnavailable,
    error_text,
)
from singer_rest_core.paging.list_query import ListQuery
from singer_rest_core.paging.page import Page
from singer_rest_core.paging.paginators import NextLinkPaginator, NumberedPaginator, PagePaginator, PageParams
from singer_rest_core.records.conform import RESCUED_DATA, Conformer, Record
from singer_rest_core.records.exact_json import NotJson, body_of
from singer_rest_core.streams.derived import DerivedStream
from singer_rest_core.streams.rest import RestStream
from singer_rest_core.tap import RestTap

__all__ = [
    "RESCUED_DATA",
    "AccessRefused",
    "Conformer",
    "DerivedStream",
    "ListQuery",
    "NextLinkPaginator",
    "NotJson",
    "NumberedPaginator",
    "OutcomeUnknown",
    "Page",
    "PagePaginator",
    "PageParams",
    "Record",
    "RequestFailed",
    "RestStream",
    "RestTap",
    "RunEnded",
    "RunIncomplete",
    "StreamUnavailable",
    "body_of",
    "error_text",
    "settings_schema",
]
