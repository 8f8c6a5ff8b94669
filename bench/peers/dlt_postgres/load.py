"""dlt from the list of invoices into PostgreSQL: rest_api source, destination postgres, merged by id.

By default it is written as dlt's documentation shows it. `BENCH_FORMAT` is the format of its load files: `csv` is
loaded by COPY, `parquet` by ADBC. `BENCH_TUNED=1` adds what its page on performance and its types allow: no
compression, larger buffers, files that two processes normalize, and a custom session that parses responses once, with
orjson. `BENCH_OUTPUT` is the folder for its files, `BENCH_DATABASE` the database, `BENCH_SCHEMA` the schema in it; what
is read is said in `dlt_invoices`.
"""

from __future__ import annotations

import os

TUNED = os.environ.get("BENCH_TUNED") == "1"
FORMAT = os.environ.get("BENCH_FORMAT") or None
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
if TUNED:
    os.environ["DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    os.environ["DATA_WRITER__BUFFER_MAX_ITEMS"] = "20000"
    os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "25000"
    os.environ["NORMALIZE__WORKERS"] = "2"

import dlt  # noqa: E402 - it reads its configuration from the environment
from dlt_invoices import invoices_source  # noqa: E402


def main() -> None:
    """Load the list."""
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(os.environ["BENCH_DATABASE"]),
        dataset_name=os.environ["BENCH_SCHEMA"],
        pipelines_dir=os.environ["BENCH_OUTPUT"],
    )
    info = pipeline.run(invoices_source(parses_once=TUNED), write_disposition="merge", loader_file_format=FORMAT)
    info.raise_on_failed_jobs()


if __name__ == "__main__":
    main()
