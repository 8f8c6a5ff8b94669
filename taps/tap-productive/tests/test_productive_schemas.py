"""Every schema as `--discover` gives it: a change of one shows here, and is agreed to with `--snapshot-update`."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_productive.report_groups import GROUPS
from tap_productive.reports import Report, ReportStream
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

SETTINGS = {"auth_token": "-", "organization_id": "1"}
STREAMS = TapProductive(config=SETTINGS).streams


def form(schema: dict[str, Any]) -> str:
    """What a column takes, in a few words."""
    words = [word for word in schema["type"] if word != "null"] if isinstance(schema["type"], list) else ["key"]
    items = schema.get("items", {}).get("type", "")
    return " ".join(
        [*words, *([f"({schema['format']})"] if "format" in schema else []), *([f"of {items}"] if items else [])]
    )


@pytest.mark.parametrize("name", STREAMS)
def test_the_columns_of_a_stream_are_those_agreed_to(name: str, snapshot: SnapshotAssertion) -> None:
    stream = STREAMS[name]

    assert {
        "key": list(stream.primary_keys),
        "replication key": stream.replication_key,
        "columns": {column: form(schema) for column, schema in stream.schema["properties"].items()},
    } == snapshot


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_the_columns_of_a_report_are_those_agreed_to(name: str, snapshot: SnapshotAssertion) -> None:
    stream = ReportStream(TapProductive(config=SETTINGS), Report(name, (), {}))

    assert {column: form(schema) for column, schema in stream.schema["properties"].items()} == snapshot


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_what_a_report_can_be_grouped_by_has_a_column(name: str) -> None:
    columns = ReportStream(TapProductive(config=SETTINGS), Report(name, (), {})).schema["properties"].keys()

    missing = {group for group in GROUPS[name] if columns.isdisjoint({group, f"{group}_id", f"{group}_period"})}
    assert missing == set()


def test_the_documented_row_of_a_report_fits_its_schema() -> None:
    # From developer.productive.io/reports.html, July 2025; figures left out.
    documented: dict[str, Any] = {
        "id": "booking-report-booking-130-99914b932bd37a50b983c5e7c90ae93b",
        "group": "booking",
        "formula_fields": {},
        "mandays": "1.0",
        "approved_at": "2025-07-26",
        "created_at": "2025-07-26",
        "rejected_at": None,
        "canceled_at": None,
        "billing_type": 1,
        "project_type": 2,
        "approval_status": 1,
        "stage_type": 1,
        "absence_type": None,
        "draft": False,
    }
    stream = ReportStream(TapProductive(config=SETTINGS), Report("booking_reports", (), {}))

    record = stream.post_process(documented)

    assert record is not None
    assert record["_rescued_data"] is None
    assert {name: record[name] for name in documented} == documented | {"mandays": 1}


def test_every_report_has_a_schema_and_every_schema_a_report() -> None:
    schemas = (files("tap_productive") / "schemas" / "reports").iterdir()

    assert {path.name.removesuffix(".json") for path in schemas} == GROUPS.keys()


def test_starting_and_discovering_costs_little_of_our_own_time() -> None:
    """Of `--discover` the interpreter, the SDK and its libraries take most; what is ours stays below 0.6 s of CPU."""
    program = (
        "import time, singer_sdk, singer_sdk.streams.rest, singer_rest_core\n"
        "start = time.process_time()\n"
        "from tap_productive.tap import TapProductive\n"
        f"tap = TapProductive(config={SETTINGS!r})\n"
        "catalog = tap.catalog_dict\n"
        "print(len(catalog['streams']), time.process_time() - start)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    streams, seconds = done.stdout.split()

    assert int(streams) == len(STREAMS)
    assert float(seconds) < 0.6


def test_what_is_installed_holds_all_schemas() -> None:
    """Schemas are data files of the package, reports in a folder of their own."""
    root = Path(str(files("tap_productive") / "schemas"))

    for path in root.rglob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["required"], path
