"""The rest_api source of dlt over the list of invoices, as dlt's documentation shows it.

`BENCH_QUERY` holds the query as JSON, `BENCH_HEADERS` the headers, `BENCH_URL` the API.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import orjson
import requests
from dlt.sources.rest_api import rest_api_source
from flat_rows import flat_row

if TYPE_CHECKING:
    from dlt.extract import DltSource


class ParsingOnce(requests.Session):
    """Parses a response once, with orjson; dlt parses it twice, for the rows and for the next link."""

    def send(self, request: requests.PreparedRequest, **settings: object) -> requests.Response:
        """Send a request."""
        response = super().send(request, **settings)
        if response.ok:
            parsed = orjson.loads(response.content)
            response.json = lambda **_: parsed
        return response


def invoices_source(*, parses_once: bool) -> DltSource:
    """Return the source.

    Args:
        parses_once: Whether responses are parsed by `ParsingOnce`, not by dlt.
    """
    client = {
        "base_url": os.environ["BENCH_URL"],
        "headers": json.loads(os.environ["BENCH_HEADERS"]),
        "paginator": {"type": "json_link", "next_url_path": "links.next"},
    }
    if parses_once:
        client["session"] = ParsingOnce()
    endpoint = {"path": "invoices", "params": json.loads(os.environ["BENCH_QUERY"]), "data_selector": "data"}
    invoices = {
        "name": "invoices",
        "primary_key": "id",
        "endpoint": endpoint,
        "processing_steps": [{"map": flat_row}],
    }
    return rest_api_source({"client": client, "resources": [invoices]})
