"""The rest_api source of dlt over the list of invoices, extracted to the files that its normalizer would read next.

By default it is written as dlt's documentation shows it. `BENCH_TUNED=1` adds what its page on performance and its
types allow: no compression, larger buffers, and a custom session that parses responses once, with orjson.
`BENCH_OUTPUT` is the folder for the files; what is read is said in `dlt_invoices`.
"""

from __future__ import annotations

import os

TUNED = os.environ.get("BENCH_TUNED") == "1"
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
if TUNED:
    os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = "20000"

import dlt  # noqa: E402 - it reads its configuration from the environment
from dlt_invoices import invoices_source  # noqa: E402


def main() -> None:
    """Extract the list."""
    pipeline = dlt.pipeline(
        "bench", destination="filesystem", dataset_name="bench", pipelines_dir=os.environ["BENCH_OUTPUT"]
    )
    pipeline.extract(invoices_source(parses_once=TUNED))


if __name__ == "__main__":
    main()
