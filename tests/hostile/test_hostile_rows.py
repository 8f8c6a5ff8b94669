"""Rows as no documentation describes them keep no other from its table, and nothing of them is lost."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from scripts.all_taps import tap_classes, tap_names, unconnected_tap
from singer_rest_core.streams import BaseStream
from tests.hostile.hostile_rows import LEFT_OUT, with_hostile_rows
from tests.hostile.middleman import middleman
from tests.proof.processes import Pipe, PostgresLoader
from tests.proof.world import FACTS, World, settings_of, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.conftest import Pipeline
    from tests.hostile.middleman import Answer
    from tests.proof.case_record import CaseRecord

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

HOSTILE_ROWS = "hostile rows"
MOST_LISTS = 4
"""So many lists of each tap get them."""

READ_BACK: Mapping[str, Any] = {
    "an object": {"a": {"b": [1, None, {"c": "\ufffd"}]}},
    "a list": [1, [2, {"c": None}], "x"],
    "a long text": "x" * 10_000,
    "nul": "a\ufffdb",
    "a lone surrogate": "\ufffd\ufffd",
    "a date that is none": "0000-00-00",
    "a time that is none": "0000-00-00 00:00:00",
    "nan": "NaN",
    "infinity": "-Infinity",
    "a huge integer": "9" * 5000,
    "a huge exponent": "1e400000",
    "many digits": f"1.{'3' * 20_000}",
    "an integer beyond 64 bits": 2**70,
    "a fraction": Decimal("-0.50"),
}
"""What has to be in the table for a value, in its column or in `_rescued_data`."""


def is_kept(row: Mapping[str, Any], name: str, expected: object) -> bool:
    """Whether a value of a field is in its column or in what was rescued, unchanged or as its text."""
    column = re.sub(r"[^a-z0-9_]", "", re.sub(r"[-. ]", "_", name.lower()))
    column = {"version": "record_version"}.get(column, column)
    values = [row.get(column), (row["_rescued_data"] or {}).get(name)]
    return any(value == expected or (value is not None and str(value) == str(expected)) for value in values)


def is_secret(tap: str, stream: str, name: str) -> bool:
    """Whether a field never leaves the API."""
    found = unconnected_tap(tap_classes()[tap]).streams[stream]
    assert isinstance(found, BaseStream)
    return name in found.secret_fields or bool(found.secret_names and found.secret_names.search(name))


def lost_fields(row: Mapping[str, Any], what: str, names: Sequence[str]) -> list[str]:
    """Return the fields whose value is not in a row, of a value that is read back."""
    if what not in READ_BACK:
        return []
    return [name for name in names if not is_kept(row, name, READ_BACK[what])]


@pytest.mark.usefixtures("meltano_world")
@pytest.mark.parametrize("tap", tap_names())
def test_every_row_with_a_key_is_in_its_table_with_all_its_values(
    pipeline: Pipeline, tmp_path: Path, case_record: CaseRecord, tap: str
) -> None:
    hostile: dict[str, dict[str, Any]] = {}
    names: dict[str, list[str]] = {}

    def change(answer: Answer) -> None:
        if answer.status != 200 or b"access_token" in answer.content or "json" not in answer.headers["content-type"]:
            return
        segment = answer.path.partition("?")[0].rstrip("/").rpartition("/")[2].replace("-", "_")
        if segment in hostile:
            return  # one page of a list is enough
        body = answer.content
        answer.content, keys = with_hostile_rows(body)
        if keys:
            hostile[segment] = keys
            names[segment] = field_names(body)

    with small_sandbox() as sandbox, middleman(sandbox.url) as between:
        lists = sorted(name for name in FACTS[tap].sources if not name.endswith("_details"))[:MOST_LISTS]
        facts = replace(FACTS[tap], sources={name: FACTS[tap].sources[name] for name in lists})
        source = World(sandbox, facts)
        loader = PostgresLoader(pipeline.database_url, tmp_path)
        pipe = Pipe(source, loader, tmp_path, settings=settings_of(tap, between.url))
        between.change = change

        ended = pipe.run()

        assert ended.codes == (1, 0), f"{ended.log[-3000:]}\n{ended.loader_log[-3000:]}"
        assert "Records were left out, as they have no key that a loader can use: " in ended.log
        assert "Everything else is complete" in ended.log
        streams = {
            stream: max(found, key=len)
            for stream in source.facts.sources
            if (found := [each for each in hostile if stream.startswith(each)])
        }
        assert streams
        for stream, segment in streams.items():
            key = source.facts.sources[stream].key
            table = {str(row[key]): row for row in loader.live(stream)}
            assert source.rows(stream).keys() <= table.keys(), stream
            names_kept = [name for name in names[segment] if name != key and not is_secret(tap, stream, name)]
            for what, value in hostile[segment].items():
                with case_record.case(tap, HOSTILE_ROWS, seed=what):
                    assert str(value) in table, (stream, what)
                    assert lost_fields(table[str(value)], what, names_kept) == [], (stream, what)
            assert ended.log.count(f"{stream}: left out: ") == len(LEFT_OUT), stream


def field_names(body: bytes) -> list[str]:
    """Return the names of the fields of the first row of a page."""
    found: Any = json.loads(body)
    while isinstance(found, dict) and not any(isinstance(value, str | int) for value in found.values()):
        found = next(value for value in found.values() if isinstance(value, dict | list))
    rows = found if isinstance(found, list) else next(value for value in found.values() if isinstance(value, list))
    row = rows[0]
    return [*(row.get("attributes") or row)]
