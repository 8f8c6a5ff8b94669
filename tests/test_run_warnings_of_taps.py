"""Every tap warns once, and of nothing else, where what it was given cannot be meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import discover, read, warnings_of
from scripts.all_taps import tap_classes

if TYPE_CHECKING:
    from conftest import SandboxSettings

TAPS = tap_classes()
LIST = {
    "tap-2invoice": "clients",
    "tap-covage": "invoices",
    "tap-invobi": "prompts",
    "tap-invoicetronic": "send",
    "tap-productive": "tasks",
}
"""A list of each tap that is read without waits."""
INCREMENTAL = {tap: stream for tap, stream in LIST.items() if tap not in {"tap-2invoice", "tap-invobi"}}
FUTURE = "2999-01-01T00:00:00Z"


@pytest.mark.parametrize("tap", TAPS)
def test_nothing_selected(tap: str, sandbox_settings: SandboxSettings, caplog: pytest.LogCaptureFixture) -> None:
    reading = read(TAPS[tap], sandbox_settings(tap), select="")
    assert reading.error is None
    (line,) = warnings_of(caplog)
    assert line.startswith("No stream is selected")


@pytest.mark.parametrize("tap", TAPS)
def test_a_replication_key_that_is_no_column(
    tap: str, sandbox_settings: SandboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings, stream = sandbox_settings(tap), LIST[tap]
    usual = read(TAPS[tap], settings, select=stream)
    caplog.clear()

    reading = read(TAPS[tap], settings, select=stream, catalog=with_key(discover(TAPS[tap], settings), "no_column"))

    (line,) = warnings_of(caplog)
    assert line.startswith(f"The replication key in the catalog is not a column: {stream} (no_column)")
    assert reading.records == usual.records
    assert reading.activated == usual.activated


def with_key(catalog: dict[str, Any], key: str) -> dict[str, Any]:
    """Return a catalog in which every stream is incremental by one key."""
    for entry in catalog["streams"]:
        entry |= {"replication_key": key, "replication_method": "INCREMENTAL"}
    return catalog


@pytest.mark.parametrize("tap", INCREMENTAL)
def test_a_bookmark_in_the_future(
    tap: str, sandbox_settings: SandboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings, stream = sandbox_settings(tap), LIST[tap]
    state = read(TAPS[tap], settings, select=stream).state
    state["bookmarks"][stream]["replication_key_value"] = FUTURE
    caplog.clear()

    read(TAPS[tap], settings, select=stream, state=state)

    (line,) = warnings_of(caplog)
    assert line.startswith(f"The state has bookmarks in the future: {stream} ({FUTURE})")


@pytest.mark.parametrize("tap", INCREMENTAL)
def test_a_start_date_in_the_future(
    tap: str, sandbox_settings: SandboxSettings, caplog: pytest.LogCaptureFixture
) -> None:
    read(TAPS[tap], sandbox_settings(tap) | {"start_date": FUTURE}, select=LIST[tap])
    (line,) = warnings_of(caplog)
    assert line.startswith(f"Setting start_date is in the future ({FUTURE})")
