"""States that version 0.1.0 wrote are taken up: nothing that it had not read is left out, and what it had is spared."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import read
from sandbox.server import running_sandbox
from scripts.all_taps import tap_classes
from singer_rest_core.records import instant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import FakeClock
    from sandbox.server import RunningSandbox
    from singer_rest_core import RestTap

STATES = Path(__file__).parent / "states"
VERSION = "0.1.0"
TAPS = tap_classes()
SELECTED = {
    "tap-productive": "activities bookings companies deals invoices line_items tasks time_entries",
    "tap-invobi": "invoices invoice_details",
}


@pytest.fixture(scope="module")
def small_sandbox() -> Iterator[RunningSandbox]:
    """The world that the states are of."""
    with running_sandbox(scale=0.2) as running:
        running.admin.set_limits([])
        yield running


def settings(tap: str, url: str) -> dict[str, Any]:
    """Return the settings that the states were written with."""
    by_tap: dict[str, dict[str, Any]] = {
        "tap-productive": {
            "auth_token": "sandbox-token",
            "organization_id": "1",
            "api_url": f"{url}/productive/api/v2",
            "page_size": 50,
        },
        "tap-invoicetronic": {"api_key": "ik_test_sandbox", "api_url": f"{url}/invoicetronic/v1", "page_size": 20},
        "tap-invobi": {"api_token": "sandbox-token", "api_url": f"{url}/invobi/api/v1", "page_size": 20},
        "tap-covage": {
            "username": "sandbox-user",
            "password": "sandbox-password",
            "auth_url": f"{url}/covage",
            "api_url": f"{url}/covage",
            "page_size": 20,
        },
        "tap-2invoice": {"access_token": "sandbox-token", "api_url": f"{url}/2invoice"},
    }
    return by_tap[tap]


def state_of_just_now(tap: str, kind: str) -> dict[str, Any]:
    """Return a state, with the moment when it was written moved to now: what was read long ago is read again."""
    text = (STATES / f"{tap}-{VERSION}.json").read_text(encoding="utf-8")
    now = datetime.now(UTC)
    text = re.sub('"2026-11-28T03:55:0.Z"', f'"{now:%Y-%m-%dT%H:%M:%SZ}"', text)
    text = text.replace('6b0a509b"', f'{int(now.timestamp()):08x}"')
    state: dict[str, Any] = json.loads(text)[kind]
    return state


def was_read(record: dict[str, Any], held: dict[str, Any], key: str) -> bool:
    """Whether a record had been read by the run that wrote the state."""
    if key in held.get("remembered", {}):
        return True
    bookmark, value = held.get("replication_key_value"), record.get(held.get("replication_key", ""))
    if not bookmark or "full_read_cut_short" in held:
        return False
    # A row without a replication value is found by complete reads alone.
    return value is None or instant(value) < instant(bookmark)


def records_by_key(messages: list[dict[str, Any]], tap: type[RestTap], config: dict[str, Any]) -> dict[Any, Any]:
    """Return the records by stream and key, tombstones apart."""
    keys = {name: stream.primary_keys for name, stream in tap(config=config).streams.items()}
    return {
        (message["stream"], *(str(message["record"][key]) for key in keys[message["stream"]])): message["record"]
        for message in messages
        if message["type"] == "RECORD" and "_sdc_deleted_at" not in message["record"]
    }


@pytest.mark.parametrize("kind", ["complete", "cut_short"])
@pytest.mark.parametrize("tap", sorted(TAPS))
def test_a_state_of_an_earlier_version_is_taken_up(
    small_sandbox: RunningSandbox, clock: FakeClock, tap: str, kind: str
) -> None:
    config = settings(tap, small_sandbox.url)
    state = state_of_just_now(tap, kind)
    held = state.get("bookmarks", {})
    clock.advance(60)

    fresh = read(TAPS[tap], config, select=SELECTED.get(tap, "*"))
    resumed = read(TAPS[tap], config, state=state, select=SELECTED.get(tap, "*"))
    next_run = read(TAPS[tap], config, state=resumed.state, select=SELECTED.get(tap, "*"))

    assert resumed.error is None
    assert next_run.error is None
    every = records_by_key(fresh.messages, TAPS[tap], config)
    again = records_by_key(resumed.messages, TAPS[tap], config)
    later = records_by_key(next_run.messages, TAPS[tap], config)
    missing = {
        key
        for key, record in every.items()
        if key not in again.keys() | later.keys() and not was_read(record, held.get(key[0], {}), str(key[1]))
    }
    assert missing == set()
    if kind == "complete" and any("replication_key" in each or "remembered" in each for each in held.values()):
        assert len(again) < len(every)
    assert set(resumed.state["bookmarks"]) >= set(held)
