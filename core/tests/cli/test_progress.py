"""What a person sees of a run that takes a while."""

from __future__ import annotations

import threading
import time

import pytest

from conftest import FakeClock
from singer_rest_core.cli.progress import Progress
from singer_rest_core.clock import Clock


def test_a_line_every_few_seconds_shows_how_far_a_stream_is() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=lambda: "quota 40 % used")

    progress.stream("invoices")
    for _ in range(12):
        clock.advance(1)
        progress.page(200, 10_000)

    assert lines == [
        "invoices: 1,000 of 10,000 rows, 200 a second, 45 s left, quota 40 % used",
        "invoices: 2,000 of 10,000 rows, 200 a second, 40 s left, quota 40 % used",
    ]


def test_a_line_is_also_logged_while_no_page_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("singer_rest_core.cli.progress.REPORT_INTERVAL", 0.02)
    logged = threading.Semaphore(0)
    lines: list[str] = []

    def log(line: str) -> None:
        lines.append(line)
        logged.release()

    progress = Progress(log, clock=Clock(), quota=lambda: "quota used up")
    progress.begin()
    progress.stream("invoices")
    assert logged.acquire(timeout=10)
    assert logged.acquire(timeout=10)
    progress.end()

    assert lines[0] == "invoices: 0 rows, quota used up"
    known = len(lines)
    time.sleep(0.1)
    assert len(lines) == known


def test_a_line_being_logged_at_the_end_is_finished_before_the_end_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("singer_rest_core.cli.progress.REPORT_INTERVAL", 0.02)
    started = threading.Event()
    lines: list[str] = []

    def log_slowly(line: str) -> None:
        started.set()
        time.sleep(0.3)
        lines.append(line)

    progress = Progress(log_slowly, clock=Clock(), quota=str)
    progress.begin()
    progress.stream("invoices")
    assert started.wait(10)
    progress.end()

    assert lines == ["invoices: 0 rows"]


def test_nothing_is_logged_before_the_first_stream() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)
    clock.advance(60)
    progress.report()

    assert lines == []


def test_without_a_total_no_time_left_is_shown() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)

    progress.stream("tasks")
    progress.page(50, None)
    clock.advance(10)
    progress.page(50, None)

    assert lines == ["tasks: 100 rows, 10 a second"]


def test_a_short_run_logs_nothing_before_its_summary() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)

    progress.stream("payments")
    progress.page(3, 3)
    clock.advance(4)
    progress.stream("people")
    progress.page(5_000, None)

    assert lines == []
    assert progress.summary(1_234) == "5,003 rows with 1,234 requests in 4 s"


def test_long_time_spans_are_shown_in_minutes_and_hours() -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)
    progress.stream("invoices")
    progress.page(10, 100_000)
    clock.advance(100)
    progress.page(10, 100_000)

    assert lines[0].endswith("138 h 51 min left")
    assert progress.summary(2) == "20 rows with 2 requests in 1 min 40 s"


@pytest.mark.parametrize(
    ("rows", "seconds", "speed"),
    [(5_000, 5, "1,000 a second"), (10, 10, "1 a second"), (4, 10, "24 a minute"), (1, 90, "40 an hour")],
)
def test_a_slow_stream_shows_its_rows_by_a_longer_unit(rows: int, seconds: int, speed: str) -> None:
    clock, lines = FakeClock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)
    progress.stream("tasks")
    clock.advance(seconds)
    progress.page(rows, None)

    assert lines == [f"tasks: {rows:,} rows, {speed}"]
