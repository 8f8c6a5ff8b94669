"""`tap | loader` killed at its requests, or PostgreSQL stopped: the next runs make the tables equal."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.local_world import postgres_server
from tests.proof.case_record import PROCESSES_KILLED
from tests.proof.killing import STRIKES, new_database, read_until_deletes_are_known, start_again
from tests.proof.loaded import assert_equal, change_everything
from tests.proof.processes import KEPT_LOADER, JsonLinesLoader, Pipe, PostgresLoader, installed_by_meltano
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.server import RunningSandbox
    from scripts.local_world import LocalWorld
    from tests.proof.case_record import CaseRecord
    from tests.proof.processes import Running

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

CASES = [
    ("tap-productive", "SIGKILL to the tap", 12),
    ("tap-2invoice", "SIGKILL to the loader", 13),
    ("tap-covage", "SIGKILL to both", 8),
    ("tap-invobi", "SIGTERM to the tap", 20),
    ("tap-invoicetronic", "SIGKILL to the tap", 17),
    ("tap-productive", "SIGKILL to the loader", 30),
]
"""Every way for some tap; in this process every tap is cut off everywhere, see `test_crash_and_resume.py`."""

KEPT_CASES = [
    ("tap-productive", "SIGKILL to both", 21),
    ("tap-2invoice", "SIGTERM to the tap", 11),
    ("tap-covage", "SIGKILL to the loader", 10),
    ("tap-invobi", "SIGKILL to the tap", 15),
    ("tap-invoicetronic", "SIGKILL to both", 8),
]
"""The same for meltanolabs-target-postgres itself; `make soak` draws others by turns."""


@pytest.fixture(scope="module")
def proof_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


@pytest.fixture
def pipe_of(meltano_world: LocalWorld, proof_sandbox: RunningSandbox, tmp_path: Path) -> Callable[..., Pipe]:
    """Returns a tap into a loader, the project's by default, with an empty database."""

    def pipe(name: str, program: str = "") -> Pipe:
        source = World(proof_sandbox, FACTS[name])
        loader = PostgresLoader(
            new_database(meltano_world.database_url), tmp_path, program=installed_by_meltano(program)
        )
        return Pipe(source, loader, tmp_path, {"concurrency": 4})

    return pipe


@pytest.mark.parametrize(("name", "strike", "at_request"), CASES)
def test_a_pipe_that_is_killed_loses_nothing(
    pipe_of: Callable[..., Pipe], case_record: CaseRecord, name: str, strike: str, at_request: int
) -> None:
    pipe = pipe_of(name)
    with case_record.case(name, PROCESSES_KILLED, seed=f"{strike} at request {at_request}"):
        pipe.run(at_request, STRIKES[strike])
        change_everything(pipe.world)
        read_until_deletes_are_known(pipe)
        assert_equal(pipe.world, pipe.loader)


@pytest.mark.parametrize(("name", "strike", "at_request"), KEPT_CASES)
def test_a_pipe_into_the_kept_loader_that_is_killed_loses_nothing(
    pipe_of: Callable[..., Pipe], case_record: CaseRecord, name: str, strike: str, at_request: int
) -> None:
    pipe = pipe_of(name, KEPT_LOADER)
    with case_record.case(name, PROCESSES_KILLED, seed=f"{KEPT_LOADER}, {strike} at request {at_request}"):
        pipe.run(at_request, STRIKES[strike])
        change_everything(pipe.world)
        read_until_deletes_are_known(pipe)
        assert_equal(pipe.world, pipe.loader)


class PipeOfABreakingTap(Pipe):
    """A pipe whose tap raises in the middle of a page."""

    @property
    def tap_command(self) -> list[str]:
        program, *arguments = super().tap_command
        return [sys.executable, "-m", "tests.proof.breaking_tap", Path(program).name, str(self.breaks_at), *arguments]

    breaks_at = 4


@pytest.mark.parametrize(
    ("name", "program"), [("tap-productive", ""), ("tap-covage", KEPT_LOADER), ("tap-2invoice", "")]
)
def test_a_tap_that_raises_in_the_middle_of_a_page_loses_nothing(
    pipe_of: Callable[..., Pipe], case_record: CaseRecord, name: str, program: str
) -> None:
    pipe = pipe_of(name, program)
    breaking = PipeOfABreakingTap(pipe.world, pipe.loader, pipe.folder, pipe.settings)
    with case_record.case(name, PROCESSES_KILLED, seed=f"{program} an exception in page {breaking.breaks_at}".strip()):
        ended = breaking.run()
        assert ended.codes == (1, 0), ended.log
        assert "in the middle of a page" in ended.log
        pipe.state = breaking.state
        change_everything(pipe.world)
        read_until_deletes_are_known(pipe)
        assert_equal(pipe.world, pipe.loader)


@pytest.mark.usefixtures("meltano_world")
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
        assert_equal(pipe.world, pipe.loader)


@pytest.mark.usefixtures("meltano_world")
def test_a_database_that_stops_and_comes_back_loses_nothing(
    proof_sandbox: RunningSandbox, case_record: CaseRecord, tmp_path: Path
) -> None:
    with postgres_server() as server:
        # Small batches: it has written some when the database stops.
        loader = PostgresLoader(str(server.get_uri()), tmp_path, {"batch_size_rows": 7})
        pipe = Pipe(World(proof_sandbox, FACTS["tap-invobi"]), loader, tmp_path)
        with case_record.case("tap-invobi", PROCESSES_KILLED, seed="PostgreSQL stops at request 14"):

            def stop(_: Running) -> None:
                os.kill(int(server.get_pid() or 0), signal.SIGQUIT)

            ended = pipe.run(14, stop, mend=lambda: start_again(server))
            assert ended.codes[1] != 0
            change_everything(pipe.world)
            read_until_deletes_are_known(pipe)
            assert_equal(pipe.world, pipe.loader)
