"""`meltano run` of a tap into PostgreSQL, of which something is killed while an answer of the API is held back."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import psutil

from scripts.local_world import ROOT
from tests.proof.left_behind import assert_without_secrets
from tests.proof.loaded import PostgresTables
from tests.proof.processes import loader_of_the_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.conftest import Pipeline
    from tests.hostile.middleman import Answer, Middleman
    from tests.proof.world import World

_PATIENCE = 120.0
"""Seconds after which a run that has not ended is stuck."""

_POLL = 0.03

_STILL = 1.0
"""Seconds in which nothing more is committed."""

_COMMITTED_WITHIN = 60.0
"""Seconds until rows are in a table, after the loader has started."""

_LOADER = str(loader_of_the_project()["executable"])

_COMMANDS = ROOT / "tests" / "meltano_commands.py"


@dataclass(frozen=True)
class Processes:
    """The processes of one `meltano run`.

    Args:
        meltano: Meltano, the leader of their process group.
        tap: The tap.
        loader: The loader.
    """

    meltano: psutil.Process
    tap: psutil.Process
    loader: psutil.Process

    def send_to_all(self, signum: int) -> None:
        """Signal the process group, as a terminal does, or end it as a machine does that loses its power."""
        os.killpg(self.meltano.pid, signum)


@dataclass(frozen=True)
class Strike:
    """What happens to a run.

    Args:
        strike: Does it.
        leaves_a_lock: Whether Meltano refuses the next run for five minutes unless it is forced.
    """

    strike: Callable[[Processes], None]
    leaves_a_lock: bool = False


STRIKES: Mapping[str, Strike] = {
    "SIGKILL to the tap": Strike(lambda running: running.tap.kill()),
    "SIGTERM to the tap": Strike(lambda running: running.tap.terminate()),
    "SIGKILL to the loader": Strike(lambda running: running.loader.kill()),
    "SIGTERM to the loader": Strike(lambda running: running.loader.terminate()),
    "SIGKILL to Meltano": Strike(lambda running: running.meltano.kill(), leaves_a_lock=True),
    "SIGTERM to Meltano": Strike(lambda running: running.meltano.terminate()),
    "SIGINT to all": Strike(lambda running: running.send_to_all(signal.SIGINT)),
    "SIGKILL to all": Strike(lambda running: running.send_to_all(signal.SIGKILL), leaves_a_lock=True),
}


@dataclass(frozen=True)
class Struck:
    """How a run ended to which something happened.

    Args:
        code: Meltano's exit code.
        output: What it printed.
        committed: The keys in each table before it, all of which Meltano had a STATE of but for those of a page.
    """

    code: int
    output: str
    committed: Mapping[str, set[str]]


class HeldAnswer:
    """Keeps one answer back until it is released.

    Args:
        path: A glob over the paths of requests.
        number: Which of them is answered late, from 1.
    """

    def __init__(self, path: str, number: int) -> None:
        """Hold nothing, and count nothing, until `counts` is set."""
        self._path = path
        self._left = number
        self.counts = False
        self.reached = threading.Event()
        self.released = threading.Event()

    def __call__(self, answer: Answer) -> None:
        """Look at an answer before it is sent."""
        if self.counts and fnmatchcase(answer.path.partition("?")[0], self._path):
            self._left -= 1
            if self._left == 0:
                self.reached.set()
                self.released.wait(_PATIENCE)


@dataclass
class MeltanoRuns:
    """The runs of one tap into an own database, with an own state, one after the other.

    Args:
        world: The source.
        pipeline: Meltano's environment.
        between: What the requests go through.
        folder: Where Meltano's system database is.
        settings: Variables beside those.
    """

    world: World
    pipeline: Pipeline
    between: Middleman
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Select the streams of the world, and give the tap its settings by variables."""
        facts = self.world.facts
        prefix = facts.name.upper().replace("-", "_")
        settings = {f"{prefix}_{name.upper()}": str(value) for name, value in facts.settings.items()}
        selection = json.dumps([f"{stream}.*" for stream in facts.sources])
        self.pipeline.tap = facts.name
        self.pipeline.environment = {
            **self.pipeline.environment,
            "SANDBOX_URL": self.between.url,
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "proof",
            f"{prefix}__SELECT": selection,
            **settings,
            **self.settings,
        }

    @property
    def tables(self) -> PostgresTables:
        """What was loaded."""
        return PostgresTables(self.pipeline.database_url)

    def committed(self) -> dict[str, set[str]]:
        """Return the keys in each table."""
        return {stream: self.tables.keys(stream, source.key) for stream, source in self.world.facts.sources.items()}

    def run_until(
        self, stream: str, number: int, strike: Callable[[Processes], None], *, mend: Callable[[], None] = lambda: None
    ) -> Struck:
        """Run, and strike while an answer is held back and all before it is committed; wait until all have ended.

        Args:
            stream: Of which an answer is held back.
            number: Which one, from 1.
            strike: What happens to the processes.
            mend: Brings back what they need.

        Returns:
            How it ended.
        """
        held = self.between.change = HeldAnswer(self.world.facts.paths[stream], number)
        child = self.pipeline.start("run", self.pipeline.tap, "target-postgres")
        try:
            running = self._processes(child)
            held.counts = True
            assert held.reached.wait(_PATIENCE), "what should be held back was never requested"
            committed = self._wait_for_rows()
            strike(running)
            held.released.set()
            output, _ = child.communicate(timeout=_PATIENCE)
            # What Meltano leaves behind ends by itself, soon.
            _, alive = psutil.wait_procs([running.tap, running.loader], timeout=_PATIENCE)
            assert alive == [], output
        finally:
            held.released.set()
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.communicate()
            mend()
        self._assert_without_secrets(output)
        return Struck(child.returncode, output, committed)

    def run(self, *options: str, times: int = 1) -> None:
        """Run to the end, once or several times, in one process of Meltano; each run must succeed.

        Args:
            options: Options of `meltano run`.
            times: How often.
        """
        commands = [["run", *options, self.pipeline.tap, "target-postgres"]] * times
        done = subprocess.run(
            [sys.executable, str(_COMMANDS)],
            cwd=ROOT,
            env={**self.pipeline.environment, "PYTHONPATH": str(ROOT)},
            input=json.dumps(commands),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self._assert_without_secrets(done.stdout)
        for number, result in enumerate(json.loads(done.stdout)):
            assert result["code"] == 0, f"run {number} after it: {result['stdout'][-2000:]}{result['log'][-3000:]}"

    def _assert_without_secrets(self, output: str) -> None:
        """Check that neither Meltano's output, its files, its logs and its system database nor the tables hold one."""
        texts = {"what was printed": output, "the tables": self.tables.texts()}
        folders = [self.folder, *(ROOT / ".meltano" / name for name in ("run", "logs"))]
        assert_without_secrets(self.world.facts.name, texts, *folders)

    def _wait_for_rows(self) -> dict[str, set[str]]:
        """Wait until rows are committed and no more come, nor STATEs of them to Meltano; return their keys."""
        until = time.monotonic() + _COMMITTED_WITHIN
        before: dict[str, set[str]] = {}
        state = ""
        while True:
            committed, kept = self.committed(), self._kept_state()
            if any(committed.values()) and kept and (committed, kept) == (before, state):
                return committed
            assert time.monotonic() < until, f"nothing was committed: {committed}"
            before, state = committed, kept
            time.sleep(_STILL)

    def _kept_state(self) -> str:
        """Return the state that Meltano's system database holds, as text."""
        with closing(sqlite3.connect(self.folder / "meltano.db")) as database:
            return str(database.execute("select partial_state, completed_state from state").fetchall() or "")

    def _processes(self, child: subprocess.Popen[str]) -> Processes:
        """Wait for the processes that Meltano starts; a tap without a loader is asked for its catalog alone."""
        meltano, until = psutil.Process(child.pid), time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            programs = {part: each for each in meltano.children(recursive=True) for part in _command(each)[:2]}
            by_name = {program.rpartition("/")[2]: each for program, each in programs.items()}
            if by_name.keys() >= {self.pipeline.tap, _LOADER}:
                return Processes(meltano, by_name[self.pipeline.tap], by_name[_LOADER])
            assert child.poll() is None, child.communicate()[0]
            time.sleep(_POLL)
        raise AssertionError("Meltano has not started tap and loader")


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []
