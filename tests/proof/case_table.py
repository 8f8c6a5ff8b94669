"""The table of cases in `docs/reliability.md`, made from the sums that are kept in `cases.json`.

python -m tests.proof.case_table          writes it
python -m tests.proof.case_table --check  fails if it is not current
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from tests.proof.case_record import kept_sums

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.proof.case_record import CaseSum

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- cases: written by python -m tests.proof.case_table -->\n", "<!-- /cases -->\n"
_MOST_SEEDS = 3


def table(sums: Iterable[CaseSum]) -> str:
    """Return the table.

    Args:
        sums: The cases by tap, kind and outcome.
    """
    by_kind: defaultdict[tuple[str, str], list[CaseSum]] = defaultdict(list)
    for each in sums:
        by_kind[each.kind, each.tap].append(each)
    lines = ["| kind | tap | cases | outcome | seeds | tried |", "| --- | --- | --- | --- | --- | --- |"]
    for (kind, tap), parts in sorted(by_kind.items()):
        cases = sum(part.cases for part in parts)
        outcomes = "; ".join(f"{part.cases:,} {part.outcome}" for part in parts)
        seeds = ", ".join(dict.fromkeys(seed for part in parts for seed in part.seeds[:_MOST_SEEDS]))
        first, last = min(part.first for part in parts), max(part.last for part in parts)
        tried = last if first == last else f"{first} to {last}"
        lines.append(f"| {kind} | {tap} | {cases:,} | {outcomes} | {seeds} | {tried} |")
    return "\n".join(lines) + "\n"


def with_table(text: str, sums: Iterable[CaseSum]) -> str:
    """Return the page with a table in place of the one between its two marks.

    Args:
        text: The page.
        sums: As in `table`.
    """
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{table(sums)}{_END}{after}"


def main() -> int:
    """Write the table, or compare it."""
    text = PAGE.read_text(encoding="utf-8")
    current = with_table(text, kept_sums())
    if "--check" in sys.argv:
        return int(text != current)
    PAGE.write_text(current, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
