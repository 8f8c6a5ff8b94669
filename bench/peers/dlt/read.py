"""The rest_api source of dlt over the list of invoices, extracted to the files that its normalizer would read next.

By default it is written as dlt's documentation shows it. `BENCH_TUNED=1` adds what its page on performance and its
types allow: no compression, larger buffers, and a custom session that parses responses once, with orjson. `BENCH_QUERY`
holds the query as JSON, `BENCH_HEADERS` the headers, `BENCH_URL` the API, `BENCH_OUTPUT` the folder for the files.
"""

from __future__ import annotations

import json
import os

TUNED = os.environ.get("BENCH_TUNED") == "1"
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
if TUNED:
    os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = "20000"

import dlt  # noqa: E402 - it reads its configuration from the environment
import orjson  # noqa: E402
import requests  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402
from flat_rows import flat_row  # noqa: E402


class ParsingOnce(requests.Session):
    """Parses a response once, with orjson; dlt parses it twice, for the rows and for the next link."""

    def send(self, request: requests.PreparedRequest, **settings: object) -> requests.Response:
        """Send a request."""
        response = super().send(request, **settings)
        if response.ok:
            parsed = orjson.loads(response.content)
            response.json = lambda **_: parsed
        return response


def main() -> None:
    """Extract the list."""
    client = {
        "base_url": os.environ["BENCH_URL"],
        "headers": json.loads(os.environ["BENCH_HEADERS"]),
        "paginator": {"type": "json_link", "next_url_path": "links.next"},
    }
    if TUNED:
        client["session"] = ParsingOnce()
    endpoint = {"path": "invoices", "params": json.loads(os.environ["BENCH_QUERY"]), "data_selector": "data"}
    source = rest_api_source(
        {
            "client": client,
            "resources": [
                {
                    "name": "invoices",
                    "primary_key": "id",
                    "endpoint": endpoint,
                    "processing_steps": [{"map": flat_row}],
                }
            ],
        }
    )
    pipeline = dlt.pipeline(
        "bench", destination="filesystem", dataset_name="bench", pipelines_dir=os.environ["BENCH_OUTPUT"]
    )
    pipeline.extract(source)


if __name__ == "__main__":
    main()
