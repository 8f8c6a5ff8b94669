"""`tap | loader` as processes that are killed, with the state that the loader passed on, as Meltano keeps it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import yaml

from conftest import discover, write
from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from tests.proof.left_behind import assert_without_secrets
from tests.proof.loaded import PostgresTables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.proof.world import World

_PATIENCE = 300.0
"""Seconds after which a pipe that has not ended is stuck."""

_POLL = 0.02

HELD_MS = 700
"""How long the answer takes during which a process is killed."""


def loader_of_the_project() -> dict[str, Any]:
    """Return the loader that meltano.yml names for PostgreSQL, as it stands there."""
    content = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    loader: dict[str, Any] = next(each for each in content["plugins"]["loaders"] if "postgres" in each["name"])
    return loader


KEPT_LOADER = "target-postgres"
"""The program of meltanolabs-target-postgres itself, on which the project's loader builds."""

NEEDED_BY_THE_KEPT_LOADER = {
    "stream_maps": {
        stream: {"record_version": "version", "version": "__NULL__"}
        for stream in ("company", "webhook", "webhookhistory")
    }
}
"""It fails to mark rows as deleted in a table with a column `version`."""


def installed_by_meltano(name: str = "") -> Path:
    """Return a program in the environment that Meltano made for the project's loader.

    Args:
        name: The program; the loader itself by default.
    """
    plugin = loader_of_the_project()
    place = ROOT / ".meltano" / "loaders" / str(plugin["name"]) / "venv" / "bin"
    return place / (name or str(plugin.get("executable", plugin["name"])))


class PostgresLoader(PostgresTables):
    """A loader for PostgreSQL, with a database of its own.

    Args:
        database_url: PostgreSQL.
        folder: For its settings.
        more: Settings beside those in meltano.yml.
        program: The loader's program; by default the one that meltano.yml names.
    """

    def __init__(
        self, database_url: str, folder: Path, more: Mapping[str, Any] | None = None, *, program: Path | None = None
    ) -> None:
        """Write its settings."""
        super().__init__(database_url)
        plugin = loader_of_the_project()
        url = database_url.replace("postgresql://", "postgresql+psycopg://")
        program = program or installed_by_meltano()
        needed = NEEDED_BY_THE_KEPT_LOADER if program.name == KEPT_LOADER else {}
        settings = {
            **plugin["config"],
            "sqlalchemy_url": url,
            "default_target_schema": "proof",
            **needed,
            **(more or {}),
        }
        self.command = [str(program), "--config", write(folder / "loader.json", settings)]
        # target-postgres shifts instants by the zone of its session.
        self.environment = {"PGTZ": "UTC"} if program.name == KEPT_LOADER else dict(plugin.get("env", {}))


class JsonLinesLoader:
    """target-jsonl, which appends every record to a file.

    Args:
        folder: Where its files are.
    """

    marks_deleted = False

    def __init__(self, folder: Path) -> None:
        """Write its settings."""
        self._folder = folder / "jsonl"
        self._folder.mkdir()
        program = ROOT / ".meltano" / "loaders" / "target-jsonl" / "venv" / "bin" / "target-jsonl"
        settings = {"destination_path": str(self._folder), "do_timestamp_file": False}
        self.command = [str(program), "--config", write(folder / "loader.json", settings)]
        self.environment: dict[str, str] = {}

    def live(self, table: str) -> list[dict[str, Any]]:
        """Return every record that was appended; a line that a kill has cut short is left out."""
        path = self._folder / f"{table}.jsonl"
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        return [row for line in lines if (row := _row(line)) is not None]


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return row


