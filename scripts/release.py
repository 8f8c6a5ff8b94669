"""Give all distributions a new version: `make release VERSION=1.2.0`.

One version holds for all of them. It is written into each pyproject.toml, with what they require of each other, into
uv.lock, and as a heading into CHANGELOG.md. Where `[project.urls]` of the repository's pyproject.toml says where the
source is published, each distribution says so too. Nothing is committed or sent anywhere.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from scripts.distributions import distributions, read
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

_UNRELEASED = "## Unreleased\n"


class Refused(Exception):
    """The release cannot be made as asked; nothing was written."""


def check_version(new: str, current: str) -> None:
    """Check that a version is written as it is shown and is newer than the current one.

    Args:
        new: The version asked for.
        current: The version of the distributions now.

    Raises:
        Refused: If it is not.
    """
    try:
        version = Version(new)
    except InvalidVersion:
        raise Refused(f"VERSION={new} is not a version such as 1.2.0") from None
    if str(version) != new or len(version.release) != 3 or version.local:  # noqa: PLR2004 - major, minor, patch
        raise Refused(f"VERSION={new} is not written as three numbers, such as 1.2.0 or 1.2.0rc1")
    if version <= Version(current):
        raise Refused(f"VERSION={new} is not newer than {current}")


def with_version(pyproject: str, version: str, members: Iterable[str], urls: Mapping[str, str]) -> str:
    """Return a pyproject.toml with another version, and with what it requires of the other distributions.

    Args:
        pyproject: The file's text.
        version: The new version.
        members: The names of the distributions.
        urls: `[project.urls]` of the repository; they take the place of the file's own, if there are any.

    Raises:
        Refused: If the file has no `version`, or more than one.
    """
    text, found = re.subn(r'(?m)^version = "[^"]*"$', f'version = "{version}"', pyproject)
    if found != 1:
        raise Refused(f"{found} lines with `version =` in a pyproject.toml, not one")
    names = "|".join(map(re.escape, members))
    text = re.sub(rf'("(?:{names})(?:\[[\w,-]+\])?~=)[^"]+"', rf'\g<1>{version}"', text)
    if not urls:
        return text
    table = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    text = re.sub(r"\[project\.urls\]\n(?:.+\n)*\n?", "", text)
    return text.replace("[build-system]\n", f"[project.urls]\n{table}\n[build-system]\n", 1)


def with_heading(changelog: str, version: str, now: datetime) -> str:
    """Return the changelog with what is unreleased under the heading of a version.

    Args:
        changelog: The file's text.
        version: The new version.
        now: The time of the release.

    Raises:
        Refused: If nothing is unreleased.
    """
    before, mark, after = changelog.partition(_UNRELEASED)
    entries = after.split("\n## ")[0]
    if not mark or not entries.strip():
        raise Refused("CHANGELOG.md says nothing under Unreleased: say there what users will notice")
    return f"{before}{mark}\n## {version} ({now:%Y-%m-%d})\n{after}"


def release(version: str, root: Path, now: datetime, lock: Callable[[Path], None]) -> None:
    """Write the new version everywhere.

    Args:
        version: The new version.
        root: The folder of the repository.
        now: The time of the release.
        lock: Brings uv.lock in this folder up to date.

    Raises:
        Refused: If the release cannot be made as asked; nothing was written then.
    """
    project = read(root)["project"]
    check_version(version, project["version"])
    members = distributions(root)
    names = [member.name for member in members]
    changelog = root / "CHANGELOG.md"
    written = {changelog: with_heading(changelog.read_text(encoding="utf-8"), version, now)}
    for folder, urls in [(root, {}), *((member.folder, project.get("urls", {})) for member in members)]:
        path = folder / "pyproject.toml"
        written[path] = with_version(path.read_text(encoding="utf-8"), version, names, urls)
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
    lock(root)


def update_lock(root: Path) -> None:
    """Bring uv.lock up to date.

    Args:
        root: The folder of the workspace.
    """
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([str(uv), "lock", "--quiet"], cwd=root, check=True)  # noqa: S603 - the project's own uv


def main(arguments: Sequence[str] | None = None) -> int:
    """Make a release.

    Args:
        arguments: The command line; `sys.argv` if None.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("version", help="the new version")
    version = parser.parse_args(arguments).version
    try:
        release(version, ROOT, datetime.now(UTC), update_lock)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(
        f"All distributions are {version} now. Look at `git diff`, run `make test`, commit, and push the tag v{version}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
