"""Write the files that repeat code: Meltano locks and jobs, Hub definitions, tables in READMEs and in docs/model.md.

`python -m scripts.definitions` writes them, with `--only hub` those below `hub/`; with `--check` it lists those that
are out of date, and exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from scripts.all_taps import tap_classes
from scripts.hub_files import HUB, hub_files, repository
from scripts.local_world import ROOT
from scripts.meltano_files import VARIANT, lock, with_jobs
from scripts.model_page import MODEL_PAGE, columns_of_marts, questions
from scripts.readme_tables import settings_table, streams_table, with_tables

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path


def generated() -> dict[Path, bytes]:
    """Return the content of each generated file, by its path."""
    classes = tap_classes()
    meltano_yml = ROOT / "meltano.yml"
    texts = {meltano_yml: with_jobs(meltano_yml.read_text(encoding="utf-8"), classes)}
    for name, tap_class in classes.items():
        texts[ROOT / "plugins" / "extractors" / f"{name}--{VARIANT}.lock"] = lock(name, tap_class)
        readme = ROOT / "taps" / name / "README.md"
        texts[readme] = with_tables(
            readme.read_text(encoding="utf-8"),
            {"settings": settings_table(tap_class), "streams": streams_table(tap_class)},
        )
    texts[MODEL_PAGE] = with_tables(
        MODEL_PAGE.read_text(encoding="utf-8"), {"questions": questions(), "marts": columns_of_marts()}
    )
    return {path: text.encode() for path, text in texts.items()} | hub_files(classes, repository())


def outdated() -> list[Path]:
    """Return the files whose content is not what would be generated now, and those that no tap has any more.

    Returns:
        Paths below the repository's root.
    """
    files = generated()
    late = [path for path, content in files.items() if not path.exists() or path.read_bytes() != content]
    return [path.relative_to(ROOT) for path in (*late, *strays(HUB, files))]


def strays(hub: Path, files: Container[Path]) -> list[Path]:
    """Return the files for the Hub that are there, but would not be generated now.

    Args:
        hub: The folder with the Hub's folders `_data` and `static`.
        files: The paths of what would be generated.
    """
    there = (path for folder in ("_data", "static") for path in (hub / folder).rglob("*") if path.is_file())
    return sorted(path for path in there if path not in files)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or check them.

    Args:
        arguments: The command line; `sys.argv` if None.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    parser.add_argument("--only", metavar="FOLDER", default=".", help="write what is below this folder")
    options = parser.parse_args(arguments)
    if options.check:
        late = outdated()
        for path in late:
            print(f"{path} is out of date: run make definitions (remove it if its tap no longer exists)")
        return 1 if late else 0
    for path, content in generated().items():
        if path.is_relative_to(ROOT / options.only):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if options.only == HUB.name and not repository():
        print("Before you send it: set Repository under [project.urls] in pyproject.toml, and run make hub again.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
