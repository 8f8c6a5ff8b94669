"""Rows come, go, change and come back between any two requests: none is lost, and no live row is marked as deleted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.proof.case_record import MOVING_DATA, MOVING_DATA_LOADED
from tests.proof.drawing import try_drawn
from tests.proof.moving import try_moving_case
from tests.proof.plans import moving_cases
from tests.proof.real_loaders import LoadingIntoPostgres
from tests.proof.world import FACTS, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox
    from tests.loader_world import Database
    from tests.proof.case_record import CaseRecord
    from tests.proof.plans import MovingCase

SEED = 20_261_128


@pytest.fixture(scope="module")
def moving_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


@pytest.mark.parametrize("count", [1, pytest.param(6, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FACTS)
def test_nothing_is_lost_while_rows_move(
    moving_sandbox: RunningSandbox, case_record: CaseRecord, name: str, count: int
) -> None:
    facts = FACTS[name]

    def try_one(case: MovingCase) -> None:
        with case_record.case(facts.name, MOVING_DATA, seed=SEED):
            try_moving_case(moving_sandbox, facts, case)

    try_drawn(moving_cases(facts), try_one, number=SEED + count, count=count)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_both_loaders_hold_what_there_is_while_rows_move(
    moving_sandbox: RunningSandbox, database: Database, case_record: CaseRecord, name: str
) -> None:
    facts = FACTS[name]

    def try_one(case: MovingCase) -> None:
        with case_record.case(facts.name, MOVING_DATA_LOADED, seed=SEED):
            try_moving_case(moving_sandbox, facts, case, partial(LoadingIntoPostgres, database))

    try_drawn(moving_cases(facts), try_one, number=SEED, count=4)
