"""Shared by the tests of all packages: a clock, a sandbox, and a tap run in this process, its messages collected."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
import pytest
import yaml

from sandbox.server import running_sandbox
from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from singer_rest_core import RestTap
from singer_rest_core.clock import Clock
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.singer.writer import ExactWriter
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sandbox.server import RunningSandbox

TOKEN = "sandbox-token"

pytest_plugins = ("core.tests.api.local_api",)

_PATIENCE = 20.0
"""Seconds for what other threads do at once unless something is wrong."""

# The duration of an example depends more on the tests that run at the same time than on the code.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def write(path: Path, content: object) -> str:
    """Write a JSON file for a command line, and return its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def run_tap(tap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tap's program by its path, without settings from the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    return subprocess.run([tap, *arguments], capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - our own


def complaints(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the warnings and errors that a program logged, without the time and the logger's name."""
    return [
        line.split("|", 3)[3].strip()
        for line in done.stderr.splitlines()
        if line.count("|") >= 3 and line.split("|", 2)[1].strip() in {"WARNING", "ERROR", "CRITICAL"}  # noqa: PLR2004 - time | level | logger | line
    ]


@dataclass
class Reading:
    """What a run of a tap wrote, and how it ended."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    error: BaseException | None = None
    lines: list[bytes] = field(default_factory=list)
    """The messages as they were written."""

    @property
    def records(self) -> dict[str, list[dict[str, Any]]]:
        """The records by stream."""
        found = defaultdict(list)
        for message in self.of("RECORD"):
            found[message["stream"]].append(message["record"])
        return found

    @property
    def state(self) -> dict[str, Any]:
        """The last STATE; empty if none was written."""
        states = self.of("STATE")
        return dict(states[-1]["value"]) if states else {}

    def ids(self, stream: str) -> list[str]:
        """Return the ids of a stream's records, in order."""
        return [record["id"] for record in self.records[stream]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type."""
        return [message for message in self.messages if message["type"] == kind]


class FakeClock(Clock):
    """A clock that waits move on instead of taking time; any thread may use it."""

    def __init__(self) -> None:
        """Start now: the servers of the tests date their answers by the machine's clock."""
        self.waits: list[float] = []
        """The seconds of each wait so far."""
        self.on_advance: Callable[[float], object] = lambda _seconds: None
        """Called with the seconds that have passed, after they have."""
        self._start = datetime.now(UTC)
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The instant that all advances have led to."""
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """The sum of all advances."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._passed += seconds
        self.on_advance(seconds)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Advance at once, unless only the event can end the wait: then wait for it."""
        if seconds is None:
            assert event.wait(_PATIENCE), "nothing ended a wait"  # noqa: S101 - a stand-in may assert
        elif not event.is_set():
            self.waits.append(seconds)
            self.advance(seconds)
        return event.is_set()


class CollectingWriter(ExactWriter):
    """Collects messages as a loader would parse them."""

    def __init__(self) -> None:
        """Start without messages."""
        super().__init__()
        self.lines: list[bytes] = []
        self.messages: list[dict[str, Any]] = []

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:  # noqa: ARG002 - nothing is buffered
        """Collect messages."""
        self.lines += lines.splitlines()
        self.messages += [decode(line) for line in lines.splitlines()]


def read(
    tap: type[RestTap], config: Mapping[str, Any], *, state: Mapping[str, Any] | None = None, select: str = "*"
) -> Reading:
    """Run a tap in this process.

    Args:
        tap: Its class.
        config: Its settings.
        state: The state of the run before.
        select: The one stream to read; all by default.

    Returns:
        Its messages, and the error it ended in.
    """
    writer = CollectingWriter()
    instance = tap(config=dict(config), state=decode(encode(state or {})), message_writer=writer)
    for stream in instance.streams.values():
        if select != "*":
            stream.selected = stream.name in select.split()
    error: BaseException | None = None
    try:
        instance.sync_all()
    except Exception as caught:  # noqa: BLE001 - the test looks at it
        error = caught
    return Reading(writer.messages, error, writer.lines)


class ReadProductive(Protocol):
    """Runs tap-productive against the sandbox."""

    def __call__(
        self,
        select: str = "*",
        *,
        state: Mapping[str, Any] | None = None,
        **settings: object,
    ) -> Reading:
        """Read the streams named, or all; `settings` go over those of the sandbox."""
        ...


class SandboxSettings(Protocol):
    """Returns the credentials and URLs with which a tap reads the sandbox."""

    def __call__(self, tap: str) -> dict[str, Any]:
        """Return the settings of one tap, by the name of its distribution."""
        ...


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of every tap that the test runs in this process; the sandbox has its own."""
    fake = FakeClock()
    monkeypatch.setattr(RestTap, "clock", fake)
    return fake


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all tests of this process."""
    with running_sandbox() as running:
        yield running


@pytest.fixture
def sandbox(shared_sandbox: RunningSandbox) -> RunningSandbox:
    """A sandbox as at its start, without request limits."""
    shared_sandbox.admin.reset()
    shared_sandbox.admin.set_limits([])
    return shared_sandbox


@pytest.fixture
def sandbox_settings(sandbox: RunningSandbox) -> SandboxSettings:
    """The credentials and URLs with which a tap reads the sandbox, from Meltano's environment `dev`."""

    def settings_of(tap: str) -> dict[str, Any]:
        meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
        development = next(each for each in meltano["environments"] if each["name"] == "dev")
        extractors = {each["name"]: each["config"] for each in development["config"]["plugins"]["extractors"]}
        needed = {*tap_classes()[tap].config_jsonschema["required"], "api_url"}
        return {
            name: value.replace("${SANDBOX_URL}", sandbox.url)
            for name, value in extractors[tap].items()
            if name in needed
        }

    return settings_of


@pytest.fixture
def clock_of_both(clock: FakeClock, sandbox: RunningSandbox) -> FakeClock:
    """The taps' clock, which the sandbox's request windows and calendar follow."""
    clock.on_advance = sandbox.admin.advance_clock
    return clock


@pytest.fixture
def productive_settings(sandbox: RunningSandbox) -> dict[str, Any]:
    """Settings that let tap-productive read the sandbox."""
    return {"auth_token": TOKEN, "organization_id": "1", "api_url": f"{sandbox.url}/productive/api/v2"}


@pytest.fixture
def invobi_settings(sandbox: RunningSandbox) -> dict[str, Any]:
    """Settings that let tap-invobi read the sandbox."""
    return {"api_token": TOKEN, "api_url": f"{sandbox.url}/invobi/api/v1"}


@pytest.fixture
def covage_settings(sandbox: RunningSandbox) -> dict[str, Any]:
    """Settings that let tap-covage read the sandbox: its Keycloak and its API are at the same root."""
    root = f"{sandbox.url}/covage"
    return {"username": "sandbox-user", "password": "sandbox-password", "auth_url": root, "api_url": root}


@pytest.fixture
def two_invoice_settings(sandbox: RunningSandbox) -> dict[str, Any]:
    """Settings that let tap-2invoice read the sandbox."""
    return {"access_token": TOKEN, "api_url": f"{sandbox.url}/2invoice"}


@pytest.fixture
def invoicetronic_settings(sandbox: RunningSandbox) -> dict[str, Any]:
    """Settings that let tap-invoicetronic read the sandbox's test environment."""
    return {"api_key": "ik_test_sandbox", "api_url": f"{sandbox.url}/invoicetronic/v1"}


@pytest.fixture
def read_productive(productive_settings: dict[str, Any]) -> ReadProductive:
    """Runs tap-productive against the sandbox."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        return read(TapProductive, productive_settings | settings, state=state, select=select)

    return run
