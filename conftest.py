"""Shared by the tests of all packages: a clock, a sandbox, and a tap run in this process, its messages collected."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

import hypothesis
import pytest
import yaml
from xdist.scheduler import LoadFileScheduling

from sandbox.server import running_sandbox
from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from singer_rest_core import RESCUED_DATA, RestStream, RestTap
from singer_rest_core.clock import Clock
from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.records.exact_json import decode, encode
from singer_rest_core.singer.writer import ExactWriter
from tap_covage.tap import TapCovage
from tap_invobi.tap import TapInvobi
from tap_productive.tap import TapProductive

collect_ignore = ["orchestrate/airflow"]  # its tests run in an environment of their own: make test-airflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from singer_sdk.helpers.types import Context

    from sandbox.admin_client import SystemAdmin
    from sandbox.server import RunningSandbox
    from singer_rest_core import Record

TOKEN = "sandbox-token"

CONCURRENCY = pytest.mark.parametrize(
    "concurrency", [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow), 16]
)
"""Every concurrency at which a test of reading runs; two of them with `make test-slow`."""

pytest_plugins = (
    "core.tests.api.local_api",
    "core.tests.streams.thing_world",
    "orchestrate.tests.tap_project",
    "tests.loader_world",
    "tests.model_world",
    "tests.page_reader",
)

_PATIENCE = 20.0
"""Seconds for what other threads do at once unless something is wrong."""

_SENDING_THREADS = ("prefetch-", "read-", "documents")
"""How the names of the threads begin that send a tap's requests."""

# The duration of an example depends more on the tests that run at the same time than on the code.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def process_of(nodeid: str) -> str:
    """Return the name of the tests that run in the same process as a test, one after the other.

    Args:
        nodeid: As pytest names the test.
    """
    file = nodeid.partition("::")[0]
    return "this folder" if "one_at_a_time" in (ROOT / file).read_text(encoding="utf-8") else file


