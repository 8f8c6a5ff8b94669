"""The tables, in the terminal and in RESULTS.md."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environments import PEERS, ROOT, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

_OWN = ("singer-sdk", "singer-rest-core", "tap-productive", "msgspec", "requests", "meltano")


@dataclass(frozen=True)
class Target:
    """What the work must reach.

    Args:
        what: Of which number.
        wanted: In words.
        reached: In words.
        met: Whether it is; None if it was not measured.
    """

    what: str
    wanted: str
    reached: str
    met: bool | None


@dataclass
class Section:
    """What one scenario found.

    Args:
        title: One line.
        header: Names of the columns.
        rows: Their cells.
        notes: What a reader of the table has to know.
        targets: What it must reach.
    """

    title: str
    header: Sequence[str] = ()
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)


def at_least(what: str, value: float | None, bound: float, *, unit: str = " times", digits: int = 1) -> Target:
    """Hold a number against what it must at least be.

    Args:
        what: Of which number.
        value: What was measured, if it was.
        bound: What it must be.
        unit: Of both.
        digits: Behind the point.
    """
    reached, wanted = number(value, digits), number(bound, 2).rstrip("0").rstrip(".")
    return Target(what, f"at least {wanted}{unit}", f"{reached}{unit}", None if value is None else value >= bound)


def below(what: str, value: float | None, bound: float, *, unit: str, digits: int = 1) -> Target:
    """Hold a number against what it must stay below.

    Args:
        what: Of which number.
        value: What was measured, if it was.
        bound: What it must stay below.
        unit: Of both.
        digits: Behind the point.
    """
    return Target(
        what, f"below {bound:g}{unit}", f"{number(value, digits)}{unit}", None if value is None else value < bound
    )


def number(value: float | None, digits: int = 0) -> str:
    """Write a number for people.

    Args:
        value: It, or None where there is none.
        digits: Behind the point.
    """
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(one: float, other: float) -> float | None:
    """Divide, where that says something.

    Args:
        one: Dividend.
        other: Divisor.
    """
    return one / other if one > 0 and other > 0 else None


def in_terminal(section: Section) -> str:
    """Write a section with aligned columns.

    Args:
        section: What was found.
    """
    parts = [section.title, "=" * len(section.title)]
    if section.rows:
        parts += _aligned([section.header, *section.rows])
    parts += [f"* {note}" for note in section.notes]
    if section.targets:
        parts += ["", *_aligned([_TARGET_HEADER, *map(_cells, section.targets)])]
    return "\n".join(parts) + "\n"


def in_markdown(sections: Sequence[Section], about: Sequence[str]) -> str:
    """Write all sections as RESULTS.md.

    Args:
        sections: What was found.
        about: On what, when and with what.
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


_TARGET_HEADER = ("target", "wanted", "measured", "")


def _cells(target: Target) -> tuple[str, str, str, str]:
    verdict = {True: "met", False: "NOT MET", None: "not measured"}[target.met]
    return target.what, target.wanted, target.reached, verdict


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


def about_this_run(rounds: int) -> list[str]:
    """Say on what machine, when and with which versions; to be asked before anything is measured.

    Args:
        rounds: How many there are.
    """
    load = f"load before the start {os.getloadavg()[0]:.1f}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    peers = [f"{path.parent.name}: {versions(path.parent.name)}" for path in sorted(PEERS.glob("*/requirements.txt"))]
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {rounds} rounds in turn, medians",
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB of memory; {load}",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"commit {_commit()}",
        "ours: " + ", ".join(f"{name} {version(name)}" for name in _OWN),
        *peers,
    ]


def _commit() -> str:
    """The commit that is measured, and whether files differ from it."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty=, with uncommitted changes"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return answer.stdout.strip() or "unknown"


def digest_of_sources() -> str:
    """What the measured code is: changes with every file of core, taps, sandbox and bench that a run executes."""
    digest = hashlib.sha256()
    for folder in ("bench", "core", "sandbox", "taps"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in path.parts:
                digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
