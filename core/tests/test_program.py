"""How a tap's program starts: what Python collects, and when."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from singer_sdk import plugin_base

from singer_rest_core import RestTap

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_TAP = """
import gc, json, sys

seen = {"while imported": gc.isenabled()}

class Tap:
    @staticmethod
    def cli():
        seen["while running"] = gc.isenabled()
        seen["imported and left alone"] = gc.get_freeze_count()
        Tap.made = [[number] for number in range(1000)]
        sys.exit(3)
"""
_PROGRAM = """
import gc, json, sys
from singer_rest_core.program import run_tap
try:
    run_tap("tap-x", "some_tap:Tap")
finally:
    import some_tap
    print(json.dumps({**some_tap.seen, "left alone at the end": gc.get_freeze_count()}))
"""


def test_what_a_tap_imports_is_not_searched_for_garbage_and_what_it_makes_is(tmp_path: Path) -> None:
    (tmp_path / "some_tap.py").write_text(_TAP, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    seen = json.loads(done.stdout)
    assert (seen["while imported"], seen["while running"]) == (False, True)
    assert seen["imported and left alone"] > 1000
    assert seen["left alone at the end"] >= seen["imported and left alone"] + 1000


def test_the_version_of_each_tap_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []

    def look_up(distribution: str) -> str:
        looked_up.append(distribution)
        return f"{len(looked_up)}.0"

    class One(RestTap):
        name = "tap-one"

    class Another(RestTap):
        name = "tap-another"

    monkeypatch.setattr(plugin_base, "get_package_version", look_up)
    assert [tap.plugin_version for tap in (One, One, Another, One)] == ["1.0", "1.0", "2.0", "1.0"]
    assert looked_up == ["tap-one", "tap-another"]
