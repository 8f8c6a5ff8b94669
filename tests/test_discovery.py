"""What a tap discovers without an account is what its README lists; the tables there are generated and reviewed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import complaints, run_tap
from scripts.all_taps import tap_names
from scripts.local_world import ROOT


def streams_in_readme(tap: str) -> dict[str, tuple[list[str], str | None]]:
    """Return the key and the replication key of each stream that a README lists."""
    text = (ROOT / "taps" / tap / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- streams -->")[1].split("<!-- end of streams -->")[0]
    streams = {}
    for line in table.strip().splitlines()[2:]:
        name, keys, replication = line.split(" | ")[:3]
        found = re.fullmatch(r"full table|incremental, `(\w+)`", replication)
        assert found, line
        streams[name.strip("| `")] = (re.findall(r"`(\w+)`", keys), found[1])
    return streams


@pytest.mark.parametrize("tap", tap_names())
def test_discovery_needs_no_account_and_finds_what_the_readme_lists(tap: str) -> None:
    done = run_tap(str(Path(sys.executable).with_name(tap)), "--discover")

    assert done.returncode == 0
    assert complaints(done) == []
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    assert {
        stream["tap_stream_id"]: (stream["key_properties"], stream.get("replication_key")) for stream in streams
    } == streams_in_readme(tap)
    assert {stream["replication_method"] for stream in streams if "replication_key" not in stream} == {"FULL_TABLE"}
