"""`orchestrate health`: whether the last runs went well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from invoicing_orchestrate import runs_file
from invoicing_orchestrate.command import main
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.health import health
from invoicing_orchestrate.record import RunRecord

if TYPE_CHECKING:
    from pathlib import Path

ENDED = datetime(2026, 11, 28, 2, 10, tzinfo=UTC)
NOW = ENDED + timedelta(hours=7)
GOOD = RunRecord(
    run_id="01a2217a-8791-7fa8-8312-e4e85fcfc4da",
    tap="tap-invobi",
    loader="target-postgres",
    account="default",
    started=ENDED - timedelta(minutes=5),
    ended=ENDED,
    result="succeeded",
    exit_code=0,
    error=None,
    rows_read=1_250,
    rows_written=1_250,
    rows_deleted=0,
    requests=12,
    skipped_streams={},
    failed_streams={},
)
FAILED = replace(GOOD, result="failed", exit_code=1, error="GET /invoices answered 401")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of records."""
    return tmp_path / "runs.jsonl"


def judged(
    path: Path, *records: RunRecord, taps: tuple[str, ...] = (), max_age: float | None = None
) -> dict[str, bool]:
    """Add records to the file; return what is said of the last runs, and whether they were good."""
    for record in records:
        runs_file.append(path, record)
    age = None if max_age is None else timedelta(hours=max_age)
    return {each.line: each.is_good for each in health(path, taps, NOW, age)}


def test_the_last_run_counts_whatever_was_before(path: Path) -> None:
    assert judged(path) == {"No run has ended yet": True}
    assert judged(path, max_age=36) == {"No run has ended yet": False}
    assert judged(path, FAILED) == {
        "tap-invobi failed at 2026-11-28 02:10 UTC: GET /invoices answered 401": False,
    }
    assert judged(path, GOOD) == {"tap-invobi succeeded at 2026-11-28 02:10 UTC": True}
    assert list(judged(path, replace(FAILED, result="interrupted", error=None)).items()) == [
        ("tap-invobi interrupted at 2026-11-28 02:10 UTC: no reason is known", False)
    ]


def test_each_tap_and_account_has_a_last_run(path: Path) -> None:
    other = replace(GOOD, tap="tap-covage")
    second = replace(FAILED, account="Acme")

    assert list(judged(path, FAILED, second, other, GOOD).values()) == [False, True, True]
    assert list(judged(path, taps=("tap-covage",)).values()) == [True]
    taps = ("tap-productive", "tap-covage")
    lines = ["tap-covage succeeded at 2026-11-28 02:10 UTC", "No run of tap-productive has ended yet"]
    assert judged(path, taps=taps) == dict.fromkeys(lines, True)
    assert list(judged(path, taps=taps, max_age=36).items()) == list(zip(lines, [True, False], strict=True))


def test_a_tap_that_the_project_does_not_know_is_refused_unless_it_has_run(
    path: Path, tap_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tap_project)
    runs_file.append(path, GOOD)
    for more in ([], [f"--runs-file={path}"]):
        result = CliRunner().invoke(main, ["health", "tap-y", *more])
        expected = "Error: There is no tap tap-y in this project (did you mean tap-x?)\n"
        assert (result.exit_code, result.output) == (1, expected)
    known = CliRunner().invoke(main, ["health", "tap-x", "tap-invobi", f"--runs-file={path}"])
    assert (known.exit_code, known.output.splitlines()[1]) == (0, "No run of tap-x has ended yet")
    late = CliRunner().invoke(main, ["health", "tap-x", "--max-age=36"])
    assert (late.exit_code, late.output) == (1, "No run of tap-x has ended yet\n")


def test_without_a_project_any_tap_may_be_one(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["health", "tap-y", f"--runs-file={path}"])
    assert (result.exit_code, result.output) == (0, "No run of tap-y has ended yet\n")


@pytest.mark.parametrize(("max_age", "is_good"), [(None, True), (7, True), (6.9, False)])
def test_a_run_that_is_too_long_ago_is_not_good(path: Path, max_age: float | None, *, is_good: bool) -> None:
    ((line, found),) = judged(path, GOOD, max_age=max_age).items()
    assert found is is_good
    assert is_good or line.endswith(", 7 h 0 min ago: a run was due within 6 h 54 min")


def test_a_line_that_a_crash_cut_off_hides_no_other(path: Path) -> None:
    judged(path, FAILED)
    with path.open("a", encoding="utf-8") as file:
        file.write('{"tap": "tap-inv')
    assert list(judged(path).values()) == [False]
    assert list(judged(path, GOOD).values()) == [True]


@pytest.mark.parametrize(
    "content", ["{}", "[1]", "3", "text", '{"tap": "x", "account": "y", "result": "z", "ended": 5}']
)
def test_a_file_of_something_else_is_refused(path: Path, content: str) -> None:
    path.write_text(f"{content}\n", encoding="utf-8")
    with pytest.raises(ProjectError, match=r"runs\.jsonl holds no records of runs: name the right one"):
        judged(path)


def test_a_file_that_cannot_be_read_is_named(path: Path) -> None:
    path.mkdir()
    with pytest.raises(ProjectError, match=r"The records in .*runs\.jsonl cannot be read: .*Is a directory"):
        judged(path)


@pytest.mark.parametrize(
    ("records", "arguments", "code", "said"),
    [
        ([], [], 0, "No run has ended yet"),
        ([GOOD], [], 0, "tap-invobi succeeded at 2026-11-28 02:10 UTC"),
        ([GOOD, replace(FAILED, tap="tap-covage")], [], 1, "tap-covage failed at 2026-11-28 02:10 UTC: GET /invoices"),
        ([GOOD, replace(FAILED, tap="tap-covage")], ["tap-invobi"], 0, "tap-invobi succeeded"),
        ([replace(GOOD, ended=ENDED - timedelta(days=9_000))], ["--max-age=36"], 1, "a run was due within 36 h 0 min"),
        ([], ["--max-age=36"], 1, "No run has ended yet"),
        ([GOOD], ["--max-age=0"], 2, "'0' is not a number of hours, more than 0"),
        ([GOOD], ["--max-age=x"], 2, "'x' is not a number of hours, more than 0"),
        ([GOOD], ["--max-age=nan"], 2, "'nan' is not a number of hours, more than 0"),
        ([GOOD], ["--max-age=1e300"], 2, "is not a number of hours, more than 0 and 100,000,000 at most"),
    ],
)
def test_the_command_answers_with_its_exit_code(
    path: Path, records: list[RunRecord], arguments: list[str], code: int, said: str
) -> None:
    judged(path, *records)
    result = CliRunner().invoke(main, ["health", f"--runs-file={path}", *arguments])
    assert (result.exit_code, said in result.output) == (code, True), result.output
