"""Break a copy of our code in many ways, one after the other: for each, its test must fail, and pass without.

`python -m tests.mutants [NAME …]`
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.distributions import distributions
from tests.mutants.catalogue import mutants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.mutants.catalogue import Mutant

_ROOT = Path(__file__).resolve().parents[2]
PACKAGES = tuple(str(each.folder.relative_to(_ROOT)) for each in distributions())
"""Where code is taken from the copy: all else comes from where it is installed, and a mutant there changes nothing."""
_PASSED, _FAILED = 0, 1
"""Exit codes of pytest; others mean that the tests did not run."""
_LONGEST = 300
"""Seconds for one test; a mutant that makes it hang is found, too."""


def main() -> int:
    """Run what the command line asks for; 1 if a mutant was not found."""
    every = {mutant.name: mutant for mutant in mutants()}
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    names = parser.parse_args().names
    unknown = sorted(set(names) - every.keys())
    if unknown:
        parser.error(f"there is no mutant {', '.join(unknown)}")
    chosen = [every[name] for name in names or every]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        _copy_to(copy)
        tests = list(dict.fromkeys(mutant.test for mutant in chosen))
        if _pytest(copy, tests) != _PASSED:
            sys.stderr.write("The tests do not pass without a mutant\n")
            return 1
        survivors = [mutant.name for mutant in chosen if not _is_found(mutant, copy)]
    sys.stdout.write(f"{len(chosen) - len(survivors)} of {len(chosen)} mutants found\n")
    return bool(survivors)


def _copy_to(copy: Path) -> None:
    """Copy the files that are tracked, and those that could be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 - git is where it is
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (_ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(_ROOT / name, copy / name)


def _is_found(mutant: Mutant, copy: Path) -> bool:
    """Apply a mutant to the copy, run its test, and take it back."""
    path = copy / mutant.file
    source = path.read_text(encoding="utf-8")
    path.write_text(mutant.applied(source), encoding="utf-8")
    try:
        code = _pytest(copy, [mutant.test])
    finally:
        path.write_text(source, encoding="utf-8")
    found = code == _FAILED
    words = {_PASSED: "NOT FOUND", _FAILED: "found"}
    sys.stdout.write(f"{words.get(code, f'not tried (pytest: {code})'):12} {mutant.name}\n")
    sys.stdout.flush()
    return found


def _pytest(copy: Path, tests: Sequence[str]) -> int:
    """Run tests of the copy with its code, until one fails; return pytest's exit code."""
    # The packages are installed from our own tree; what is named here goes before it.
    paths = os.pathsep.join(str(copy / package) for package in PACKAGES)
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--quiet",
        "--exitfirst",
        "--no-header",
        "-p",
        "no:cacheprovider",
        *tests,
    ]
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST * len(tests),
        )
    except subprocess.TimeoutExpired:
        return _FAILED
    if done.returncode not in {_PASSED, _FAILED}:
        sys.stderr.write(done.stdout[-2000:] + done.stderr[-2000:])
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
