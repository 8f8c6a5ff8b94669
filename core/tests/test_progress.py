"""What a person sees of a run that takes a while."""

from __future__ import annotations

from singer_rest_core.progress import Progress


class _Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_line_every_few_seconds_says_how_far_a_stream_is() -> None:
    clock, lines = _Clock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=lambda: "quota 40 % used")

    for _ in range(12):
        clock.now += 1
        progress.page("invoices", 200, 10_000)

    # The clock of a stream starts with its first page.
    assert lines == [
        "invoices: 1,000 of 10,000 rows, 250 a second, 36 s left, quota 40 % used",
        "invoices: 2,000 of 10,000 rows, 222 a second, 36 s left, quota 40 % used",
    ]


def test_a_list_without_a_total_promises_no_end() -> None:
    clock, lines = _Clock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)

    progress.page("tasks", 50, None)
    clock.now += 10
    progress.page("tasks", 50, None)

    assert lines == ["tasks: 100 rows, 10 a second"]


def test_a_short_run_says_nothing_before_its_summary() -> None:
    clock, lines = _Clock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)

    progress.page("payments", 3, 3)
    clock.now += 4
    progress.page("people", 5_000, None)

    assert lines == []
    assert progress.summary(1_234) == "5,003 rows with 1,234 requests in 4 s"


def test_long_spans_are_told_in_minutes_and_hours() -> None:
    clock, lines = _Clock(), list[str]()
    progress = Progress(lines.append, clock=clock, quota=str)
    progress.page("invoices", 10, 100_000)
    clock.now += 100
    progress.page("invoices", 10, 100_000)

    assert lines[0].endswith("138 h 51 min left")
    assert progress.summary(2) == "20 rows with 2 requests in 1 min 40 s"
