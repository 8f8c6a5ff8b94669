"""What Airflow needs to know of accounts.yml: names, times, quota groups. `orchestrate` checks all else.

    python accounts_file.py > pools.json && airflow pools import pools.json

makes a pool for each quota group.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

PROJECT_VARIABLE = "INVOICING_TAPS"
"""The folder of meltano.yml."""
FILE_VARIABLE = "ORCHESTRATE_ACCOUNTS_FILE"
"""The same as of `orchestrate`."""
DEFAULT_POOL = "default_pool"
"""Airflow's own, for accounts without a quota group."""
_WORDS = {" ": "_", "*": "x", "/": "per", ",": "and"}
"""What stands in the id of a DAG for characters of a cron expression that it must not have."""


@dataclass(frozen=True)
class Schedule:
    """The accounts that are loaded at the same times.

    Args:
        cron: The cron expression, in UTC; None for accounts that are loaded on request.
        by_pool: Names of the accounts by the pool of their quota group; those with the highest priority first.
    """

    cron: str | None
    by_pool: Mapping[str, list[str]]

    @property
    def dag_id(self) -> str:
        """The id of its DAG."""
        if self.cron is None:
            return "invoicing_on_request"
        return f"invoicing_{''.join(_WORDS.get(character, character) for character in self.cron)}"


def project_folder() -> Path:
    """Return the folder of meltano.yml.

    Raises:
        ValueError: If the environment does not name it.
    """
    named = os.environ.get(PROJECT_VARIABLE)
    if not named:
        raise ValueError(f"{PROJECT_VARIABLE} is not set: it must name the folder of meltano.yml")
    return Path(named)


def pool_name(quota_group: str) -> str:
    """Return the name of the pool of a quota group.

    Args:
        quota_group: Its name.
    """
    return f"invoicing-{quota_group}"


def schedules(content: Mapping[str, Any]) -> list[Schedule]:
    """Return the accounts that are enabled, by their times.

    Args:
        content: The content of accounts.yml.

    Raises:
        KeyError: If an account has no name.
    """
    found: dict[str | None, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    accounts = [account for account in content["accounts"] if account.get("enabled", True)]
    for account in sorted(accounts, key=lambda each: -each.get("priority", 0)):
        times = account.get("schedule")
        group = account.get("quota_group")
        pool = DEFAULT_POOL if group is None else pool_name(group)
        found[times and " ".join(times.split())][pool].append(account["name"])
    return [Schedule(cron, by_pool) for cron, by_pool in found.items()]


def pools(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a pool for each quota group, as `airflow pools import` takes them.

    Args:
        content: The content of accounts.yml.
    """
    return {
        pool_name(name): {
            "slots": group["at_once"],
            "description": f"Accounts of the quota group {name} that are loaded at the same time",
            "include_deferred": False,
        }
        for name, group in content.get("quota_groups", {}).items()
    }


def read() -> dict[str, Any]:
    """Return the content of accounts.yml.

    Raises:
        ValueError: If the environment does not name the project.
        OSError: If the file cannot be read.
    """
    path = project_folder() / os.environ.get(FILE_VARIABLE, "accounts.yml")
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content


if __name__ == "__main__":
    json.dump(pools(read()), sys.stdout, indent=2)
