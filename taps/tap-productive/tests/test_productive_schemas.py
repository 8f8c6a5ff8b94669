"""The schemas of the streams and reports are the files of the package, which are reviewed as they are."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tap_productive.report_groups import GROUPS
from tap_productive.reports import Report, ReportStream
from tap_productive.tap import TapProductive

SETTINGS = {"auth_token": "-", "organization_id": "1"}
STREAMS = TapProductive(config=SETTINGS).streams


def columns_in_file(name: str) -> dict[str, Any]:
    path = files("tap_productive") / "schemas" / f"{name}.json"
    columns: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["properties"]
    return columns


@pytest.mark.parametrize("name", STREAMS)
def test_the_columns_of_a_stream_are_those_of_its_schema_file(name: str) -> None:
    assert STREAMS[name].schema["properties"] == columns_in_file(name)


@pytest.mark.parametrize("name", sorted(GROUPS))
def test_the_columns_of_a_report_are_those_of_its_schema_file(name: str) -> None:
    stream = ReportStream(TapProductive(config=SETTINGS), Report(name, (), {}))

    assert stream.schema["properties"] == columns_in_file(f"reports/{name}")


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


def test_what_is_installed_holds_all_schemas() -> None:
    """Schemas are data files of the package, reports in a folder of their own."""
    root = Path(str(files("tap_productive") / "schemas"))

    for path in root.rglob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["required"], path