class _Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """Gives a file's tests to one process, and all files whose tests need this folder for themselves to the same."""

    def _split_scope(self, nodeid: str) -> str:
        return process_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _Scheduling | None:
    """Replace `--dist loadfile`."""
    return _Scheduling(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Refuse a test that uses Meltano in this folder and does not say so: it runs once at a time."""
    if "meltano_world" in getattr(item, "fixturenames", ()) and item.get_closest_marker("one_at_a_time") is None:
        raise pytest.UsageError(f"{item.nodeid} uses Meltano's plugins in this folder: mark it one_at_a_time")


def write(path: Path, content: object) -> str:
    """Write a JSON file for a command line, and return its path."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return str(path)


def run_tap(tap: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tap's program by its path, without settings from the environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    return subprocess.run([tap, *arguments], capture_output=True, text=True, check=False, env=environment)  # noqa: S603 - our own


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the messages that were logged as warnings or errors."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def without_nulls(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as it is written: without nulls, timestamps in one form."""
    texts = {
        name: re.sub(r"^(\d{4}-\d\d-\d\d) (?=\d\d:)", r"\1T", value) if isinstance(value, str) else value
        for name, value in row.items()
    }
    return {name: value for name, value in texts.items() if value is not None}


def with_rescued(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the API gave, put together again from the columns of a record and from what was rescued."""
    columns = {name: value for name, value in record.items() if name != RESCUED_DATA}
    return without_nulls(columns) | without_nulls(record[RESCUED_DATA] or {})


def queries_to(sandbox: RunningSandbox, path: str) -> list[dict[str, str]]:
    """Return the query parameters of each request to the paths that end in `path`, in order."""
    logged = [request["query"] for request in sandbox.admin.requests() if request["path"].endswith(path)]
    return [dict((name, value) for name, value in query) for query in logged]  # noqa: C402 - pairs come as lists


def paths_requested(sandbox: RunningSandbox, root: str) -> Counter[str]:
    """Return how often each path was requested, without the root of its API."""
    return Counter(request["path"].removeprefix(root) for request in sandbox.admin.requests())


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

    def ids(self, stream: str) -> list[Any]:
        """Return the ids of a stream's records, in order."""
        return [record["id"] for record in self.records[stream]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type."""
        return [message for message in self.messages if message["type"] == kind]

    @property
    def activated(self) -> list[str]:
        """The streams with an ACTIVATE_VERSION: a loader drops their rows of older versions."""
        return [message["stream"] for message in self.of("ACTIVATE_VERSION")]

    def columns(self, stream: str) -> dict[str, Any]:
        """The columns in the one SCHEMA of a stream, keys first."""
        (message,) = (message for message in self.of("SCHEMA") if message["stream"] == stream)
        properties: dict[str, Any] = message["schema"]["properties"]
        return properties

    def bookmark(self, stream: str) -> str:
        """The bookmark of a stream in the last STATE."""
        return str(self.state["bookmarks"][stream]["replication_key_value"])

    @property
    def timeless(self) -> list[str]:
        """The messages without what differs between two equal runs: times of reading, and versions made of them."""
        pattern = rb'"(version|time_extracted|full_refreshed_at|full_read_cut_short|began)":("[^"]*"|[0-9]+)'
        return [re.sub(pattern, rb'"\1":0', encode(message)).decode() for message in self.messages]


class FakeClock(Clock):
    """A clock that waits move on instead of taking time; any thread may use it."""

    def __init__(self, start: datetime | None = None) -> None:
        """Start now unless a time is given: the servers of most tests date their answers by the machine's clock."""
        self.waits: list[float] = []
        """The seconds of each wait so far."""
        self.on_advance: Callable[[float], object] = lambda _seconds: None
        """Called with the seconds that have passed, after they have."""
        self._start = start or datetime.now(UTC)
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
    tap: type[RestTap],
    config: Mapping[str, Any],
    *,
    state: Mapping[str, Any] | None = None,
    select: str = "*",
    catalog: Mapping[str, Any] | None = None,
) -> Reading:
    """Run a tap in this process.

    Args:
        tap: Its class.
        config: Its settings.
        state: The state of the run before.
        select: The streams to read; those selected by default if "*".
        catalog: The catalog; what the tap discovers by default.

    Returns:
        Its messages, and the error it ended in.
    """
    writer = CollectingWriter()
    instance = tap(
        config=dict(config),
        state=decode(encode(state or {})),
        catalog=decode(encode(catalog)) if catalog else None,
        message_writer=writer,
    )
    for stream in instance.streams.values():
        if select != "*":
            stream.selected = stream.name in select.split()
    error: BaseException | None = None
    try:
        instance.sync_all()
    except Exception as caught:  # noqa: BLE001 - the test looks at it
        error = caught
    return Reading(writer.messages, error, writer.lines)


def discover(tap: type[RestTap], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the catalog as `--discover` prints it."""
    catalog: dict[str, Any] = tap(config=dict(config), validate_config=False, setup_mapper=False).catalog_dict
    return catalog


def overriding_post_process(stream: RestStream, row: Record, context: Context | None = None) -> Record | None:
    """A hook that changes nothing: the records of a stream that overrides it are read and written one by one."""
    return RestStream.post_process(stream, row, context)


class ReadTap(Protocol):
    """Runs one tap against the sandbox."""

    def __call__(
        self,
        select: str = "*",
        *,
        state: Mapping[str, Any] | None = None,
        **settings: object,
    ) -> Reading:
        """Read the streams named, or those selected by default; `settings` go over those of the sandbox."""
        ...


class SandboxSettings(Protocol):
    """Returns the credentials and URLs with which a tap reads the sandbox."""

    def __call__(self, tap: str) -> dict[str, Any]:
        """Return the settings of one tap, by the name of its distribution."""
        ...


ReadProductive = ReadTap
"""The type of the fixture `read_productive`."""


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock of every tap that the test runs in this process; the sandbox has its own."""
    fake = FakeClock()
    monkeypatch.setattr(RestTap, "clock", fake)
    return fake


@pytest.fixture(autouse=True)
def _requests_end_with_their_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Wait for the requests that a run left under way: the next test has the same server, and counts what it is asked.

    A run does not wait for them (their threads are daemons). A test may hold such a request itself, and lets it go when
    its other fixtures end, before this one does.
    """
    before = set(threading.enumerate())
    pools: list[Prefetcher] = []
    make = Prefetcher.__init__

    def make_and_remember(pool: Prefetcher, workers: int) -> None:
        make(pool, workers)
        pools.append(pool)

    monkeypatch.setattr(Prefetcher, "__init__", make_and_remember)
    yield
    for pool in pools:
        pool.stop()
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith(_SENDING_THREADS):
            thread.join(_PATIENCE)
            if thread.is_alive():
                pytest.fail(f"{thread.name} still has a request under way")


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
def read_productive(productive_settings: dict[str, Any]) -> ReadTap:
    """Runs tap-productive against the sandbox."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        return read(TapProductive, productive_settings | settings, state=state, select=select)

    return run


@pytest.fixture
def invobi(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's Invobi."""
    return sandbox.admin.system("invobi")


@pytest.fixture
def read_invobi(invobi_settings: dict[str, Any], tmp_path: Path, sandbox: RunningSandbox) -> ReadTap:
    """Runs tap-invobi against the sandbox, whose log of requests it clears, with a folder for documents."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        sandbox.admin.clear_requests()
        config = {**invobi_settings, "documents_url": str(tmp_path / "documents"), **settings}
        return read(TapInvobi, config, state=state, select=select)

    return run


@pytest.fixture
def covage(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's Covage."""
    return sandbox.admin.system("covage")


@pytest.fixture
def read_covage(covage_settings: dict[str, Any], tmp_path: Path, sandbox: RunningSandbox) -> ReadTap:
    """Runs tap-covage against the sandbox, whose log of requests it clears, with a folder for documents."""

    def run(select: str = "*", *, state: Mapping[str, Any] | None = None, **settings: object) -> Reading:
        sandbox.admin.clear_requests()
        config = {**covage_settings, "documents_url": str(tmp_path / "documents"), **settings}
        return read(TapCovage, config, state=state, select=select)

    return run


@pytest.fixture
def two_invoice(sandbox: RunningSandbox) -> SystemAdmin:
    """The sandbox's 2invoice."""
    return sandbox.admin.system("2invoice")
