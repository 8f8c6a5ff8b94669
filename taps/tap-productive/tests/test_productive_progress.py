"""What a person who watches a run sees: how far it is every few seconds, and a summary at the end."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING

from conftest import FakeClock
from singer_rest_core.api.rate_limit import Window
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    import threading

    import pytest
    import requests

    from conftest import ReadProductive
    from sandbox.server import RunningSandbox


def take_three_seconds_an_answer(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    on_response = TapProductive.on_response

    def advance(tap: TapProductive, answer: requests.Response) -> None:
        clock.advance(3)
        on_response(tap, answer)

    monkeypatch.setattr(TapProductive, "on_response", advance)


class SlowClock(FakeClock):
    """Waits ten minutes at a time, so that the wait can be watched for a fifth of a real second each."""

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        assert seconds
        self.advance(600)
        time.sleep(0.2)
        return event.is_set()


def test_a_person_who_watches_sees_how_far_the_run_is(
    read_productive: ReadProductive,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    take_three_seconds_an_answer(clock, monkeypatch)
    monkeypatch.setattr(TapProductive, "rate_limits", {"": (Window(100, 60),)})
    caplog.set_level(logging.INFO)

    reading = read_productive("invoices tasks", page_size=50, concurrency=1)

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records]
    # Pages take three seconds, and a line comes after five.
    assert "invoices: 200 of 300 rows, 17 a second, 6 s left, 4% of the quota used" in lines
    assert any(re.match(r"tasks: 200 of 420 rows", line) for line in lines)
    (summary,) = [line for line in lines if "rows with" in line]
    assert summary.startswith("720 rows with 15 requests in 45 s: 2 streams read to their end; ")


def test_a_person_who_watches_also_sees_it_while_an_answer_takes_long(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("singer_rest_core.cli.progress.EVERY", 0.1)
    caplog.set_level(logging.INFO)
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", delay_ms=1000)

    reading = read_productive("tasks", page_size=50, concurrency=1)

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if line.startswith("tasks: 100 of 420 rows, ")]) >= 3


def test_a_person_who_watches_is_told_of_a_long_wait_for_the_limits(
    read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("singer_rest_core.cli.progress.EVERY", 0.05)
    monkeypatch.setattr(TapProductive, "clock", SlowClock())
    monkeypatch.setattr(TapProductive, "rate_limits", {"": (Window(2, 3000),)})
    caplog.set_level(logging.INFO)

    reading = read_productive("tasks", page_size=200, concurrency=1)

    assert reading.error is None
    told = [record.getMessage() for record in caplog.records if "for the limits of the API" in record.getMessage()]
    assert told[0].startswith("tasks: 400 of 420 rows, ")
    assert re.search(r", 100% of the quota used, the next request waits [1234]0 min 0 s for the limits", told[0])
