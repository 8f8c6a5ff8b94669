"""`make demo`: what it prints, and that it leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from scripts.all_taps import unconnected_tap
from scripts.local_world import ROOT
from scripts.model_answers import QUESTIONS
from scripts.system_changes import CHANGES_BY_TAP
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]


def start(folder: Path) -> subprocess.Popen[str]:
    """Start the demo with its temporary files below a folder of ours."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.demo"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def left_behind(folder: Path) -> list[str]:
    """Return the files and processes that the demo has left behind."""
    left = [str(path) for path in folder.iterdir()]
    for process in psutil.process_iter():
        try:
            if process.environ().get("TMPDIR") == str(folder):
                left.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return left


@pytest.mark.usefixtures("meltano_world")
def test_the_demo_reads_only_changes_again_and_leaves_nothing_behind(tmp_path: Path) -> None:
    child = start(tmp_path)
    output, _ = child.communicate()

    assert child.returncode == 0, output
    first, second = output.split("Second run")
    productive = re.search(r"^tap-productive: ([\d,]+) rows in (\d+) tables with (\d+) requests$", first, re.MULTILINE)
    assert productive
    rows, tables, requests = (int(figure.replace(",", "")) for figure in productive.groups())
    assert rows > 6000
    assert tables == len(unconnected_tap(TapProductive).streams)
    assert tables <= requests < tables + 40, "a list of several pages is counted twice"
    for tap in CHANGES_BY_TAP:
        assert re.search(rf"^{tap}: [\d,]+ rows in \d+ tables with \d+ requests$", first, re.MULTILINE)
    for words in ("invoices 300,", "line_items 7", "fattura_vat_summary 1", "invoice_documents 30", "tax_rates 6"):
        assert words in first.replace("\n  ", " ")
    assert (
        "Every change has arrived. Of the incremental streams, only changes and the look-back were read again."
        in second
    )
    written = re.findall(r"^(tap-\S+) +\d+ +(\d+) +(\d+) +\d+  ([a-z_, ]+)$", second, re.MULTILINE)
    assert [tap for tap, *_ in written] == [*CHANGES_BY_TAP]
    assert all(int(rows_read) > int(rows_written) for _, rows_read, rows_written, _ in written)
    lists = {tap: names.split(", ") for tap, *_, names in written}
    assert "payments" in lists["tap-productive"]
    assert "expenses" not in lists["tap-productive"], "no expense has changed"
    assert lists["tap-2invoice"] == ["clients", "receipts"]
    model = second.split("The model over all systems: meltano run dbt:build\n")[1]
    passed = re.search(r"^done in \d+ s, (\d+) of (\d+) steps and tests passed", model, re.MULTILINE)
    assert passed
    assert passed[1] == passed[2]
    answered = [line for line in model.splitlines() if line.startswith("  ") and not line.startswith("   ")]
    assert [line.split("? ")[0].strip() + "?" for line in answered] == [question.words for question in QUESTIONS]
    assert all("nothing" not in line and re.search(r"\d", line) for line in answered)
    assert left_behind(tmp_path) == []


@pytest.mark.usefixtures("meltano_world")
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_demo_leaves_nothing_behind(tmp_path: Path, signum: int, code: int) -> None:
    child = start(tmp_path)
    assert child.stdout
    for line in child.stdout:
        if line.startswith("First run"):
            break
    # Stopped in the middle of the pipeline: as soon as the tap runs.
    while not any(
        "tap-productive" in " ".join(each.cmdline()) for each in psutil.Process(child.pid).children(recursive=True)
    ):
        assert child.poll() is None
    child.send_signal(signum)
    output, _ = child.communicate(timeout=30)

    assert child.returncode == code
    assert "Traceback" not in output
    assert left_behind(tmp_path) == []
