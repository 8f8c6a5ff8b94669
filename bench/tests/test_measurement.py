"""Medians of runs, and what remains without the start."""

from __future__ import annotations

import pytest

from bench.measurement import Measurement, measurement, medians, medians_of_timed_runs
from bench.processes import Cost
from bench.server.process import LoggedRequest


def run_of(wall: float, cpu: float = 1.0, *, records: int = 1000, refused: int = 0) -> Measurement:
    return Measurement("ours", records, wall, cpu, 50.0, refused=refused)


def test_the_median_of_each_number_is_taken_by_itself() -> None:
    found = medians([run_of(3, 1), run_of(1, 2), run_of(2, 9)])
    assert (found.wall, found.cpu, found.rounds) == (2, 2, 3)


def test_of_refused_requests_the_maximum_is_reported() -> None:
    assert medians([run_of(1), run_of(1, refused=2), run_of(1)]).refused == 2


def test_lists_of_different_length_have_no_median() -> None:
    with pytest.raises(ValueError, match="different"):
        medians([run_of(1), run_of(1, records=5)])


def test_runs_stopped_by_the_clock_have_a_median_of_their_records_too() -> None:
    found = medians_of_timed_runs([run_of(1, records=5), run_of(2, records=7), run_of(3, records=6)])
    assert (found.records, found.wall) == (6, 2)


def test_the_time_for_an_empty_list_is_subtracted() -> None:
    found = medians([run_of(3, 2)], [run_of(1, 0.5, records=0)])
    assert found.rate == pytest.approx(1000 / 3)
    assert found.rate_without_start == pytest.approx(500)
    assert found.cpu_per_record == pytest.approx(2000)
    assert found.cpu_per_record_without_start == pytest.approx(1500)


def test_a_run_that_took_no_longer_than_an_empty_list_has_no_rate() -> None:
    assert medians([run_of(1)], [run_of(1, records=0)]).rate_without_start == 0


def test_answered_and_refused_requests_are_counted_separately() -> None:
    log = [LoggedRequest(1, "/invoices", 200), LoggedRequest(2, "/invoices", 200), LoggedRequest(3, "/invoices", 429)]
    found = measurement("ours", 200, Cost(1, 0.5, 0.25, 40), log)
    assert (found.requests, found.refused, found.cpu) == (2, 1, 0.75)
