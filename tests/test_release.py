"""One version for all distributions: that they agree, and what `make release` makes of a new one."""

from __future__ import annotations

import shutil
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement

from scripts.distributions import distributions, read
from scripts.local_world import ROOT
from scripts.release import Refused, check_version, release, update_lock
from singer_rest_core.documents.location import EXTRAS, PACKAGES

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 12, 1, tzinfo=UTC)
NAMES = [each.name for each in distributions()]


def requirements_between(root: Path) -> dict[tuple[str, str], str]:
    """Return what the distributions require of each other, extras included: the specifier by who and what."""
    members = distributions(root)
    return {
        (member.name, text): str(requirement.specifier)
        for member in members
        for text in (*member.project["dependencies"], *(line for lines in member.extras.values() for line in lines))
        if (requirement := Requirement(text)).name in NAMES
    }


def versions_in_lock(root: Path) -> dict[str, str]:
    """Return the version of each distribution in uv.lock."""
    lock = tomllib.loads((root / "uv.lock").read_text(encoding="utf-8"))
    return {package["name"]: package["version"] for package in lock["package"] if package["name"] in NAMES}


def assert_all_are(version: str, root: Path) -> None:
    """Check that a version stands wherever one of ours does, but for uv.lock."""
    assert read(root)["project"]["version"] == version
    assert {each.name: each.project["version"] for each in distributions(root)} == dict.fromkeys(NAMES, version)
    between = requirements_between(root)
    # A tap needs what core has in the same version, and works with later fixes of it.
    assert set(between.values()) == {f"~={version}"}
    assert {who for who, _ in between} >= {name for name in NAMES if name.startswith("tap-")}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of what a release writes."""
    for path in (ROOT, *(each.folder for each in distributions())):
        folder = tmp_path / path.relative_to(ROOT)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path / "pyproject.toml", folder)
    for name in ("uv.lock", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def content_of(root: Path) -> dict[str, str]:
    """Return the text of each file."""
    return {str(path.relative_to(root)): path.read_text(encoding="utf-8") for path in root.rglob("*") if path.is_file()}


def test_all_distributions_have_one_version() -> None:
    version = read(ROOT)["project"]["version"]
    assert_all_are(version, ROOT)
    assert versions_in_lock(ROOT) == dict.fromkeys(NAMES, version)


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_release_brings_the_lock_up_to_date(repository: Path) -> None:
    release("1.2.0", repository, NOW, update_lock)
    assert versions_in_lock(repository) == dict.fromkeys(NAMES, "1.2.0")


def test_a_release_gives_all_of_them_the_new_version(repository: Path) -> None:
    before = content_of(repository)

    release("1.2.0", repository, NOW, lambda _: None)

    assert_all_are("1.2.0", repository)
    after = content_of(repository)
    assert after["CHANGELOG.md"].startswith("# Changelog\n\n## Unreleased\n\n## 1.2.0 (2026-12-01)\n\n")
    assert after["CHANGELOG.md"].replace("\n## 1.2.0 (2026-12-01)\n", "", 1) == before["CHANGELOG.md"]
    # Nothing else: other requirements and their versions stay as they were.
    for name, text in after.items():
        if name != "CHANGELOG.md":
            old = before[name].splitlines()
            changed = [line for line in text.splitlines() if line not in old]
            assert [line for line in changed if "1.2.0" not in line] == [], name


def test_a_release_names_the_published_repository_in_each_distribution(repository: Path) -> None:
    root = repository / "pyproject.toml"
    urls = {"Repository": "https://git.example.com/acme/taps", "Changelog": "https://git.example.com/acme/taps/log"}
    table = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    root.write_text(f"{root.read_text(encoding='utf-8')}\n[project.urls]\n{table}", encoding="utf-8")

    for version in ("1.2.0", "1.2.1"):  # once for the first time, once over what is there
        release(version, repository, NOW, lambda _: None)
        changelog = repository / "CHANGELOG.md"
        text = changelog.read_text(encoding="utf-8")
        changelog.write_text(text.replace("## Unreleased\n", "## Unreleased\n\n- More.\n"), encoding="utf-8")

    for each in distributions(repository):
        assert each.project["urls"] == urls
        assert each.project["version"] == "1.2.1"


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("", "is not a version such as 1.2.0"),
        ("next", "is not a version such as 1.2.0"),
        ("v9.0.0", "is not written as three numbers"),
        ("9.0", "is not written as three numbers"),
        ("9.0.0+local", "is not written as three numbers"),
        ("0.0.1", "is not newer than"),
        ("CURRENT", "is not newer than"),
    ],
)
def test_a_version_that_cannot_be_released_is_refused(repository: Path, version: str, reason: str) -> None:
    before = content_of(repository)
    current = read(repository)["project"]["version"]

    with pytest.raises(Refused, match=reason):
        release(version.replace("CURRENT", current), repository, NOW, update_lock)

    assert content_of(repository) == before


@pytest.mark.parametrize("version", ["9.0.0", "9.0.0rc1"])
def test_a_version_that_can_be_released_is_accepted(version: str) -> None:
    check_version(version, "8.9.9")


def test_a_release_that_changes_nothing_for_users_is_refused(repository: Path) -> None:
    changelog = repository / "CHANGELOG.md"
    changelog.write_text("# Changelog\n\n## Unreleased\n\n## 0.1.0\n\n- Everything.\n", encoding="utf-8")
    before = content_of(repository)

    with pytest.raises(Refused, match="nothing under Unreleased"):
        release("9.0.0", repository, NOW, update_lock)

    assert content_of(repository) == before


def test_taps_that_keep_documents_have_cores_extras_for_buckets() -> None:
    extras: dict[str, Any] = {each.name: each.extras for each in distributions()}
    core = extras["singer-rest-core"]
    pin = f"~={read(ROOT)['project']['version']}"
    for name in NAMES:
        keeps_documents = "DOCUMENTS_URL" in "".join(
            path.read_text(encoding="utf-8") for path in (ROOT / "taps" / name).glob("tap_*/tap.py")
        )
        wanted = {extra: [f"singer-rest-core[{extra}]{pin}"] for extra in core} if keeps_documents else {}
        of_core = {extra: needs for extra, needs in extras[name].items() if extra in core}
        assert name == "singer-rest-core" or of_core == wanted, name


def test_each_kind_of_bucket_has_its_extra() -> None:
    core = next(each for each in distributions() if each.name == "singer-rest-core")
    assert {extra: Requirement(line).name for extra, (line,) in core.extras.items()} == {
        extra: package for package, extra in EXTRAS.items()
    }
    assert set(EXTRAS) == {package for package in PACKAGES.values() if package}
