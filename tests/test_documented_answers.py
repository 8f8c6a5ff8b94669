"""Answers that the vendors' documentation gives become records in which every field has its column."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from scripts.all_taps import tap_classes, unconnected_tap
from scripts.local_world import ROOT
from singer_rest_core import RESCUED_DATA, RestStream
from singer_rest_core.records.exact_json import decode

if TYPE_CHECKING:
    from pathlib import Path

    from singer_rest_core import RestTap

OF_PRODUCTIVE = [
    ("tap-productive", path) for path in sorted((ROOT / "sandbox" / "productive" / "recorded").glob("*.json"))
]
OF_OTHER_TAPS = [(path.parts[-4], path) for path in sorted(ROOT.glob("taps/*/tests/documented/*.json"))]


@cache
def tap(name: str) -> RestTap:
    return unconnected_tap(tap_classes()[name])


@pytest.mark.parametrize(
    ("tap_name", "path"), [*OF_PRODUCTIVE, *OF_OTHER_TAPS], ids=lambda part: getattr(part, "stem", part)
)
def test_every_field_of_a_documented_answer_has_its_column(tap_name: str, path: Path) -> None:
    stream = tap(tap_name).streams[path.stem]
    assert isinstance(stream, RestStream)
    content = decode(path.read_bytes())
    answer = {"data": content["records"]} if tap_name == "tap-productive" else content["answer"]

    records = [stream.post_process(row) for row in stream.records_in(answer)]

    for record in records:
        assert record
        assert record[RESCUED_DATA] is None
        assert all(record[key] is not None for key in stream.primary_keys)
