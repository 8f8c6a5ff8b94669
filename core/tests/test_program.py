"""How a tap's program starts: what Python collects, and when."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from singer_sdk import plugin_base

from singer_rest_core import RestTap

if TYPE_CHECKING:
    from pathlib import Path

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
_INTERRUPTED_TAP = """
class Tap:
    @staticmethod
    def cli():
        raise KeyboardInterrupt
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


@pytest.mark.parametrize("module", ["raise KeyboardInterrupt", _INTERRUPTED_TAP], ids=["importing", "starting"])
def test_ctrl_c_while_a_tap_starts_ends_with_its_code_and_one_line(tmp_path: Path, module: str) -> None:
    (tmp_path / "some_tap.py").write_text(module, encoding="utf-8")
    program = 'from singer_rest_core.program import run_tap; run_tap("tap-x", "some_tap:Tap")'
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "Stopped by SIGINT before anything was read\n"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (">/dev/full", "The output cannot be written: No space left on device\n"),
        (">&-", "Standard output is closed: there is nowhere to write to\n"),
    ],
)
def test_a_version_that_cannot_be_written_gives_one_line_and_exits_with_1(output: str, line: str) -> None:
    program = 'from singer_rest_core.program import run_tap; run_tap("singer-rest-core", "no_module:Tap")'
    command = f"{shlex.join([sys.executable, '-c', program, '--version'])} {output}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - our own
    assert (done.returncode, done.stderr) == (1, line)


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
