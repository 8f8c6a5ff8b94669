"""Which files have tests that depend on time, and processes that keep a machine busy."""

from __future__ import annotations

import ast
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

_PLACES = ("core/tests", "taps", "loaders", "orchestrate/tests", "sandbox/tests", "tests")
_MODULES = frozenset({"asyncio", "concurrent", "queue", "select", "signal", "threading", "time"})


def time_dependent() -> list[Path]:
    """Return the files of tests that import modules of clocks, threads or signals."""
    files = {path for place in _PLACES for path in (ROOT / place).rglob("test_*.py") if ".venv" not in path.parts}
    return sorted(path for path in files if depends_on_time(path.read_text(encoding="utf-8")))


def depends_on_time(source: str) -> bool:
    """Return whether a file of tests has some that depend on time.

    Args:
        source: Its content.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return not _MODULES.isdisjoint(name.partition(".")[0] for name in names)


@contextmanager
def busy_processes(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep as many processors busy as there are processes, while the block runs.

    Args:
        count: How many.

    Yields:
        The processes.
    """
    children = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield children
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.wait()
