"""Log lines: with the name of their stream, and none from threads at shutdown."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

from singer_rest_core.cli.log_lines import StreamNameFilter

if TYPE_CHECKING:
    import pytest

_LATE_THREAD = """
import atexit, logging, threading
from singer_rest_core.cli.log_lines import silence_threads_at_exit

logging.basicConfig(format="%(message)s")
exiting, done = threading.Event(), threading.Event()

def log_late():
    exiting.wait()
    logging.warning("from a thread")
    done.set()

def at_exit():
    exiting.set()
    done.wait(0.5)
    logging.warning("from the main thread")

atexit.register(at_exit)
threading.Thread(target=log_late, daemon=True).start()
"""


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)


def test_a_line_names_its_stream_once(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tap-x.invoices")
    for _ in range(2):
        logger.addFilter(StreamNameFilter("invoices"))

    logger.warning("page %d is missing", 3)

    assert [record.getMessage() for record in caplog.records] == ["invoices: page 3 is missing"]


def test_a_daemon_thread_logs_nothing_while_the_interpreter_shuts_down() -> None:
    assert "from a thread" in _run(_LATE_THREAD).stderr

    assert _run(f"{_LATE_THREAD}silence_threads_at_exit()\n").stderr == "from the main thread\n"
