"""`tap | loader` killed at its requests, or PostgreSQL stopped: the next runs make the tables equal."""

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

STRIKES: dict[str, Callable[[Running], None]] = {
    "SIGKILL to the tap": Running.kill_tap,
    "SIGTERM to the tap": Running.stop_tap,
    "SIGKILL to the loader": Running.kill_loader,
    "SIGKILL to both": Running.kill_both,
}
CASES = [
    ("tap-productive", "SIGKILL to the tap", 12),
    ("tap-2invoice", "SIGKILL to the loader", 13),
    ("tap-covage", "SIGKILL to both", 8),
    ("tap-invobi", "SIGTERM to the tap", 20),
    ("tap-invoicetronic", "SIGKILL to the tap", 17),
    ("tap-productive", "SIGKILL to the loader", 30),
]
"""Every way for some tap; in this process every tap is cut off everywhere, see `test_crash_and_resume.py`."""


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
    """Delete, change and create rows of every list."""
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
    world.schedule([{"after_request": 0, "changes": changes}])


def read_until_deletes_are_known(pipe: Pipe) -> None:
    """Run twice: rows that are gone from a list without a cursor are known by the second read that misses them."""
    for number in range(2):
        ended = pipe.run()
        assert ended.codes == (0, 0), f"run {number} after it: {ended.log[-2000:]}{ended.loader_log[-2000:]}"


@pytest.fixture
def pipe_of(world: LocalWorld, proof_sandbox: RunningSandbox, tmp_path: Path) -> Callable[[str], Pipe]:
    """Returns a tap into the project's loader, with an empty database."""

    def pipe(name: str) -> Pipe:
        database = f"proof_{os.urandom(6).hex()}"
        with psycopg.connect(world.database_url, autocommit=True) as connection:
            connection.execute(f"create database {database}".encode())
        url = world.database_url.replace("/postgres?", f"/{database}?")
        source = World(proof_sandbox, FACTS[name])
        return Pipe(source, PostgresLoader(url, tmp_path), tmp_path, {"concurrency": 4})

    return pipe


@pytest.mark.parametrize(("name", "strike", "at_request"), CASES)
def test_a_pipe_that_is_killed_loses_nothing(
    pipe_of: Callable[[str], Pipe], case_record: CaseRecord, name: str, strike: str, at_request: int
) -> None:
    pipe = pipe_of(name)
    with case_record.case(name, PROCESSES_KILLED, seed=f"{strike} at request {at_request}"):
        pipe.run(at_request, STRIKES[strike])
        change_everything(pipe.world)
        read_until_deletes_are_known(pipe)
        assert_equal(pipe)


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("name", "strike"), [("tap-covage", "SIGKILL to the loader"), ("tap-invoicetronic", "SIGTERM to the tap")]
)
def test_a_loader_that_only_appends_has_every_row_at_least_once(
    proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path, name: str, strike: str
) -> None:
    pipe = Pipe(World(proof_sandbox, FACTS[name]), JsonLinesLoader(tmp_path), tmp_path)
    with case_record.case(name, PROCESSES_KILLED, seed=f"target-jsonl, {strike} at request 9"):
        pipe.run(9, STRIKES[strike])
        assert pipe.run().codes == (0, 0)
        assert_equal(pipe)


@pytest.mark.usefixtures("world")
def test_a_database_that_stops_and_comes_back_loses_nothing(
    proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path
) -> None:
    server = start_postgres(tmp_path / "pg")
    try:
        # Small batches: it has written some when the database stops.
        loader = PostgresLoader(str(server.get_uri()), tmp_path, {"batch_size_rows": 7})
        pipe = Pipe(World(proof_sandbox, FACTS["tap-invobi"]), loader, tmp_path)
        with case_record.case("tap-invobi", PROCESSES_KILLED, seed="PostgreSQL stops at request 14"):
            ended = pipe.run(14, lambda _: os.kill(int(server.get_pid() or 0), signal.SIGQUIT))
            assert ended.codes[1] != 0
            server.ensure_postgres_running()
            change_everything(pipe.world)
            read_until_deletes_are_known(pipe)
            assert_equal(pipe)
    finally:
        server.cleanup()
