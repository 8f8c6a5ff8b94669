"""What a pull request to Meltano Hub needs for each tap: files below `hub/`, at their paths in the Hub's repository."""

from __future__ import annotations

import importlib.metadata
import tomllib
from typing import TYPE_CHECKING, Any

import resvg_py
import yaml
from singer_sdk.about import python_versions

from scripts.all_taps import metadata_of
from scripts.local_world import ROOT
from scripts.meltano_files import VARIANT, definition

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from singer_rest_core import RestTap

HUB = ROOT / "hub"
LOGO_SIZE = 512
"""Width and height of a logo in pixels."""

_LOGOS = "assets/logos/extractors"  # below static/ in the repository, below / on the site


def hub_files(tap_classes: Mapping[str, type[RestTap]], address: str | None) -> dict[Path, bytes]:
    """Return the files of the pull request.

    Args:
        tap_classes: The class of each tap, by the distribution's name.
        address: The URL of the repository; None if it is published nowhere yet.
    """
    data = HUB / "_data"
    files = {
        data / "default_variants.yml": _yaml({"extractors": dict.fromkeys(tap_classes, VARIANT)}),
        data / "maintainers.yml": _yaml(
            {VARIANT: {"label": "Invoicing taps", "name": VARIANT} | ({"url": address} if address else {})}
        ),
    }
    for name, tap_class in tap_classes.items():
        files[data / "meltano" / "extractors" / name / f"{VARIANT}.yml"] = _yaml(
            hub_definition(name, tap_class) | ({"repo": address} if address else {})
        )
        files[HUB / "static" / _LOGOS / f"{_logo_name(name)}.png"] = _logo(name)
    return files


def repository() -> str | None:
    """Return where the project's source is published, as `pyproject.toml` states it; None if nowhere yet."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    address: str | None = project.get("urls", {}).get("Repository")
    return address


def hub_definition(name: str, tap_class: type[RestTap]) -> dict[str, Any]:
    """Return a plugin's definition as the Hub keeps them.

    Args:
        name: The distribution's name.
        tap_class: The class of the tap.
    """
    hub = metadata_of(name)["tool"]["meltano-hub"]
    entry = definition(name, tap_class)
    return entry | {
        "domain_url": hub["domain_url"],
        "keywords": ["meltano_sdk", "api", "invoicing", *hub["keywords"]],
        "logo_url": f"/{_LOGOS}/{_logo_name(name)}.png",
        "maintenance_status": "active",
        "quality": "unknown",
        "settings": sorted(entry["settings"], key=lambda setting: str(setting["name"])),
        "supported_python_versions": list(python_versions(importlib.metadata.metadata(name))),
    }


def _logo_name(name: str) -> str:
    return name.removeprefix("tap-")


def _logo(name: str) -> bytes:
    drawing = HUB / "logos" / f"{_logo_name(name)}.svg"
    # Without the machine's fonts the picture is the same everywhere.
    picture = resvg_py.svg_to_bytes(
        svg_string=drawing.read_text(encoding="utf-8"), width=LOGO_SIZE, height=LOGO_SIZE, skip_system_fonts=True
    )
    return bytes(picture)


def _yaml(content: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(dict(content), sort_keys=True, allow_unicode=True, width=100).encode()
