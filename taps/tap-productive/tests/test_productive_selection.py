"""Columns with personal data that are not selected by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from conftest import discover, read
from scripts.local_world import ROOT
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import ReadProductive

PERSONAL = [("bookings", "people_custom_fields"), ("sessions", "last_ip")]


def metadata_of(catalog: Mapping[str, Any], stream: str, column: str) -> dict[str, Any]:
    """Return the metadata of a column, which a test may change."""
    entry = next(each for each in catalog["streams"] if each["tap_stream_id"] == stream)
    found: dict[str, Any] = next(
        each["metadata"] for each in entry["metadata"] if each["breadcrumb"] == ["properties", column]
    )
    return found


@pytest.mark.parametrize(("stream", "column"), PERSONAL)
def test_the_catalog_says_that_a_column_is_not_selected_by_default(
    productive_settings: dict[str, Any], stream: str, column: str
) -> None:
    metadata = metadata_of(discover(TapProductive, productive_settings), stream, column)

    assert metadata == {"inclusion": "available", "selected-by-default": False}


def test_no_other_column_is_left_out_by_default(productive_settings: dict[str, Any]) -> None:
    catalog = discover(TapProductive, productive_settings)

    found = [
        (stream["tap_stream_id"], each["breadcrumb"][1])
        for stream in catalog["streams"]
        for each in stream["metadata"]
        if each["breadcrumb"] and each["metadata"].get("selected-by-default") is False
    ]
    assert found == PERSONAL


@pytest.mark.parametrize(("stream", "column"), PERSONAL)
@pytest.mark.parametrize("flattening", [False, True])
def test_personal_data_is_neither_described_nor_written_by_default(
    read_productive: ReadProductive, stream: str, column: str, *, flattening: bool
) -> None:
    settings: dict[str, Any] = {"flattening_enabled": True, "flattening_max_depth": 1} if flattening else {}

    reading = read_productive(stream, **settings)

    assert reading.error is None
    assert reading.ids(stream)
    (schema,) = (message["schema"] for message in reading.of("SCHEMA") if message["stream"] == stream)
    assert column not in schema["properties"]
    assert all(column not in record for record in reading.records[stream])
    assert all(not record["_rescued_data"] for record in reading.records[stream] if not flattening)


@pytest.mark.parametrize(("stream", "column"), PERSONAL)
@pytest.mark.parametrize("selected", [True, False, None])
@pytest.mark.parametrize("made_by", ["this version", "an earlier version"])
def test_a_catalog_decides(
    productive_settings: dict[str, Any], stream: str, column: str, selected: object, made_by: str
) -> None:
    catalog = discover(TapProductive, productive_settings)
    metadata = metadata_of(catalog, stream, column)
    if made_by == "an earlier version":
        del metadata["selected-by-default"]
    if selected is not None:
        metadata["selected"] = selected

    reading = read(TapProductive, productive_settings, catalog=catalog, select=stream)

    assert reading.error is None
    assert any(record.get(column) for record in reading.records[stream]) is (selected is True)
    assert (column in reading.columns(stream)) is (selected is True)


def test_the_project_of_meltano_leaves_them_out_too() -> None:
    """Meltano selects what a pattern matches, whatever the catalog says of the default."""
    meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))

    (plugin,) = (each for each in meltano["plugins"]["extractors"] if each["name"] == "tap-productive")
    assert plugin["select"] == ["*.*", *(f"!{stream}.{column}" for stream, column in PERSONAL)]
