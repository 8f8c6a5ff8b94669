"""Write the files that repeat the taps' code: Meltano locks and jobs, Hub definitions, and the tables in the READMEs.

`python -m scripts.definitions` writes them; with `--check` it lists those that are out of date, and exits with 1 if
there are any.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from scripts.meltano_files import VARIANT, hub_definition, lock, with_jobs
from scripts.readme_tables import settings_table, streams_table, with_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def generated() -> dict[Path, str]:
    """Return the content of each generated file, by its path."""
    classes = tap_classes()
    meltano_yml = ROOT / "meltano.yml"
    files = {meltano_yml: with_jobs(meltano_yml.read_text(encoding="utf-8"), classes)}
    for name, tap_class in classes.items():
        files[ROOT / "plugins" / "extractors" / f"{name}--{VARIANT}.lock"] = lock(name, tap_class)
        files[ROOT / "hub" / "extractors" / name / f"{VARIANT}.yml"] = hub_definition(name, tap_class)
        readme = ROOT / "taps" / name / "README.md"
        files[readme] = with_tables(
            readme.read_text(encoding="utf-8"),
            {"settings": settings_table(tap_class), "streams": streams_table(tap_class)},
        )
    return files


def outdated() -> list[Path]:
    """Return the files whose content is not what would be generated now, as paths below the repository's root."""
    return [
        path.relative_to(ROOT)
        for path, content in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or check them.

    Args:
        arguments: The command line; `sys.argv` if None.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    if parser.parse_args(arguments).check:
        late = outdated()
        for path in late:
            print(f"{path} is out of date: run make definitions")
        return 1 if late else 0
    for path, content in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
