"""Rows come, go, change and come back between any two requests: none is lost, and no live row is marked as deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proof.case_record import MOVING_DATA
from tests.proof.moving import try_moving_case
from tests.proof.plans import moving_cases
from tests.proof.world import FACTS, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox
    from tests.proof.case_record import CaseRecord


@pytest.fixture(scope="module")
def moving_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


@pytest.mark.parametrize("name", FACTS)
@settings(max_examples=4, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_is_lost_while_rows_move(
    name: str, moving_sandbox: RunningSandbox, case_record: CaseRecord, data: st.DataObject
) -> None:
    facts = FACTS[name]
    case = data.draw(moving_cases(facts))
    with case_record.case(facts.name, MOVING_DATA, seed="make test"):
        try_moving_case(moving_sandbox, facts, case)
