"""Find the distributions of this repository: the members of the uv workspace."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Distribution:
    """What is built and released as one package.

    Args:
        folder: Where its pyproject.toml is.
        content: What that says.
    """

    folder: Path
    content: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name on PyPI."""
        return str(self.project["name"])

    @property
    def project(self) -> Mapping[str, Any]:
        """Its table `[project]`."""
        table: Mapping[str, Any] = self.content["project"]
        return table

    @property
    def extras(self) -> Mapping[str, list[str]]:
        """What each of its extras requires."""
        table: Mapping[str, list[str]] = self.project.get("optional-dependencies", {})
        return table

    @property
    def programs(self) -> Mapping[str, str]:
        """Its programs, each with the function that it calls."""
        table: Mapping[str, str] = self.project.get("scripts", {})
        return table


def distributions(root: Path = ROOT) -> list[Distribution]:
    """Return the members of the workspace that are packages, by name.

    Args:
        root: The folder of the workspace.
    """
    workspace = read(root)["tool"]["uv"]["workspace"]
    left_out = {folder for pattern in workspace.get("exclude", ()) for folder in root.glob(pattern)}
    folders = {
        folder
        for pattern in workspace["members"]
        for folder in root.glob(pattern)
        if (folder / "pyproject.toml").is_file() and folder not in left_out
    }
    members = [Distribution(folder, read(folder)) for folder in folders]
    packages = [each for each in members if each.content.get("tool", {}).get("uv", {}).get("package", True)]
    return sorted(packages, key=lambda each: each.name)


def read(folder: Path) -> dict[str, Any]:
    """Return the content of a folder's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
