"""A tap writes no secret, even in its debug log."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from conftest import run_tap, write
from scripts.all_taps import tap_classes, tap_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import SandboxSettings

SECRETS = [
    (name, setting)
    for name, tap in tap_classes().items()
    for setting in tap.config_jsonschema["required"]
    if tap.config_jsonschema["properties"][setting].get("secret")
]


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as HTTP's basic authentication encodes it."""
    yield secret
    yield base64.b64encode(f"{secret}:".encode()).decode().rstrip("=")


def test_every_tap_has_a_secret_among_its_required_settings() -> None:
    assert {tap for tap, _ in SECRETS} == set(tap_names())


@pytest.mark.parametrize("is_right", [True, False])
@pytest.mark.parametrize(("tap", "setting"), SECRETS)
def test_no_secret_is_in_a_debug_log_or_in_what_is_written(  # noqa: PLR0913 - fixtures and parameters
    tap: str,
    setting: str,
    tmp_path: Path,
    sandbox_settings: SandboxSettings,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_right: bool,
) -> None:
    monkeypatch.setenv("LOGLEVEL", "DEBUG")
    settings = sandbox_settings(tap)
    secret = settings[setting] if is_right else "ik_test_wr0ng-s3cret"
    config = write(tmp_path / "config.json", settings | {setting: secret})

    done = run_tap(str(Path(sys.executable).with_name(tap)), "--config", config, "--test")

    assert done.returncode == (0 if is_right else 1)
    assert "| DEBUG" in done.stderr
    assert [form for form in _forms(secret) if form in done.stdout + done.stderr] == []
