"""However much a tap is told to say, it says no secret."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import run_tap, write

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAPS = {
    "tap-productive": ("productive", "auth_token"),
    "tap-invoicetronic": ("invoicetronic", "api_key"),
    "tap-invobi": ("invobi", "api_token"),
    "tap-covage": ("covage", "password"),
    "tap-2invoice": ("two_invoice", "access_token"),
}
"""The fixture of each tap's settings, and which of them is the secret."""


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as HTTP's basic authentication writes it."""
    yield secret
    yield base64.b64encode(f"{secret}:".encode()).decode().rstrip("=")


@pytest.mark.parametrize("is_right", [True, False])
@pytest.mark.parametrize("tap", sorted(_TAPS))
def test_no_secret_is_in_a_debug_log_or_in_what_is_written(
    tap: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, *, is_right: bool
) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    fixture, setting = _TAPS[tap]
    settings: dict[str, Any] = request.getfixturevalue(f"{fixture}_settings")
    secret = settings[setting] if is_right else "ik_test_wr0ng-s3cret"
    config = write(tmp_path / "config.json", settings | {setting: secret})

    done = run_tap(str(Path(sys.executable).with_name(tap)), "--config", config, "--test")

    assert done.returncode == (0 if is_right else 1)
    assert "| DEBUG" in done.stderr
    assert [form for form in _forms(secret) if form in done.stdout + done.stderr] == []
