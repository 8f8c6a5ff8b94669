"""`make steady` runs the tests that depend on time, and its busy processes end with it."""

from __future__ import annotations

import psutil

from tests.steady.time_dependent import ROOT, busy_processes, depends_on_time, time_dependent


def test_files_with_clocks_threads_or_signals_are_found() -> None:
    found = {str(path.relative_to(ROOT)) for path in time_dependent()}

    assert found >= {
        "core/tests/cli/test_signals.py",
        "core/tests/paging/test_prefetch.py",
        "tests/test_signals.py",
        "tests/test_connection_errors.py",
    }
    assert "core/tests/records/test_timestamps.py" not in found


def test_a_file_depends_on_time_if_it_imports_it() -> None:
    assert depends_on_time("from threading import Event")
    assert depends_on_time("import concurrent.futures")
    assert not depends_on_time("import datetime\nimport subprocess")


def test_busy_processes_end_with_the_block() -> None:
    with busy_processes(2) as children:
        running = [psutil.Process(child.pid) for child in children]
        assert len(running) == 2

    assert not any(each.is_running() for each in running)
