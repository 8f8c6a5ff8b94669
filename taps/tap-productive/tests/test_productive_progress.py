"""What a person who watches a run sees: how far it is every few seconds, and a summary at the end."""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, ClassVar

from conftest import FakeClock, read
from singer_rest_core.api import Window
from singer_rest_core.clock import Clock
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    import pytest
    import requests

    from conftest import ReadProductive
    from sandbox.server import RunningSandbox
    from singer_rest_core.api import Rule


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


def test_progress_lines_show_how_far_the_run_is(
    read_productive: ReadProductive,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    take_three_seconds_an_answer(clock, monkeypatch)
    caplog.set_level(logging.INFO)

    reading = read_productive("invoices tasks", page_size=50, concurrency=1)

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records]
    # Pages take three seconds, and a line comes after five; the first request is more than ten seconds ago.
    assert "invoices: 200 of 300 rows, 17 a second, 6 s left, 3% of the quota used" in lines
    assert any(re.match(r"tasks: 200 of 420 rows", line) for line in lines)
    (summary,) = [line for line in lines if "rows with" in line]
    assert summary.startswith("720 rows with 15 requests in 45 s: 2 streams read to their end; ")


def test_progress_lines_also_come_while_an_answer_takes_long(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(TapProductive, "clock", Clock())
    monkeypatch.setattr("singer_rest_core.cli.progress.REPORT_INTERVAL", 0.1)
    caplog.set_level(logging.INFO)
    sandbox.admin.add_fault("*/tasks", query="page[number]=3", delay_ms=1000)

    reading = read_productive("tasks", page_size=50, concurrency=1)

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if line.startswith("tasks: 100 of 420 rows, ")]) >= 3


class LimitedTap(TapProductive):
    """One for an API that takes two requests in fifty minutes."""

    clock = SlowClock()
    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = {"": (Window(2, 3000),)}


def test_a_person_who_watches_sees_a_long_wait_for_the_limits(
    productive_settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("singer_rest_core.cli.progress.REPORT_INTERVAL", 0.05)
    caplog.set_level(logging.INFO)

    reading = read(LimitedTap, productive_settings | {"page_size": 200, "concurrency": 1}, select="tasks")

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records if "for the limits of the API" in record.getMessage()]
    assert lines[0].startswith("tasks: 400 of 420 rows, ")
    assert re.search(r", 100% of the quota used, the next request waits [1234]0 min 0 s for the limits", lines[0])
