"""What Singer taps for REST APIs share and singer-sdk lacks.

`RestTap` and `RestStream` are the bases; the packages hold what they are built from, each usable on its own. Names are
imported when they are first used: singer-sdk takes most of a second, which `--version` has no use for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

_MODULES = {
    "AccessRefused": "singer_rest_core.errors",
    "Conformer": "singer_rest_core.records.conform",
    "DerivedStream": "singer_rest_core.streams.derived",
    "ListQuery": "singer_rest_core.paging.list_query",
    "NextLinkPaginator": "singer_rest_core.paging.paginators",
    "NotJson": "singer_rest_core.records.exact_json",
    "NumberedPaginator": "singer_rest_core.paging.paginators",
    "OutcomeUnknown": "singer_rest_core.errors",
    "Page": "singer_rest_core.paging.page",
    "PagePaginator": "singer_rest_core.paging.paginators",
    "PageParams": "singer_rest_core.paging.paginators",
    "RESCUED_DATA": "singer_rest_core.records.conform",
    "Record": "singer_rest_core.records.conform",
    "RequestFailed": "singer_rest_core.errors",
    "RestStream": "singer_rest_core.streams.rest",
    "RestTap": "singer_rest_core.tap",
    "RunEnded": "singer_rest_core.errors",
    "RunIncomplete": "singer_rest_core.errors",
    "StreamUnavailable": "singer_rest_core.errors",
    "body_of": "singer_rest_core.records.exact_json",
    "error_text": "singer_rest_core.errors",
    "settings_schema": "singer_rest_core.cli.settings",
}
"""Where each name is."""


def __getattr__(name: str) -> object:
    """Import a name of this package when it is first used.

    Raises:
        AttributeError: If the package has no such name.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
