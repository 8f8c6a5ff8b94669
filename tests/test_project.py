"""That what stands in several places says the same everywhere."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from scripts import check_schemas, definitions
from scripts.local_world import ROOT

TAPS = sorted(path.name for path in (ROOT / "taps").iterdir())
MELTANO: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))


def test_generated_files_are_current() -> None:
    assert definitions.outdated() == []


@pytest.mark.parametrize("tap", TAPS)
def test_every_tap_has_its_place_in_the_project(tap: str) -> None:
    (entry,) = [plugin for plugin in MELTANO["plugins"]["extractors"] if plugin["name"] == tap]
    assert entry["pip_url"] == f"-e core -e taps/{tap}"
    assert f"({'taps/' + tap}/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    jobs = {job["name"] for job in MELTANO["jobs"] if f"{tap} target-postgres" in job["tasks"]}
    weekly = set() if tap in {"tap-2invoice", "tap-invobi"} else {"0 12 * * 0"}  # see meltano.yml
    assert {each["interval"] for each in MELTANO["schedules"] if each["job"] in jobs} == {"@daily"} | weekly
    for folder in (ROOT / "taps" / tap, ROOT / "core"):
        assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize("kind", ["extractors", "loaders"])
def test_every_plugin_has_its_lock(kind: str) -> None:
    for plugin in MELTANO["plugins"][kind]:
        lock = ROOT / "plugins" / kind / f"{plugin['name']}--{plugin['variant']}.lock"
        assert json.loads(lock.read_text(encoding="utf-8"))["name"] == plugin["name"]


def test_schemas_are_in_order() -> None:
    paths = sorted(ROOT.glob("taps/*/tap_*/schemas/*.json"))
    assert paths
    assert {str(path): check_schemas.faults(path) for path in paths if check_schemas.faults(path)} == {}


@pytest.mark.parametrize("tap", TAPS)
def test_no_table_whose_vanished_rows_are_marked_has_a_column_that_the_loader_uses_itself(tap: str) -> None:
    (loader,) = [plugin for plugin in MELTANO["plugins"]["loaders"] if plugin["name"] == "target-postgres"]
    for stream in definitions.instance_of(definitions.taps()[tap]).streams.values():
        if stream.replication_method == "FULL_TABLE":
            changes = loader["config"]["stream_maps"].get(stream.name, {})
            left_out = {name for name, change in changes.items() if change == "__NULL__"}
            assert {"version", "deletedate"} & stream.schema["properties"].keys() <= left_out, stream.name


@pytest.mark.parametrize("tap", TAPS)
def test_a_tap_knows_neither_the_sandbox_nor_another_tap(tap: str) -> None:
    module = tap.replace("-", "_")
    for path in (ROOT / "taps" / tap / module).rglob("*.py"):
        imported = re.findall(
            r"^\s*(?:from|import) (tap_\w+|sandbox|scripts)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
        assert set(imported) <= {module}, path


def test_core_knows_no_vendor_and_the_sandbox_no_tap() -> None:
    for folder, foreign in (("core/singer_rest_core", r"tap_\w+|sandbox"), ("sandbox", r"tap_\w+|singer\w*")):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(rf"^\s*(?:from|import) (?:{foreign})\b", text, re.MULTILINE), path
    words = "productive|invoicetronic|invobi|2invoice|covage"
    for path in (ROOT / "core" / "singer_rest_core").rglob("*.py"):
        assert not re.search(words, path.read_text(encoding="utf-8"), re.IGNORECASE), path
