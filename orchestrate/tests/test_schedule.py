"""`orchestrate schedule`: loads at the times of a cron expression."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from invoicing_orchestrate.command import main
from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEGIN = datetime(2026, 11, 28, 1, 30, tzinfo=UTC)
NIGHTLY = "0 2 * * *"
STOPPED = 128 + signal.SIGTERM
ALONE = " in a session of its own"
"""A load in the schedule's session would get a terminal's Ctrl-C twice, and end without its state."""

# The schedule in a process of its own, so that it can be sent signals. Its loads are programs that write down what they
# get; a first one that waits ends only by a signal.
PROGRAM = """
import sys
from datetime import UTC, datetime
from functools import partial
from invoicing_orchestrate.schedule import Schedule, Signals, run_command

LOAD = '''
import os, pathlib, signal, sys
name, log, waits = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] == "waits"
def note(text):
    with log.open("a") as file:
        file.write(f"{name} {text}\\\\n")
def end(signum, _frame):
    note(f"got {signal.Signals(signum).name}")
    sys.exit(1)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
note("begins" + (" in a session of its own" if os.getsid(0) == os.getpid() else ""))
if waits:
    print("a load waits", flush=True)
    while True:
        signal.pause()
'''
log, first = sys.argv[1:]
with Signals() as signals:
    loads = [
        partial(run_command, [sys.executable, "-c", LOAD, name, log, waits], signals.wait)
        for name, waits in (("first", first), ("second", "ends"))
    ]
    say = lambda line: print(line, flush=True)
    code = Schedule("0 2 29 2 *", loads, say, lambda: datetime.now(UTC), signals.wait).run(at_once=True)
sys.exit(code)
"""


@dataclass
class World:
    """Time that passes when one waits for it, and a signal at its end.

    Args:
        end: When the signal comes.
        zone: The time zone in which the time is told.
    """

    end: datetime
    zone: timezone = UTC
    time: datetime = BEGIN
    said: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)

    def wait(self, seconds: float) -> int | None:
        """Let time pass."""
        self.time = min(self.time + timedelta(seconds=seconds), self.end)
        return signal.SIGTERM if self.time == self.end else None

    def load(self, name: str, *, takes: timedelta = timedelta(), signum: int | None = None) -> Callable[[], int | None]:
        """Return a load that takes some time, and gets a signal if there is one."""

        def run() -> int | None:
            self.ran.append(f"{name} {self.time:%d %H:%M}")
            self.time += takes
            return signum

        return run

    def schedule(self, times: str, *loads: Callable[[], int | None]) -> Schedule:
        """Return a schedule in this world."""
        return Schedule(times, loads, self.said.append, lambda: self.time.astimezone(self.zone), self.wait)


def test_loads_run_at_each_time_one_after_the_other() -> None:
    world = World(end=BEGIN + timedelta(days=2))
    schedule = world.schedule(NIGHTLY, world.load("a", takes=timedelta(minutes=20)), world.load("b"))

    assert schedule.run(at_once=False) == STOPPED
    assert world.ran == ["a 28 02:00", "b 28 02:20", "a 29 02:00", "b 29 02:20"]
    assert world.said == [f"The next run is due at 2026-11-{day} 02:00 UTC" for day in (28, 29, 30)]


def test_loads_run_at_once_if_that_is_wanted() -> None:
    world = World(end=BEGIN + timedelta(hours=1))
    assert world.schedule(NIGHTLY, world.load("a")).run(at_once=True) == STOPPED
    assert world.ran == ["a 28 01:30", "a 28 02:00"]


def test_times_that_pass_while_a_load_runs_are_not_made_up_for() -> None:
    world = World(end=BEGIN + timedelta(hours=8))
    assert (
        world.schedule("0 * * * *", world.load("a", takes=timedelta(hours=2, minutes=30))).run(at_once=False) == STOPPED
    )
    assert world.ran == ["a 28 02:00", "a 28 05:00", "a 28 08:00"]


def test_times_are_utc_wherever_the_machine_is() -> None:
    world = World(end=BEGIN + timedelta(hours=1), zone=timezone(timedelta(hours=2)))
    assert world.schedule(NIGHTLY, world.load("a")).run(at_once=False) == STOPPED
    assert world.ran == ["a 28 02:00"]


def test_a_machine_that_slept_runs_what_is_due_when_it_wakes() -> None:
    world = World(end=BEGIN + timedelta(days=1))
    schedule = world.schedule(NIGHTLY, world.load("a"))
    waits: list[float] = []

    def sleeping(seconds: float) -> int | None:
        waits.append(seconds)
        # Seconds of waiting do not count while a machine sleeps, but its clock goes on.
        return world.wait(seconds + 3 * 3600)

    Schedule(schedule.times, schedule.loads, schedule.say, schedule.now, sleeping).run(at_once=False)
    assert world.ran[0] == "a 28 04:31"
    assert max(waits) <= 60


def test_after_a_signal_no_other_load_begins() -> None:
    world = World(end=BEGIN + timedelta(days=1))
    loads = (world.load("a", signum=signal.SIGINT), world.load("b"))
    assert world.schedule(NIGHTLY, *loads).run(at_once=True) == 128 + signal.SIGINT
    assert world.ran == ["a 28 01:30"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("first", "sent_after", "noted"),
    [
        ("ends", "The next run is due at", ["first begins{0}", "second begins{0}"]),
        ("waits", "a load waits", ["first begins{0}", "first got {1}"]),
    ],
)
def test_a_signal_ends_the_wait_or_goes_to_the_load_that_runs(
    tmp_path: Path, first: str, sent_after: str, noted: list[str], signum: signal.Signals
) -> None:
    log = tmp_path / "log"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(log), first], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        assert child.stdout.readline().startswith(sent_after)
        child.send_signal(signum)
        assert child.wait(60) == 128 + signum
    assert log.read_text(encoding="utf-8").splitlines() == [line.format(ALONE, signum.name) for line in noted]


@pytest.mark.parametrize(
    ("times", "reason"),
    [
        ("61 * * * *", "is not a cron expression of five fields"),
        ("daily", "is not a cron expression of five fields"),
        ("* * * *", "is not a cron expression of five fields"),
        ("0 0 2 * * *", "is not a cron expression of five fields"),
        ("0 0 30 2 *", "never occurs: no month that it names has such a day"),
    ],
)
def test_times_that_cannot_be_read_are_refused_before_anything_runs(times: str, reason: str) -> None:
    world = World(end=BEGIN)
    with pytest.raises(ProjectError, match=reason):
        world.schedule(times, world.load("a"))


@pytest.mark.parametrize("now", [[], ["--now"]])
def test_a_name_that_cannot_be_loaded_is_refused_before_the_first_time(
    tap_project: Path, monkeypatch: pytest.MonkeyPatch, now: list[str]
) -> None:
    monkeypatch.chdir(tap_project)
    result = CliRunner().invoke(main, ["schedule", *now, NIGHTLY, "tap-x", "tap-y"])
    expected = "Error: There is neither a tap nor an account tap-y in this project (did you mean tap-x?)\n"
    assert (result.exit_code, result.output) == (1, expected)


def test_the_command_refuses_them_in_one_line() -> None:
    result = CliRunner().invoke(main, ["schedule", "--now", "61 * * * *", "tap-invobi"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: '61 * * * *' is not a cron expression of five fields")
    assert result.output.count("\n") == 1