@dataclass
class Ended:
    """How a pipe ended.

    Args:
        codes: The exit codes of tap and loader.
        log: What the tap logged.
        loader_log: What the loader logged.
        states: The STATEs that the loader passed on.
    """

    codes: tuple[int, int]
    log: str
    loader_log: str
    states: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Pipe:
    """A tap into a loader.

    Args:
        world: The source.
        loader: Where it goes.
        folder: For files of settings, state and catalog.
        settings: More settings of the tap.
    """

    world: World
    loader: PostgresLoader | JsonLinesLoader
    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)

    def run(
        self,
        at_request: int | None = None,
        strike: Callable[[Running], None] | None = None,
        *,
        mend: Callable[[], None] = lambda: None,
    ) -> Ended:
        """Run it to its end, whatever that is.

        Args:
            at_request: The number of the request whose answer takes so long that `strike` comes before it.
            strike: Kills something.
            mend: Brings back what it was, once tap and loader have ended.

        Returns:
            How it ended; the state of the next run is the last one that the loader passed on.
        """
        command = self.tap_command
        self.world.admin.clear_requests()
        if at_request is not None:
            self.world.admin.add_fault("*", skip=at_request, times=1, delay_ms=HELD_MS)
        running = Running(self, command)
        if at_request is not None and strike is not None:
            running.wait_for_request(at_request)
            strike(running)
        ended = running.ended()
        self.world.admin.clear_faults()
        mend()
        if ended.states:
            self.state = ended.states[-1]
        self._assert_without_secrets(ended)
        return ended

    def _assert_without_secrets(self, ended: Ended) -> None:
        """Check that neither logs, states and catalog nor tables, documents and files hold a secret."""
        texts = {"the STATEs": json.dumps(ended.states)}
        if isinstance(self.loader, PostgresTables):
            texts["the tables"] = self.loader.texts()
        assert_without_secrets(self.world.facts.name, texts, self.folder)

    @cached_property
    def _catalog(self) -> dict[str, Any]:
        """A catalog that selects the streams of the world and no other."""
        facts = self.world.facts
        every = discover(tap_classes()[facts.name], self.world.settings)["streams"]
        chosen = [entry for entry in every if entry["tap_stream_id"] in facts.sources]
        for entry in chosen:
            for about in entry["metadata"]:
                if not about["breadcrumb"]:
                    about["metadata"]["selected"] = True
        return {"streams": chosen}

    @property
    def tap_command(self) -> list[str]:
        """The tap's program and its arguments."""
        facts = self.world.facts
        config = write(self.folder / "config.json", self.world.settings | dict(self.settings))
        catalog = write(self.folder / "catalog.json", self._catalog)
        command = [str(Path(sys.executable).with_name(facts.name)), "--config", config, "--catalog", catalog]
        if self.state:
            command += ["--state", write(self.folder / "state.json", self.state)]
        return command


class Running:
    """A pipe that runs: what the tap writes goes through this process to the loader."""

    def __init__(self, pipe: Pipe, tap_command: Sequence[str]) -> None:
        """Start both."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        self._pipe = pipe
        self._tap_log = (pipe.folder / "tap.log").open("w+b")
        self._loader_log = (pipe.folder / "loader.log").open("w+b")
        self.loader = subprocess.Popen(
            pipe.loader.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._loader_log,
            env=environment | pipe.loader.environment,
        )
        self.tap = subprocess.Popen(tap_command, stdout=self.loader.stdin, stderr=self._tap_log, env=environment)
        if self.loader.stdin is not None:
            self.loader.stdin.close()
        self._states: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read_states, args=(self.loader.stdout,), daemon=True)
        self._reader.start()

    def wait_for_request(self, number: int) -> None:
        """Wait until the tap has sent its n-th request (from 0), or has ended."""
        until = time.monotonic() + _PATIENCE
        while len(self._pipe.world.admin.requests()) <= number and self.tap.poll() is None:
            assert time.monotonic() < until, f"request {number} never came"
            time.sleep(_POLL)

    def ended(self) -> Ended:
        """Wait until both have ended."""
        try:
            codes = self.tap.wait(_PATIENCE), self.loader.wait(_PATIENCE)
        finally:
            for child in (self.tap, self.loader):
                if child.poll() is None:
                    child.kill()
                    child.wait()
        self._reader.join(_PATIENCE)
        return Ended(codes, _text(self._tap_log), _text(self._loader_log), self._states)

    def kill_tap(self) -> None:
        """End the tap as the kernel does that runs out of memory."""
        self.tap.kill()

    def stop_tap(self) -> None:
        """End the tap as systemd, Docker and Ctrl-C in the end do."""
        self.tap.send_signal(signal.SIGTERM)

    def kill_loader(self) -> None:
        """End the loader alone."""
        self.loader.kill()

    def kill_both(self) -> None:
        """End everything at once, as a machine without power."""
        self.tap.kill()
        self.loader.kill()

    def _read_states(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            row = _row(line)
            if row is not None:
                self._states.append(row)


def _text(log: IO[bytes]) -> str:
    log.seek(0)
    with log:
        return log.read().decode(errors="replace")
