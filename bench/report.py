"""The tables of results and targets, for the terminal and for RESULTS.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Target:
    """A number that has to be reached.

    Args:
        name: Which number.
        required: What it must be, as text.
        measured: What it is, as text.
        met: Whether it is reached; None if it was not measured.
    """

    name: str
    required: str
    measured: str
    met: bool | None


@dataclass
class Section:
    """The results of one scenario.

    Args:
        title: One line.
        header: Names of the columns.
        rows: Their cells.
        notes: What a reader of the table has to know.
        targets: What has to be reached.
    """

    title: str
    header: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)


def at_least(name: str, value: float | None, minimum: float, *, unit: str = " times", digits: int = 1) -> Target:
    """Return the target of a number that must not be less than a minimum.

    Args:
        name: Which number.
        value: What was measured, or None.
        minimum: What it must at least be.
        unit: Of both, with a leading space.
        digits: After the decimal point.
    """
    required = number(minimum, 2).rstrip("0").rstrip(".")
    met = None if value is None else value >= minimum
    return Target(name, f"at least {required}{unit}", f"{number(value, digits)}{unit}", met)


def below(name: str, value: float | None, limit: float, *, unit: str, digits: int = 1) -> Target:
    """Return the target of a number that must stay below a limit.

    Args:
        name: Which number.
        value: What was measured, or None.
        limit: What it must be less than.
        unit: Of both, with a leading space.
        digits: After the decimal point.
    """
    met = None if value is None else value < limit
    return Target(name, f"below {limit:g}{unit}", f"{number(value, digits)}{unit}", met)


def number(value: float | None, digits: int = 0) -> str:
    """Return a number as text, with separators of thousands; a dash for None.

    Args:
        value: A number, or None.
        digits: After the decimal point.
    """
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(dividend: float, divisor: float) -> float | None:
    """Return a ratio, or None unless both numbers are positive.

    Args:
        dividend: A number.
        divisor: Another.
    """
    return dividend / divisor if dividend > 0 and divisor > 0 else None


def to_terminal(section: Section) -> str:
    """Return a section with aligned columns.

    Args:
        section: Results of a scenario.
    """
    parts = [section.title, "=" * len(section.title)]
    if section.rows:
        parts += _aligned([section.header, *section.rows])
    parts += [f"* {note}" for note in section.notes]
    if section.targets:
        parts += ["", *_aligned([_TARGET_HEADER, *map(_cells, section.targets)])]
    return "\n".join(parts) + "\n"


def to_markdown(sections: Sequence[Section], about: Sequence[str]) -> str:
    """Return the content of RESULTS.md.

    Args:
        sections: Results of all scenarios.
        about: Lines on when, where and with which versions they were measured.
    """
    parts = ["# Results", "", "Written by `make bench`; README.md says what is measured and how.", ""]
    parts += [f"- {line}" for line in about]
    targets = [target for section in sections for target in section.targets]
    parts += ["", "## Targets", "", *_markdown([_TARGET_HEADER, *map(_cells, targets)])]
    for section in sections:
        parts += ["", f"## {section.title}"]
        if section.rows:
            parts += ["", *_markdown([section.header, *section.rows])]
        if section.notes:
            parts += ["", *(f"- {note}" for note in section.notes)]
    return "\n".join(parts) + "\n"


_TARGET_HEADER = ("target", "required", "measured", "")


def _cells(target: Target) -> tuple[str, str, str, str]:
    verdict = {True: "met", False: "NOT MET", None: "not measured"}[target.met]
    return target.name, target.required, target.measured, verdict


def _aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    header, *rows = lines
    return [_line(line, widths) for line in (header, ["-" * width for width in widths], *rows)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (
        cell.rjust(width) if place and _is_number(cell) else cell.ljust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join([first, *rest]).rstrip()


def _is_number(cell: str) -> bool:
    return cell[:1].isdigit() or cell == "-"


def _markdown(lines: Sequence[Sequence[str]]) -> list[str]:
    header, *rows = lines
    rule = ["---", *("---:" if rows and _is_number(rows[0][place]) else "---" for place in range(1, len(header)))]
    return [f"| {' | '.join(line)} |" for line in (header, rule, *rows)]
