"""The record of the cases that were tried: a line of JSON for each, written while tests and soak run, and its sums.

    with record.case("tap-covage", MOVING_DATA, seed=17) as case:
        ...
        case.outcome = "one run was cut short"

appends `{"tap": "tap-covage", "kind": "moving data", "outcome": "one run was cut short", "seed": "17", "date": …}` to
the file that the variable PROOF_CASES names, by default `.proof/cases.jsonl`. A case that ends in an exception is
written as failed.

    python -m tests.proof.case_record          prints the sums
    python -m tests.proof.case_record --keep   adds them to the sums in `tests/proof/cases.json`, from which the
                                               documentation is generated, and empties the record
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_rest_core.errors import RunInterrupted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RECORD_VARIABLE = "PROOF_CASES"
_ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = Path(__file__).with_name("cases.json")
"""The sums that are kept in the repository."""

AS_PROMISED = "as promised"
FAILED = "failed"

MOVING_DATA = "moving data"
MOVING_DATA_LOADED = "moving data, loaded by both loaders"
CRASH_AND_RESUME = "crash and resume"
PROCESSES_KILLED = "processes killed"
MELTANO_KILLED = "Meltano run killed"
FULL_DISK = "disk of documents full"
LARGE_PAGES = "pages of many megabytes"
FAULTS = "faults of the API"
LASTING_FAILURES = "failures that last five runs"

_ENDED_FROM_OUTSIDE = (KeyboardInterrupt, SystemExit, RunInterrupted)
_MOST_SEEDS = 12
"""So many seeds of one kind are named; of more, the smallest and the largest ones."""


@dataclass
class Case:
    """A case that was tried.

    Args:
        tap: The name of the tap's distribution.
        kind: What was done to it, one of a few words that the documentation groups by.
        seed: With which the case can be run again.
        date: The day, `YYYY-MM-DD`.
        outcome: How it ended, in words; `AS_PROMISED` unless there is more to say.
    """

    tap: str
    kind: str
    seed: str
    date: str
    outcome: str = AS_PROMISED


@dataclass
class CaseSum:
    """The cases of one tap, kind and outcome.

    Args:
        tap: As in `Case`.
        kind: As in `Case`.
        outcome: As in `Case`.
        cases: How many were tried.
        seeds: Their seeds, sorted; of many, the first and the last.
        first: The first day.
        last: The last day.
    """

    tap: str
    kind: str
    outcome: str
    cases: int = 0
    seeds: list[str] = field(default_factory=list)
    first: str = "9999-12-31"
    last: str = ""

    def add(self, *, cases: int, seeds: Iterable[str], first: str, last: str) -> None:
        """Add cases."""
        self.cases += cases
        every = sorted({*self.seeds, *seeds}, key=lambda seed: (len(seed), seed))
        half = _MOST_SEEDS // 2
        self.seeds = every if len(every) <= _MOST_SEEDS else [*every[:half], *every[-half:]]
        self.first, self.last = min(self.first, first), max(self.last, last)


class CaseRecord:
    """Appends cases to a file, from any number of processes.

    Args:
        path: The file; what PROOF_CASES names by default, else `.proof/cases.jsonl`.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Write nothing yet."""
        self.path = path or Path(os.environ.get(RECORD_VARIABLE) or _ROOT / ".proof" / "cases.jsonl")

    @contextmanager
    def case(self, tap: str, kind: str, *, seed: object) -> Iterator[Case]:
        """Record a case once the block ends.

        Args:
            tap: The name of the tap's distribution.
            kind: What is done to it.
            seed: With which it can be run again; a text that names the case where nothing is drawn.

        Yields:
            The case, whose outcome the block may set. One that a person or a signal has ended says nothing.
        """
        case = Case(tap, kind, str(seed), datetime.now(UTC).date().isoformat())
        try:
            yield case
        except _ENDED_FROM_OUTSIDE:
            raise
        except BaseException:
            self.write(replace(case, outcome=FAILED))
            raise
        self.write(case)

    def write(self, case: Case) -> None:
        """Append a case; a line is written at once, so that those of several processes do not mix."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps(asdict(case), sort_keys=True) + "\n"
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def cases(self) -> Iterator[Case]:
        """Read what was written."""
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                yield Case(**json.loads(line))


def sums(cases: Iterable[Case], kept: Iterable[CaseSum] = ()) -> list[CaseSum]:
    """Sum cases up by tap, kind and outcome.

    Args:
        cases: New cases.
        kept: Sums to add them to.

    Returns:
        Sums, by kind, tap and outcome.
    """
    found: dict[tuple[str, str, str], CaseSum] = {}
    parts: defaultdict[tuple[str, str, str], list[CaseSum]] = defaultdict(list)
    for each in kept:
        parts[each.kind, each.tap, each.outcome].append(each)
    for case in cases:
        one = CaseSum(case.tap, case.kind, case.outcome, 1, [case.seed], case.date, case.date)
        parts[case.kind, case.tap, case.outcome].append(one)
    for (kind, tap, outcome), added in sorted(parts.items()):
        total = found.setdefault((kind, tap, outcome), CaseSum(tap, kind, outcome))
        for part in added:
            total.add(cases=part.cases, seeds=part.seeds, first=part.first, last=part.last)
    return list(found.values())


def kept_sums(path: Path = KEPT) -> list[CaseSum]:
    """Return the sums that are kept in the repository; none if there is no such file."""
    if not path.exists():
        return []
    held: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return [CaseSum(**each) for each in held]


def keep(record: CaseRecord, path: Path = KEPT) -> list[CaseSum]:
    """Add a record to the sums that are kept, and empty it.

    Args:
        record: New cases.
        path: Where the sums are kept.

    Returns:
        All sums.
    """
    every = sums(record.cases(), kept_sums(path))
    lines = ",\n".join(json.dumps(asdict(each)) for each in every)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    record.path.unlink(missing_ok=True)
    return every


if __name__ == "__main__":
    own = CaseRecord()
    for each in keep(own) if "--keep" in sys.argv else sums(own.cases()):
        sys.stdout.write(f"{each.kind:30} {each.tap:20} {each.cases:7,}  {each.outcome}\n")
