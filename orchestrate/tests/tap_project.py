"""A project with one tap, as accounts need it; nothing is installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_SETTINGS = ("organization", "start_date", "documents_url", "size", "maps")


@pytest.fixture
def tap_project(tmp_path: Path) -> Path:
    """Return the folder of a project with `tap-x`, whose secret is `login`, and which leaves out a column."""
    lock = {
        "name": "tap-x",
        "settings_group_validation": [["login", "organization"]],
        "settings": [
            {"name": "login", "sensitive": True},
            *({"name": name} for name in _SETTINGS),
            {"name": "quota_share", "value": "0.5"},
        ],
        "select": ["*.*", "!people.email"],
    }
    (tmp_path / "plugins" / "extractors").mkdir(parents=True)
    (tmp_path / "plugins" / "extractors" / "tap-x--y.lock").write_text(json.dumps(lock), encoding="utf-8")
    (tmp_path / "meltano.yml").write_text("plugins: {}", encoding="utf-8")
    return tmp_path
