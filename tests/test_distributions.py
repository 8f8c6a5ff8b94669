"""What `make dist` builds is what PyPI and its users need: each distribution works alone, in an empty environment."""

from __future__ import annotations

import json
import re
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.distributions import distributions
from tests.wheels import VirtualEnvironment, bare_environment, run

if TYPE_CHECKING:
    from email.message import Message

    from conftest import SandboxSettings
    from scripts.distributions import Distribution
    from tests.wheels import BuiltDistributions

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

CORE = "singer-rest-core"
ALL = distributions()
WITH_PROGRAMS = [each for each in ALL if each.programs]


def name_of(distribution: Distribution) -> str:
    """Return how a test names a distribution."""
    return distribution.name


def metadata(wheel: Path) -> Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name))


def needed_of_ours(distribution: Distribution) -> set[str]:
    """Return the names of a distribution and of those of ours that it needs."""
    required = {re.split(r"[\[~>=]", each)[0] for each in distribution.project["dependencies"]}
    names = {distribution.name}
    for each in ALL:
        if each.name in required:
            names |= needed_of_ours(each)
    return names


@pytest.mark.parametrize("distribution", ALL, ids=name_of)
def test_a_wheel_is_built_from_its_source_distribution_and_holds_what_it_needs(
    built: BuiltDistributions, distribution: Distribution
) -> None:
    name = distribution.name
    with zipfile.ZipFile(built.file(name)) as archive:
        files = {each for each in archive.namelist() if ".dist-info/" not in each}
        licences = [each for each in archive.namelist() if each.endswith(".dist-info/licenses/LICENSE")]
    sources = {
        str(path.relative_to(distribution.folder))
        for package in distribution.content["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        for path in (distribution.folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert f"[{name}] Building wheel from source distribution..." in built.log
    assert files == sources, "the same files as in the repository, and no tests"
    assert {f"{path.partition('/')[0]}/py.typed" for path in files} <= files
    assert len(licences) == 1
    with tarfile.open(built.file(name, ".tar.gz")) as archive:
        assert {"README.md", "LICENSE", "pyproject.toml"} <= {path.partition("/")[2] for path in archive.getnames()}


@pytest.mark.parametrize("distribution", ALL, ids=name_of)
def test_the_metadata_says_what_it_is(built: BuiltDistributions, distribution: Distribution) -> None:
    found = metadata(built.file(distribution.name))

    assert found["Version"] == distribution.project["version"]
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Requires-Python"] == ">=3.11"
    assert found["Description-Content-Type"] == "text/markdown"
    assert found["Summary"]
    assert found["Keywords"]
    assert "Typing :: Typed" in found.get_all("Classifier", [])


@pytest.mark.parametrize("distribution", ALL, ids=name_of)
def test_the_page_on_pypi_renders(built: BuiltDistributions, distribution: Distribution) -> None:
    files = [str(built.file(distribution.name, ending)) for ending in (".whl", ".tar.gz")]
    run([str(Path(sys.executable).with_name("twine")), "check", "--strict", *files])


@pytest.mark.parametrize("distribution", WITH_PROGRAMS, ids=name_of)
def test_a_wheel_works_alone_in_an_empty_environment(
    built: BuiltDistributions,
    distribution: Distribution,
    tmp_path: Path,
    sandbox_settings: SandboxSettings,
) -> None:
    name = distribution.name
    environment = VirtualEnvironment.empty(tmp_path / "venv", built)
    needed = needed_of_ours(distribution)
    environment.install(*(str(built.file(each)) for each in needed))

    assert environment.sources() == {each: built.file(each).as_uri() for each in needed}
    for program in distribution.programs:
        assert distribution.project["version"] in environment.run(program, "--version").stdout
        if not program.startswith(("tap-", "target-")):
            continue
        about = json.loads(environment.run(program, "--about", "--format=json").stdout)
        assert program.startswith(about["name"]), "a loader may keep the name of the one that it builds on"
        assert about["version"] == distribution.project["version"]
        if program.startswith("tap-"):
            config = tmp_path / "config.json"
            config.write_text(json.dumps(sandbox_settings(name)), encoding="utf-8")
            catalog = json.loads(environment.run(program, "--config", str(config), "--discover").stdout)
            assert all(stream["schema"]["properties"] for stream in catalog["streams"])
            assert catalog["streams"]


def test_core_works_without_a_tap(built: BuiltDistributions, tmp_path: Path) -> None:
    environment = VirtualEnvironment.empty(tmp_path / "venv", built)
    environment.install(str(built.file(CORE)))

    imports = "import singer_rest_core, singer_rest_core.documents; print(len(singer_rest_core.__all__))"
    assert int(environment.run("python", "-c", imports).stdout) > 0


def test_a_package_of_a_stranger_with_the_name_of_ours_is_not_installed(
    built: BuiltDistributions, tmp_path: Path
) -> None:
    """The tests here and of a newcomer's path are worth something only if this holds."""
    index = tmp_path / "index"
    index.mkdir()
    with zipfile.ZipFile(index / "tap_invobi-99.0.0-py3-none-any.whl", "w") as wheel:
        folder = "tap_invobi-99.0.0.dist-info"
        wheel.writestr(f"{folder}/METADATA", "Metadata-Version: 2.1\nName: tap-invobi\nVersion: 99.0.0\n")
        wheel.writestr(f"{folder}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{folder}/RECORD", "")
    with_stranger = {"UV_FIND_LINKS": str(index)}

    trusting = VirtualEnvironment.empty(tmp_path / "trusting", built)
    trusting.install("tap-invobi", environment=bare_environment() | with_stranger)
    assert trusting.sources() == {"tap-invobi": "an index"}

    careful = VirtualEnvironment.empty(tmp_path / "careful", built)
    careful.install("tap-invobi", environment=built.environment | with_stranger)
    assert careful.sources() == {each: built.file(each).as_uri() for each in ("tap-invobi", CORE)}
