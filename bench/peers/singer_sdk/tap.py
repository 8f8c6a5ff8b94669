"""tap-productive written the plain singer-sdk way, as its documentation and its cookiecutter suggest.

`BENCH_STREAMS` names a JSON file that describes the streams (see `bench.tap_streams`). `BENCH_FASTEST=1` uses the
fastest settings that the SDK supports: no type conformance, its msgspec writer, STATE seldom.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl

from flat_rows import flat_row
from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import APIKeyAuthenticator
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.pagination import BaseHATEOASPaginator

if TYPE_CHECKING:
    from collections.abc import Sequence

    import requests
    from singer_sdk.helpers.types import Context
    from singer_sdk.streams.rest import HTTPRequest, PageContext

FASTEST = os.environ.get("BENCH_FASTEST") == "1"


class NextLink(BaseHATEOASPaginator):
    """Follows `links.next`."""

    def get_next_url(self, response: requests.Response) -> str | None:
        """Return the link of a response, if it has one."""
        return response.json()["links"].get("next")


class ProductiveStream(RESTStream):
    """A list of Productive."""

    records_jsonpath = "$.data[*]"
    primary_keys = ("id",)
    decimals: tuple[str, ...] = ()
    query: ClassVar[dict[str, str]] = {}

    @property
    def url_base(self) -> str:
        """Return the setting."""
        return self.config["api_url"]

    @property
    def authenticator(self) -> APIKeyAuthenticator:
        """Return the token as a header."""
        return APIKeyAuthenticator(key="X-Auth-Token", value=self.config["auth_token"], location="header")

    @property
    def http_headers(self) -> dict[str, str]:
        """Return the headers of every request."""
        return {
            "X-Organization-Id": self.config["organization_id"],
            "Content-Type": "application/vnd.api+json",
            "Accept": "application/vnd.api+json",
            "X-Feature-Flags": "filteringSkipDatetimeCastToDate",
        }

    @property
    def is_sorted(self) -> bool:
        """Return whether rows are requested in the order of the replication key."""
        return self.replication_key is not None

    def get_new_paginator(self) -> NextLink:
        """Follow links."""
        return NextLink()

    def get_http_request(self, *, page: PageContext) -> HTTPRequest:
        """Return the request for a page."""
        request = super().get_http_request(page=page)
        request.params = dict(self.query)
        if self.replication_key:
            start = self.get_starting_timestamp(page.stream_context)
            if start:
                request.params[f"filter[{self.replication_key}][gt_eq]"] = start.isoformat()
        if page.next_page_token:
            request.params |= dict(parse_qsl(page.next_page_token.query, keep_blank_values=True))
        return request

    def post_process(self, row: dict, context: Context | None = None) -> dict:  # noqa: ARG002 - the SDK's hook
        """Return a flat record of a resource."""
        flat = flat_row(row)
        for name in self.decimals:
            # The API returns some as text, on which target-postgres fails with its default settings.
            if isinstance(flat.get(name), str):
                flat[name] = Decimal(flat[name])
        return flat


if FASTEST:
    ProductiveStream.TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    ProductiveStream.STATE_MSG_FREQUENCY = 1_000_000


class TapProductivePlain(Tap):
    """Productive, the plain way."""

    name = "tap-productive-plain"
    config_jsonschema = th.PropertiesList(
        th.Property("auth_token", th.StringType, required=True, secret=True),
        th.Property("organization_id", th.StringType, required=True),
        th.Property("api_url", th.StringType, required=True),
    ).to_dict()
    if FASTEST:
        message_writer_class = MsgSpecWriter

    def discover_streams(self) -> Sequence[ProductiveStream]:
        """Return the streams that the file describes."""
        descriptions = json.loads(Path(os.environ["BENCH_STREAMS"]).read_text())
        return [stream_class(description)(self) for description in descriptions]


def stream_class(description: dict[str, Any]) -> type[ProductiveStream]:
    """Return the class that a person would have written for a stream.

    Args:
        description: Its name, schema, query and replication_key.
    """
    schema = json.loads(Path(description["schema"]).read_text())
    schema["properties"].pop("_rescued_data", None)
    for column in schema["properties"].values():
        items = column.get("items", {})
        if "object" in items.get("type", ()):
            items.setdefault("properties", {})  # without it, the SDK's conformance raises a KeyError
    return type(
        description["name"],
        (ProductiveStream,),
        {
            "name": description["name"],
            "path": f"/{description['name']}",
            "schema": schema,
            "decimals": tuple(name for name, column in schema["properties"].items() if "number" in column["type"]),
            "query": description["query"],
            "replication_key": description["replication_key"],
        },
    )


if __name__ == "__main__":
    TapProductivePlain.cli()
