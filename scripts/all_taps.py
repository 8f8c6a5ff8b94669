"""Find the taps of this repository: each folder below taps/ that has a pyproject.toml."""

from __future__ import annotations

import importlib
import signal
import tomllib
from typing import TYPE_CHECKING, Any

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_rest_core import RestTap


def tap_names() -> list[str]:
    """Return the names of the taps' distributions, sorted."""
    return sorted(path.parent.name for path in ROOT.glob("taps/*/pyproject.toml"))


def metadata_of(name: str) -> dict[str, Any]:
    """Return the content of a tap's pyproject.toml.

    Args:
        name: The distribution's name.
    """
    return tomllib.loads((ROOT / "taps" / name / "pyproject.toml").read_text(encoding="utf-8"))


def tap_classes() -> dict[str, type[RestTap]]:
    """Return the class of each tap, by the distribution's name: the one that its program starts."""
    classes = {}
    for name in tap_names():
        package = name.replace("-", "_")
        module, _, class_name = importlib.import_module(f"{package}.__main__").TAP.partition(":")
        classes[name] = getattr(importlib.import_module(module), class_name)
    return classes


def unconnected_tap(tap_class: type[RestTap], settings: Mapping[str, Any] | None = None) -> RestTap:
    """Create a tap to look at its streams; its settings lead nowhere.

    Args:
        tap_class: The class of the tap.
        settings: More settings, which are taken as they are.
    """
    properties = tap_class.config_jsonschema["properties"]
    urls = {name: "https://localhost" for name in ("api_url", "auth_url") if name in properties}
    required = dict.fromkeys(tap_class.config_jsonschema["required"], "-")
    # A tap replaces the signal handlers of its process, which is ours.
    handlers = {signum: signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        config = required | urls | dict(settings or {})
        return tap_class(config=config, validate_config=not settings, setup_mapper=False)
    finally:
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
