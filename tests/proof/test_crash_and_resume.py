"""A run that is killed anywhere loses nothing, and the next one reads at most a page again of what was loaded.

What a killed tap has written is the beginning of what it would have written: so one run is cut off at every STATE, and
in the middle of every page, and the loader may have passed on fewer STATEs than it has loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from conftest import Reading
from tests.proof.case_record import CRASH_AND_RESUME
from tests.proof.loading import Loading
from tests.proof.world import FACTS, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.server import RunningSandbox
    from tests.proof.case_record import CaseRecord

MANY, FEW = 6, 10
"""One in so many places where a run is cut off; `make soak` draws others, with rows that move."""


@pytest.fixture(scope="module")
def crash_sandbox() -> Iterator[RunningSandbox]:
    """One sandbox for all cases."""
    with small_sandbox() as running:
        yield running


def places_to_cut(reading: Reading) -> list[int]:
    """Return how many messages are loaded: up to each STATE, up to just before it, and to the middle between two."""
    states = [place for place, message in enumerate(reading.messages) if message["type"] == "STATE"]
    middles = [(first + second) // 2 for first, second in zip([0, *states], states, strict=False)]
    return sorted({*(place + 1 for place in states), *states, *middles})


def read_twice(whole: Reading, place: int, after: Reading, stream: str, key: str) -> int:
    """Return how many rows came again that were loaded with a STATE after them; 0 if the list had been read to its end.

    Args:
        whole: The run that was cut off.
        place: Where it was.
        after: The next run.
        stream: The stream.
        key: Its key.
    """
    states = [number for number, message in enumerate(whole.messages[:place]) if message["type"] == "STATE"]
    before = Reading(whole.messages[: states[-1] + 1] if states else []).records[stream]
    if len(before) == len(whole.records[stream]):
        return 0
    return len({record[key] for record in after.records[stream]} & {record[key] for record in before})


@pytest.mark.parametrize(
    ("every", "concurrency"),
    [(FEW, 16), pytest.param(MANY, 1, marks=pytest.mark.slow), pytest.param(MANY + 11, 8, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize("name", FACTS)
def test_a_first_load_that_is_killed_anywhere_loses_nothing(
    crash_sandbox: RunningSandbox, case_record: CaseRecord, name: str, every: int, concurrency: int
) -> None:
    facts = FACTS[name]
    world = World(crash_sandbox, facts)
    settings = {"concurrency": concurrency}
    whole = Loading(world, settings).run()
    assert whole.error is None
    for place in places_to_cut(whole)[::every]:
        with case_record.case(facts.name, CRASH_AND_RESUME, seed=f"{name}, message {place}"):
            loading = Loading(world, settings)
            loading.take(Reading(whole.messages[:place]))
            resumed = loading.run()
            assert resumed.error is None
            loading.assert_brought()
            for stream, source in facts.sources.items():
                if source.resumes:
                    again = read_twice(whole, place, resumed, stream, source.key)
                    assert again <= world.page_size, f"{stream}: {again} rows are read again"
            if every != FEW:
                assert loading.run().error is None
                loading.assert_equal()
