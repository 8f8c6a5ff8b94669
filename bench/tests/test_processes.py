"""A program's cost, its RECORD messages and its failures are those of that program."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from bench.processes import ReaderFailed, count_in, run

if TYPE_CHECKING:
    from pathlib import Path

SEVEN_RECORDS = 'for _ in range(7): print(\'{"type":"RECORD"}\')'
SLEEP = "import time; time.sleep(60)"
LONG_ENOUGH = 60.0


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_the_peak_memory_of_a_program_is_its_own(tmp_path: Path) -> None:
    large, _ = run(python("bytearray(120_000_000)"), folder=tmp_path, variables={}, seconds=LONG_ENOUGH)
    small, _ = run(python(""), folder=tmp_path, variables={}, seconds=LONG_ENOUGH)
    assert large.peak_mb > 120 > small.peak_mb
    assert not large.stopped


def test_records_through_a_pipe_are_counted(tmp_path: Path) -> None:
    _, records = run(python(SEVEN_RECORDS), folder=tmp_path, variables={}, seconds=LONG_ENOUGH, to_file=False)
    assert records == 7


def test_output_that_is_kept_is_not_counted(tmp_path: Path) -> None:
    _, records = run(python(SEVEN_RECORDS), folder=tmp_path, variables={}, seconds=LONG_ENOUGH)
    assert records == 0
    assert (tmp_path / "out").read_bytes().count(b"RECORD") == 7


def test_a_program_that_fails_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ReaderFailed, match="out of ink"):
        run(python("raise SystemExit('out of ink')"), folder=tmp_path, variables={}, seconds=LONG_ENOUGH)


def test_a_program_whose_time_is_up_is_stopped(tmp_path: Path) -> None:
    cost, _ = run(python(SLEEP), folder=tmp_path, variables={}, seconds=0.5, may_time_out=True)
    assert cost.stopped


def test_a_program_that_had_to_be_stopped_has_failed_unless_that_was_planned(tmp_path: Path) -> None:
    with pytest.raises(ReaderFailed, match="not finished"):
        run(python(SLEEP), folder=tmp_path, variables={}, seconds=0.5)


def test_a_word_that_spans_two_reads_is_counted_once() -> None:
    class SmallReads(io.BytesIO):
        @override
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    assert count_in(SmallReads(b'{"RECORD"},{"RECORD"},{"RECORD'), b'"RECORD"') == 2
