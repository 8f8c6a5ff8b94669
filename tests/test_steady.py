"""`make steady` runs the tests that depend on time, and its busy processes end with it."""

from __future__ import annotations

import psutil

from tests.steady.time_dependent import busy_processes, time_dependent, time_dependent_in


def test_tests_with_clocks_threads_or_signals_are_found() -> None:
    found = {name.partition("::")[0] for name in time_dependent()}

    assert found >= {
        "core/tests/cli/test_signals.py",
        "core/tests/paging/test_prefetch.py",
        "tests/test_signals.py",
        "tests/test_connection_errors.py",
    }
    assert "core/tests/records/test_timestamps.py" not in found


_SOURCE = """
import datetime
import time as t
from threading import Event

_PATIENCE = t.monotonic() + 5

def _wait(): Event().wait(_PATIENCE)

@pytest.fixture
def slow(): _wait()

class _Loader:
    def write(self): t.sleep(1)

def test_by_itself(): t.sleep(1)
def test_by_a_function(): _wait()
def test_by_a_fixture(slow): pass
@pytest.mark.usefixtures("slow")
def test_by_a_mark(): pass
def test_by_a_class(): _Loader()
def test_of_dates(): datetime.date.today()
"""


def test_a_test_depends_on_time_if_it_uses_it_in_any_way() -> None:
    ways = ["itself", "a_function", "a_fixture", "a_mark", "a_class"]
    assert time_dependent_in(_SOURCE) == [f"test_by_{way}" for way in ways]
    assert time_dependent_in("import datetime\ndef test_it(): datetime.time(1)") == []


def test_busy_processes_end_with_the_block() -> None:
    with busy_processes(2) as children:
        running = [psutil.Process(child.pid) for child in children]
        assert len(running) == 2

    assert not any(each.is_running() for each in running)
