"""`tap | loader` killed at its requests, PostgreSQL stopped, Meltano killed: the next run makes the tables equal."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psycopg
import pytest

from scripts.local_world import start_postgres
from tests.proof.case_record import PROCESSES_KILLED
from tests.proof.processes import JsonLinesLoader, Pipe, PostgresLoader, Running
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld
    from tests.proof.case_record import CaseRecord

pytestmark = pytest.mark.slow

TAPS = ("tap-productive", "tap-2invoice", "tap-covage", "tap-invobi", "tap-invoicetronic")
STRIKES: dict[str, Callable[[Running], None]] = {
    "SIGKILL to the tap": Running.kill_tap,
    "SIGTERM to the tap": Running.stop_tap,
    "SIGKILL to the loader": Running.kill_loader,
    "SIGKILL to both": Running.kill_both,
}


@pytest.fixture(scope="module")
def proof_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


def assert_equal(pipe: Pipe) -> None:
    """Check that each table has every row of the source in its newest version, and no row that is gone."""
    for stream, source in pipe.world.facts.sources.items():
        rows = pipe.world.rows(stream)
        live = {str(row[source.key]): row for row in pipe.loader.live(stream).values()}
        assert rows.keys() <= live.keys(), f"{stream}: rows are missing: {sorted(rows.keys() - live.keys())}"
        if source.finds_deletes and isinstance(pipe.loader, PostgresLoader):
            assert live.keys() <= rows.keys(), f"{stream}: rows that are gone are live"
        if source.marker:
            assert {key: live[key][source.marker] for key in rows} == {
                key: row[source.marker] for key, row in rows.items()
            }, stream


def change_everything(world: World) -> None:
    """Delete, change and create rows of every list before the next request."""
    changes = [
        {
            "action": action,
            "resource": world.facts.resource(stream),
            "place": place,
            "attributes": {source.marker: "changed"} if action == "update" and source.marker else {},
        }
        for stream, source in world.facts.sources.items()
        for place, action in enumerate(("update", "delete", "create"))
        if action in source.actions and stream != "update"
    ]
    world.schedule([{"after_request": 1, "changes": changes}])


def killed_and_resumed(pipe: Pipe, at_request: int, strike: Callable[[Running], None]) -> None:
    """Kill a run at a request, let rows change, and run it as often as it takes to know what is gone."""
    pipe.run(at_request, strike)
    change_everything(pipe.world)
    for number in range(3):
        ended = pipe.run()
        assert ended.codes == (0, 0), f"run {number} after it: {ended.log[-2000:]}{ended.loader_log[-2000:]}"
    assert_equal(pipe)


@pytest.mark.parametrize("strike", STRIKES)
@pytest.mark.parametrize("name", TAPS)
def test_a_pipe_that_is_killed_loses_nothing(
    world: LocalWorld, proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path, name: str, strike: str
) -> None:
    at_request = 3 + 5 * list(STRIKES).index(strike)
    source = World(proof_sandbox, FACTS[name])
    pipe = Pipe(source, PostgresLoader(new_database(world), tmp_path), tmp_path, {"concurrency": 4})
    with case_record.case(name, PROCESSES_KILLED, seed=f"{strike} at request {at_request}"):
        killed_and_resumed(pipe, at_request, STRIKES[strike])


def new_database(world: LocalWorld) -> str:
    """Return the URL of an empty database."""
    name = f"proof_{os.urandom(6).hex()}"
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return world.database_url.replace("/postgres?", f"/{name}?")


@pytest.mark.parametrize("strike", ["SIGKILL to the loader", "SIGTERM to the tap"])
@pytest.mark.parametrize("name", TAPS)
def test_a_loader_that_only_appends_has_every_row_at_least_once(
    world: LocalWorld, proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path, name: str, strike: str
) -> None:
    assert world  # the plugins are installed
    pipe = Pipe(World(proof_sandbox, FACTS[name]), JsonLinesLoader(tmp_path), tmp_path)
    with case_record.case(name, PROCESSES_KILLED, seed=f"target-jsonl, {strike} at request 9"):
        pipe.run(9, STRIKES[strike])
        for _ in range(2):
            assert pipe.run().codes == (0, 0)
        assert_equal(pipe)


@pytest.mark.parametrize("name", ["tap-productive", "tap-invobi"])
def test_a_database_that_stops_and_comes_back_loses_nothing(
    proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path, name: str
) -> None:
    server = start_postgres(tmp_path / "pg")
    try:
        # Small batches: it has written some when the database stops.
        loader = PostgresLoader(str(server.get_uri()), tmp_path, {"batch_size_rows": 7})
        pipe = Pipe(World(proof_sandbox, FACTS[name]), loader, tmp_path)

        def stop(running: Running) -> None:
            assert running.loader.poll() is None
            os.kill(int(server.get_pid() or 0), signal.SIGQUIT)

        with case_record.case(name, PROCESSES_KILLED, seed="PostgreSQL stops at request 14"):
            ended = pipe.run(14, stop)
            assert ended.codes[1] != 0
            server.ensure_postgres_running()
            change_everything(pipe.world)
            for _ in range(3):
                assert pipe.run().codes == (0, 0)
            assert_equal(pipe)
    finally:
        server.cleanup()
