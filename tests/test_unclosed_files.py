"""`--discover` leaves no file or connection unclosed, of which Python would warn in the middle of Meltano's output."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conftest import run_tap
from scripts.all_taps import tap_names


@pytest.mark.parametrize("tap", tap_names())
def test_discovery_leaves_nothing_unclosed(tap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "default")

    done = run_tap(str(Path(sys.executable).with_name(tap)), "--discover")

    assert done.returncode == 0
    assert "ResourceWarning" not in done.stderr
