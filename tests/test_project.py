"""Checks that what is stated in several places is the same everywhere."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts import check_schemas, definitions
from scripts.all_taps import tap_names
from scripts.distributions import distributions
from scripts.local_world import ROOT
from scripts.system_changes import CHANGES_BY_TAP
from tests.test_pipelines import LISTS

if TYPE_CHECKING:
    from scripts.distributions import Distribution

TAPS = tap_names()
MELTANO: dict[str, Any] = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))


def test_generated_files_are_current() -> None:
    assert definitions.outdated() == []


@pytest.mark.parametrize("tap", TAPS)
def test_every_tap_has_its_place_in_the_project(tap: str) -> None:
    (entry,) = [plugin for plugin in MELTANO["plugins"]["extractors"] if plugin["name"] == tap]
    assert entry["pip_url"] == f"./core ./taps/{tap}"
    assert entry["config"]["skip_unchanged"] is True
    assert f"({'taps/' + tap}/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    (development,) = [each for each in MELTANO["environments"] if each["name"] == "dev"]
    assert tap in {plugin["name"] for plugin in development["config"]["plugins"]["extractors"]}
    assert tap in CHANGES_BY_TAP
    assert tap in {"tap-productive", *LISTS}
    for folder in (ROOT / "taps" / tap, ROOT / "core"):
        assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


@pytest.mark.parametrize(
    ("tap", "intervals"), [("tap-productive", {"@daily", "0 12 * * 0"}), ("tap-2invoice", {"@daily"})]
)
def test_a_tap_with_incremental_streams_is_read_completely_once_a_week(tap: str, intervals: set[str]) -> None:
    (job,) = [job["name"] for job in MELTANO["jobs"] if f"{tap} target-postgres" in job["tasks"]]
    assert {each["interval"] for each in MELTANO["schedules"] if each["job"] == job} == intervals


@pytest.mark.parametrize("kind", ["extractors", "loaders", "utilities"])
def test_every_plugin_has_its_lock(kind: str) -> None:
    for plugin in MELTANO["plugins"][kind]:
        lock = ROOT / "plugins" / kind / f"{plugin['name']}--{plugin['variant']}.lock"
        assert json.loads(lock.read_text(encoding="utf-8"))["name"] == plugin["name"]


@pytest.mark.parametrize("tap", TAPS)
def test_a_variable_can_hold_every_setting(tap: str) -> None:
    lock = json.loads((ROOT / "plugins" / "extractors" / f"{tap}--invoicing-taps.lock").read_text(encoding="utf-8"))
    kinds = {setting["name"]: setting["kind"] for setting in lock["settings"]}
    assert "decimal" not in kinds.values(), "Meltano cannot write a decimal that comes from a variable"
    assert kinds["stream_maps"] == "object"
    assert not [name for name in kinds if name.startswith("stream_maps.")]


@pytest.mark.parametrize("tap", TAPS)
def test_meltano_leaves_out_what_the_tap_leaves_out(tap: str) -> None:
    lock = json.loads((ROOT / "plugins" / "extractors" / f"{tap}--invoicing-taps.lock").read_text(encoding="utf-8"))
    (entry,) = [plugin for plugin in MELTANO["plugins"]["extractors"] if plugin["name"] == tap]
    assert set(entry.get("select", ())) == set(lock.get("select", ()))


def test_schemas_are_in_order() -> None:
    paths = check_schemas.schema_files()
    assert paths
    assert {str(path): check_schemas.faults(path) for path in paths if check_schemas.faults(path)} == {}


@pytest.mark.parametrize("loader", sorted(path.name for path in (ROOT / "loaders").iterdir()))
def test_every_loader_has_its_place_in_the_project(loader: str) -> None:
    (entry,) = [plugin for plugin in MELTANO["plugins"]["loaders"] if loader in plugin["pip_url"]]
    assert entry["pip_url"] == f"-e core -e loaders/{loader}"
    assert entry["executable"] == loader
    assert f"(loaders/{loader}/README.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "loaders" / loader / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_every_package_is_under_the_import_contracts() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    packages = {path.parent.name for kind in ("taps", "loaders") for path in ROOT.glob(f"{kind}/*/*/__init__.py")}
    assert packages <= set(contracts["root_packages"])
    layers = contracts["contracts"][0]["layers"]
    assert {tap.replace("-", "_") for tap in TAPS} <= set(layers[1].split(" | "))


def test_core_names_no_vendor() -> None:
    words = "|".join(tap.removeprefix("tap-") for tap in TAPS)
    for path in (ROOT / "core" / "singer_rest_core").rglob("*.py"):
        assert not re.search(words, path.read_text(encoding="utf-8"), re.IGNORECASE), path


@pytest.mark.parametrize("distribution", distributions(), ids=lambda each: each.name)
def test_a_distribution_has_types_and_a_page_without_links_to_files_beside_it(distribution: Distribution) -> None:
    packages = distribution.content["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [package for package in packages if not (distribution.folder / package / "py.typed").exists()] == []
    links = re.findall(r"\]\(([^)\s]+)\)", (distribution.folder / "README.md").read_text(encoding="utf-8"))
    assert [link for link in links if not re.match(r"https://|#", link)] == [], "on PyPI there are none"
