"""The record of cases keeps what was tried, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from singer_rest_core.errors import RunInterrupted
from tests.proof.case_record import AS_PROMISED, FAILED, CaseRecord, keep, kept_sums, sums

if TYPE_CHECKING:
    from pathlib import Path


def test_cases_are_summed_up_by_tap_kind_and_outcome(tmp_path: Path) -> None:
    record, kept = CaseRecord(tmp_path / "new" / "cases.jsonl"), tmp_path / "kept.json"
    for seed in range(40):
        with record.case("tap-a", "moving", seed=seed):
            pass
    with record.case("tap-a", "moving", seed=7) as case:
        case.outcome = "cut short"

    keep(record, kept)
    with record.case("tap-a", "moving", seed=99):
        pass
    again = keep(record, kept)

    found = {(each.tap, each.kind, each.outcome): (each.cases, each.seeds) for each in kept_sums(kept)}
    assert found == {
        ("tap-a", "moving", AS_PROMISED): (
            41,
            ["0", "1", "2", "3", "4", "5", "35", "36", "37", "38", "39", "99"],
        ),
        ("tap-a", "moving", "cut short"): (1, ["7"]),
    }
    assert again == kept_sums(kept)
    assert list(record.cases()) == []


def test_a_case_that_fails_is_recorded_as_failed(tmp_path: Path) -> None:
    record = CaseRecord(tmp_path / "cases.jsonl")

    with pytest.raises(ZeroDivisionError), record.case("tap-a", "moving", seed=1):
        _ = 1 / 0

    assert [each.outcome for each in sums(record.cases())] == [FAILED]


@pytest.mark.parametrize("ended", [KeyboardInterrupt(), SystemExit(143), RunInterrupted(15)])
def test_a_case_that_is_ended_from_outside_says_nothing(tmp_path: Path, ended: BaseException) -> None:
    record = CaseRecord(tmp_path / "cases.jsonl")

    with pytest.raises(type(ended)), record.case("tap-a", "moving", seed=1):
        raise ended

    assert list(record.cases()) == []
