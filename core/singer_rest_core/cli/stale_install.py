"""Whether a distribution that was installed from a folder is still what the folder holds.

Installed from the tree without `-e`, a tap goes on running the code of its installation after `git pull` or an edit.
"""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COMPARED = frozenset({".py", ".json"})


def stale_installs(names: Iterable[str]) -> Iterator[str]:
    """Compare distributions with the folders that they were installed from.

    Args:
        names: The distributions.

    Yields:
        A line for each whose folder holds other code by now; none for editable ones, and those from elsewhere.
    """
    for name in names:
        try:
            distribution = Distribution.from_name(name)
        except PackageNotFoundError:
            continue
        folder = _source_folder(distribution)
        if folder is not None and _differs(distribution, folder):
            yield f"{name} runs as it was installed from {folder}, where it has changed since: install it anew"


def _source_folder(distribution: Distribution) -> Path | None:
    """Return the folder of an installation that is a copy; its place is kept as PEP 610 says."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        url, is_editable = urlsplit(origin["url"]), origin["dir_info"].get("editable")
    except (KeyError, TypeError, ValueError):
        return None
    folder = Path(unquote(url.path))
    return folder if url.scheme == "file" and not is_editable and folder.is_dir() else None


def _differs(distribution: Distribution, folder: Path) -> bool:
    installed = {Path(str(file)) for file in distribution.files or () if file.suffix in _COMPARED}
    code = {path for path in installed if ".dist-info" not in path.parts[0]}
    packages = {path.parts[0] for path in code}
    present = {
        path.relative_to(folder)
        for package in packages
        for path in (folder / package).rglob("*")
        if path.suffix in _COMPARED
    }
    return code != present or any(
        (folder / path).read_bytes() != Path(str(distribution.locate_file(path))).read_bytes() for path in code
    )
