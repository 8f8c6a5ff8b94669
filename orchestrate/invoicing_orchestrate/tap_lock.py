"""What the lock files of a Meltano project say of its taps."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class TapLock:
    """One tap.

    Args:
        name: Its name.
        settings: Its settings with their defaults.
        secret: Those that are secret.
        required: Groups of settings of which one must be complete.
        select: The patterns of what is selected; empty for everything.
    """

    name: str
    settings: Mapping[str, Any]
    secret: Collection[str]
    required: Sequence[Sequence[str]]
    select: Sequence[str]

    def missing(self, given: Collection[str]) -> list[str]:
        """Return the required settings that are not given: of the group that lacks the fewest.

        Args:
            given: Names of settings.
        """
        lacking = [[name for name in group if name not in given] for group in self.required]
        return min(lacking, key=len, default=[])

    def variable(self, setting: str) -> str:
        """Return the environment variable of a setting.

        Args:
            setting: Its name.
        """
        return variable(self.name, setting)


def variable(plugin: str, setting: str) -> str:
    """Return the environment variable that Meltano reads for a setting.

    Args:
        plugin: The name of the plugin.
        setting: The name of the setting.
    """
    return re.sub(r"\W", "_", f"{plugin}_{setting}").upper()


def tap_locks(project: Path) -> dict[str, TapLock]:
    """Return the taps of a project, by name.

    Args:
        project: Its folder.
    """
    paths = (project / "plugins" / "extractors").glob("*.lock")
    contents = (json.loads(path.read_text(encoding="utf-8")) for path in paths)
    return {lock["name"]: _tap_lock(lock) for lock in contents}


def is_secret(setting: Mapping[str, Any]) -> bool:
    """Return whether a setting of a lock file is secret.

    Args:
        setting: The setting.
    """
    return bool(setting.get("sensitive") or setting.get("kind") == "password")


def _tap_lock(lock: Mapping[str, Any]) -> TapLock:
    settings = lock.get("settings", [])
    return TapLock(
        lock["name"],
        {setting["name"]: setting.get("value") for setting in settings},
        frozenset(setting["name"] for setting in settings if is_secret(setting)),
        lock.get("settings_group_validation", []),
        lock.get("select", []),
    )
