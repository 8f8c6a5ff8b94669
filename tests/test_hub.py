"""What `make hub` writes, checked with the rules of Meltano Hub."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from scripts import definitions
from scripts.all_taps import tap_classes, tap_names
from scripts.hub_files import HUB, LOGO_SIZE, hub_files
from scripts.local_world import ROOT
from scripts.meltano_files import VARIANT

if TYPE_CHECKING:
    from collections.abc import Mapping

TAPS = tap_names()
RULES = Path(__file__).with_name("meltano_hub")
ADDRESS = "https://git.example.com/acme/taps"
OF_THE_HUB = {
    "domain_url",
    "keywords",
    "logo_url",
    "maintenance_status",
    "quality",
    "supported_python_versions",
}
"""What a definition says beyond the lock."""


def faults(definition: Mapping[str, Any]) -> list[str]:
    """Return what the Hub's schemas find wrong with a definition."""
    schemas = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in RULES.glob("*/*.json")}
    # They refer to each other by relative paths.
    registry: Registry[Any] = Registry(retrieve=lambda uri: Resource.from_contents(schemas[uri.rpartition("/")[2]]))  # type: ignore[call-arg] # made by attrs
    validator = Draft7Validator(
        {"$ref": "plugin_definitions/extractors.schema.json"}, registry=registry, format_checker=FormatChecker()
    )
    return [error.message for error in validator.iter_errors(definition)]


def read(*path: str) -> dict[str, Any]:
    """Return the content of a YAML file below hub/."""
    content: dict[str, Any] = yaml.safe_load(HUB.joinpath(*path).read_text(encoding="utf-8"))
    return content


definition_of = partial(read, "_data", "meltano", "extractors")


@pytest.mark.parametrize("tap", TAPS)
def test_a_definition_keeps_the_rules_of_the_hub(tap: str) -> None:
    definition = definition_of(tap, f"{VARIANT}.yml")

    assert faults(definition) == []
    assert definition["name"] == tap
    assert definition["variant"] == VARIANT
    assert "meltano_sdk" in definition["keywords"], "the Hub's sign of a tap made with singer-sdk"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"quality": "excellent"}, "'excellent' is not one of"),
        ({"capabilities": ["fly"]}, "'fly' is not one of"),
        ({"settings": [{"name": "page_size", "kind": "number"}]}, "'number' is not one of"),
        ({"settings": [{"kind": "string"}]}, "'name' is a required property"),
        ({"supported_python_versions": ["3"]}, "does not match"),
        ({"unheard_of": 1}, "Additional properties are not allowed"),
    ],
)
def test_the_rules_find_what_breaks_them(change: dict[str, Any], fault: str) -> None:
    (found,) = faults(definition_of(TAPS[0], f"{VARIANT}.yml") | change)
    assert fault in found


@pytest.mark.parametrize("tap", TAPS)
def test_a_definition_is_the_lock_and_what_the_hub_shows(tap: str) -> None:
    lock = json.loads((ROOT / "plugins" / "extractors" / f"{tap}--{VARIANT}.lock").read_text(encoding="utf-8"))
    definition = definition_of(tap, f"{VARIANT}.yml")
    lock["settings"].sort(key=lambda setting: setting["name"])

    assert lock.pop("plugin_type") == "extractors"
    assert {name: value for name, value in definition.items() if name not in OF_THE_HUB | {"repo"}} == lock
    assert definition.keys() >= OF_THE_HUB


def test_each_tap_has_its_line_in_the_lists_of_variants_and_maintainers() -> None:
    assert read("_data", "default_variants.yml") == {"extractors": dict.fromkeys(TAPS, VARIANT)}
    assert read("_data", "maintainers.yml")[VARIANT]["name"] == VARIANT


def test_the_files_pass_the_hubs_yamllint() -> None:
    command = [sys.executable, "-m", "yamllint", "--strict", "--config-file", str(RULES / "yamllint.yml"), "_data"]
    done = subprocess.run(command, cwd=HUB, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("tap", TAPS)
def test_a_logo_is_square_and_transparent_at_its_corners(tap: str) -> None:
    address = definition_of(tap, f"{VARIANT}.yml")["logo_url"]
    png = (HUB / "static" / address.removeprefix("/")).read_bytes()

    width, height, depth, colour_type = struct.unpack(">IIBB", png[16:26])
    assert (width, height, depth, colour_type) == (LOGO_SIZE, LOGO_SIZE, 8, 6), "6 is red, green, blue, alpha"
    length = struct.unpack(">I", png[33:37])[0]
    assert png[37:41] == b"IDAT"
    # A byte for the row's filter, which changes nothing in the first pixel of the first row, and that pixel.
    first_pixel = zlib.decompressobj().decompress(png[41 : 41 + length], 5)[1:]
    assert first_pixel == b"\0\0\0\0"


def test_no_two_logos_are_the_same_and_none_needs_a_font_or_another_file() -> None:
    drawings = [(HUB / "logos" / f"{tap.removeprefix('tap-')}.svg").read_text(encoding="utf-8") for tap in TAPS]
    assert len(set(drawings)) == len(TAPS)
    assert [text for text in drawings if re.search(r"<(text|image|use)\b|href|url\(", text)] == []


def test_a_published_repository_is_named_in_definitions_and_with_the_maintainer() -> None:
    files = hub_files(tap_classes(), ADDRESS)
    texts = {path.relative_to(HUB): content.decode() for path, content in files.items() if path.suffix == ".yml"}

    assert yaml.safe_load(texts[Path("_data/maintainers.yml")])[VARIANT]["url"] == ADDRESS
    for tap in TAPS:
        definition = yaml.safe_load(texts[Path(f"_data/meltano/extractors/{tap}/{VARIANT}.yml")])
        assert definition["repo"] == ADDRESS
        assert faults(definition) == []


def test_a_file_of_a_tap_that_is_gone_is_found(tmp_path: Path) -> None:
    kept, gone = (tmp_path / "_data" / "meltano" / "extractors" / tap / "x.yml" for tap in ("tap-new", "tap-of-old"))
    for path in (kept, gone):
        path.parent.mkdir(parents=True)
        path.touch()
    (tmp_path / "README.md").touch()

    assert definitions.strays(tmp_path, {kept}) == [gone]


def test_make_hub_says_what_is_missing_before_the_definitions_can_be_sent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    project = '[project]\nname = "x"\n'
    for urls, says in (("", True), (f'urls.Repository = "{ADDRESS}"\n', False)):
        (tmp_path / "pyproject.toml").write_text(project + urls, encoding="utf-8")
        monkeypatch.setattr("scripts.hub_files.ROOT", tmp_path)
        monkeypatch.setattr("scripts.definitions.generated", dict)
        assert definitions.main(["--only", "hub"]) == 0
        assert ("set Repository under [project.urls]" in capsys.readouterr().out) is says
