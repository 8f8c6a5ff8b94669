"""Faults of the API: those that pass cost time alone, wrong answers fail their stream alone, and every run ends."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from tests.proof.case_record import FAULTS, LASTING_FAILURES
from tests.proof.drawing import try_drawn
from tests.proof.faults import (
    LASTING,
    PASSING,
    WRONG,
    FaultCase,
    LastingCase,
    fault_cases,
    lasting_cases,
    try_fault_case,
    try_lasting_case,
)
from tests.proof.loading import Loading
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from sandbox.server import RunningSandbox
    from tests.proof.case_record import CaseRecord

SEED = 20_261_128


def some_quick(kinds: Sequence[Mapping[str, Any]], count: int) -> list[Any]:
    """Return parameters of which the first ones are tried by `make test`, and all by `make test-slow`."""
    return [
        pytest.param(kind, id=str(kind), marks=() if place < count else pytest.mark.slow)
        for place, kind in enumerate(kinds)
    ]


def each_kind_for_one_tap(kinds: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return each kind of fault with one of the taps; `make soak` tries them for all."""
    taps = ["tap-covage", "tap-2invoice", "tap-invobi", "tap-invoicetronic"]
    return [pytest.param(tap, kind, id=f"{tap} {kind}") for kind, tap in zip(kinds, cycle(taps), strict=False)]


@pytest.fixture(scope="module")
def faulty_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *((name, 1) for name in ("tap-productive", "tap-covage", "tap-invobi")),
        *(pytest.param(name, 4, marks=pytest.mark.slow) for name in FACTS),
    ],
)
def test_faults_in_any_mixture_lose_nothing(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, name: str, count: int
) -> None:
    facts = FACTS[name]

    def try_one(case: FaultCase) -> None:
        with case_record.case(facts.name, FAULTS, seed=SEED):
            try_fault_case(faulty_sandbox, facts, case)

    try_drawn(fault_cases(facts), try_one, number=SEED + count, count=count)


@pytest.mark.slow
@pytest.mark.parametrize("name", FACTS)
def test_what_fails_for_good_keeps_nothing_else_from_being_read(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, name: str
) -> None:
    facts = FACTS[name]

    def try_one(case: LastingCase) -> None:
        with case_record.case(facts.name, LASTING_FAILURES, seed=SEED):
            try_lasting_case(faulty_sandbox, facts, case)

    try_drawn(lasting_cases(facts), try_one, number=SEED, count=2)


@pytest.mark.parametrize("kind", some_quick(LASTING, 1))
def test_a_detail_that_fails_for_five_runs_is_the_only_one_missing(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, kind: Mapping[str, Any]
) -> None:
    with case_record.case("tap-invobi", LASTING_FAILURES, seed=f"one detail, {kind}"):
        try_lasting_case(faulty_sandbox, FACTS["tap-invobi"], LastingCase(8, {}, {3: kind}))


@pytest.mark.parametrize("kind", some_quick(PASSING, 3))
@pytest.mark.parametrize("name", ["tap-covage"])
def test_a_fault_that_passes_costs_time_alone(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, name: str, kind: Mapping[str, Any]
) -> None:
    fault = {"path": "*", "skip": 6, "times": 1 if "drop" in kind else 3, **kind}
    with case_record.case(name, FAULTS, seed=f"{kind}, three times"):
        try_fault_case(faulty_sandbox, FACTS[name], FaultCase(2, 0.0, [fault], may_fail=False))


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 1_000_000], ids=["once", "for good"])
@pytest.mark.parametrize(("name", "kind"), each_kind_for_one_tap(WRONG))
def test_a_wrong_answer_ends_no_more_than_its_stream(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, name: str, kind: Mapping[str, Any], times: int
) -> None:
    """The second page of the first list is wrong: all lists but that one are read in the same run."""
    facts = FACTS[name]
    stream = {"tap-covage": "orders", "tap-invoicetronic": "webhookhistory"}.get(name, "invoices")
    fault = {"path": facts.paths[stream], "skip": 1, "times": times, **kind}
    with case_record.case(name, FAULTS, seed=f"{kind}, {times} times"):
        world = World(faulty_sandbox, facts)
        loading = Loading(world)
        world.admin.add_fault(**fault)
        loading.run()
        others = [each for each in facts.sources if facts.resource(each) != stream]
        loading.assert_brought({each: set() for each in others})
        try_fault_case(faulty_sandbox, facts, FaultCase(8, 0.0, [fault], may_fail=True))


@pytest.mark.parametrize("requests_per_token", [1, *(pytest.param(many, marks=pytest.mark.slow) for many in (2, 7))])
def test_a_token_that_expires_between_any_two_requests_loses_nothing(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord, requests_per_token: int
) -> None:
    world = World(faulty_sandbox, FACTS["tap-covage"])
    lifetimes = {"expires_in": 60, "refresh_expires_in": 90, "requests_per_token": requests_per_token}
    world.admin.system("covage").put("tokens", lifetimes)
    loading = Loading(world, {"concurrency": 4})
    with case_record.case("tap-covage", FAULTS, seed=f"a token for {requests_per_token} requests"):
        for _ in range(2):
            assert loading.run().error is None
        loading.assert_equal()


def test_answers_that_take_longer_than_the_timeout_are_requested_again(
    faulty_sandbox: RunningSandbox, case_record: CaseRecord
) -> None:
    world = World(faulty_sandbox, FACTS["tap-invobi"])
    world.admin.add_fault("*/invoices", skip=2, times=2, delay_ms=1500)
    loading = Loading(world, {"concurrency": 2, "request_timeout": 1})
    with case_record.case("tap-invobi", FAULTS, seed="two answers later than request_timeout"):
        assert loading.run().error is None
        loading.assert_equal()
