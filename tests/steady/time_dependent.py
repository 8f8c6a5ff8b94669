"""Which tests depend on time, and processes that keep a machine busy."""

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


def time_dependent() -> list[str]:
    """Return the tests that use modules of clocks, threads or signals, as pytest names them."""
    files = {path for place in _PLACES for path in (ROOT / place).rglob("test_*.py") if ".venv" not in path.parts}
    return [
        f"{path.relative_to(ROOT)}::{name}"
        for path in sorted(files)
        for name in time_dependent_in(path.read_text(encoding="utf-8"))
    ]


def time_dependent_in(source: str) -> list[str]:
    """Return the tests of a file that use such a module, themselves or by what else the file defines.

    Args:
        source: Its content.
    """
    tree = ast.parse(source)
    of_time = {name for node in ast.walk(tree) for name in _names_of_time(node)}
    uses = {name: _used(node) for node in tree.body for name in _defined(node)}
    found = set(of_time)
    while more := {name for name, used in uses.items() if name not in found and not used.isdisjoint(found)}:
        found |= more
    return [name for name in uses if name.startswith("test_") and name in found]


def _names_of_time(node: ast.AST) -> list[str]:
    """Return the names that an import of such a module gives a file."""
    if isinstance(node, ast.Import):
        names = [(alias.name, alias.asname or alias.name.partition(".")[0]) for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [(node.module or "", alias.asname or alias.name) for alias in node.names]
    else:
        return []
    return [name for module, name in names if module.partition(".")[0] in _MODULES]


def _defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement of a file defines."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _used(node: ast.stmt) -> set[str]:
    """Return the names that a statement uses: also as a fixture, which is an argument or named in a mark."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    names |= {each.arg for each in ast.walk(node) if isinstance(each, ast.arg)}
    return names | {
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


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
