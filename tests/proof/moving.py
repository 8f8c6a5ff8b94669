"""One case of moving data: some nights with changes, then quiet ones, and what has to be true in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_rest_core.errors import WaitTooLong
from tests.proof.loading import QUIET_NIGHTS, Loading
from tests.proof.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.server import RunningSandbox
    from tests.proof.plans import MovingCase, Night
    from tests.proof.world import TapFacts

DAY = 24 * 60 * 60.0


def try_moving_case(
    sandbox: RunningSandbox,
    facts: TapFacts,
    case: MovingCase,
    begin: Callable[[World, Mapping[str, Any]], Loading] = Loading,
) -> None:
    """Try a case: an AssertionError says what was lost.

    Args:
        sandbox: The source.
        facts: The tap.
        case: What moves.
        begin: Begins to load into empty tables, with some settings of the tap.
    """
    world = World(sandbox, facts, skew=case.skew)
    loading = begin(world, {"concurrency": case.concurrency, **case.settings})
    for night in case.nights:
        _read_night(world, loading, night)
        world.clock.advance(DAY)
    world.schedule([])
    for number in range(QUIET_NIGHTS):
        reading = loading.run()
        assert reading.error is None, f"a quiet run failed: {reading.error}"
        if number == 0:
            loading.assert_brought()
        world.clock.advance(DAY)
    loading.assert_equal()


def _read_night(world: World, loading: Loading, night: Night) -> None:
    world.schedule(night.steps)
    if night.ends_after is not None:
        world.admin.add_fault("*", skip=night.ends_after, times=10_000, status=429, headers={"Retry-After": "7200"})
    reading = loading.run(night.killed)
    world.admin.clear_faults()
    if night.ends_after is None:
        assert reading.error is None, f"a run failed because rows moved: {reading.error}"
    else:
        assert isinstance(reading.error, WaitTooLong | None), f"a night that ends early failed: {reading.error}"
