"""The long form of the proof: cases of every kind over all taps until the time is up. A seed runs each again.

python -m tests.proof.soak --minutes 20
python -m tests.proof.soak --only moving --tap tap-covage --seed 1234 --shrink     one batch again
"""

from __future__ import annotations

import argparse
import logging
import secrets
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.proof.case_record import MOVING_DATA, CaseRecord
from tests.proof.moving import try_moving_case
from tests.proof.plans import moving_cases
from tests.proof.world import FACTS, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.server import RunningSandbox

BATCH = 5
"""So many cases are drawn from one seed."""

MOST_BATCHES = 20_000
"""The soak ends after these, however long it may run: its requests are bounded."""


@dataclass(frozen=True)
class Part:
    """A kind of cases for one tap.

    Args:
        kind: One word, for `--only`.
        name: Which tap, or which way of one to read.
        run: Tries a case that is drawn.
    """

    kind: str
    name: str
    run: Callable[[st.DataObject, object], None]


def parts(sandbox: RunningSandbox, record: CaseRecord) -> list[Part]:
    """Return every kind for every tap."""

    def moving(name: str, data: st.DataObject, number: object) -> None:
        facts = FACTS[name]
        case = data.draw(moving_cases(facts))
        with record.case(facts.name, MOVING_DATA, seed=number):
            try_moving_case(sandbox, facts, case)

    return [Part("moving", name, partial(moving, name)) for name in FACTS]


def try_batch(part: Part, number: int, *, shrink: bool) -> None:
    """Draw cases from a seed and try them.

    Args:
        part: What to try.
        number: The seed.
        shrink: Whether to look for the smallest case that fails.
    """
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @seed(number)
    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(data=st.data())
    def batch(data: st.DataObject) -> None:
        part.run(data, number)

    batch()


def soak(chosen: Sequence[Part], *, until: float, first_seed: int, shrink: bool, one_batch: bool) -> int:
    """Try batches of every part in turn until the time is up.

    Args:
        chosen: The parts.
        until: When to end, by `time.monotonic`.
        first_seed: The seed of the first round; each round has the next one.
        shrink: Whether to look for the smallest case that fails.
        one_batch: Whether to try each part once.

    Returns:
        How many batches failed.
    """
    failed = tried = 0
    for number in range(first_seed, first_seed + MOST_BATCHES // len(chosen)):
        for part in chosen:
            if time.monotonic() > until:
                break
            tried += 1
            try:
                try_batch(part, number, shrink=shrink)
            except Exception as error:  # noqa: BLE001 - reported, and the other parts go on
                failed += 1
                print(f"FAILED: --only {part.kind} --tap '{part.name}' --seed {number}", flush=True)  # noqa: T201
                print("".join(traceback.format_exception(error, limit=-2)), flush=True)  # noqa: T201
        if one_batch or time.monotonic() > until:
            break
    print(f"{tried} batches of {BATCH} cases from seed {first_seed} on, {failed} failed")  # noqa: T201
    return failed


def main() -> int:
    """Run from the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, help="the seed of the first round; a random one if not given")
    parser.add_argument("--shrink", action="store_true", help="look for the smallest case that fails; takes minutes")
    parser.add_argument("--only", help="one kind of cases")
    parser.add_argument("--tap", help="one tap, or one of its ways to read")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    is_replay = arguments.seed is not None and arguments.tap is not None
    first_seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"seed {first_seed}", flush=True)  # noqa: T201
    with small_sandbox() as sandbox:
        every = parts(sandbox, CaseRecord())
        chosen = [each for each in every if arguments.only in {None, each.kind} and arguments.tap in {None, each.name}]
        if not chosen:
            parser.error(f"no such part; there are {', '.join(sorted({each.kind for each in every}))}")
        until = time.monotonic() + arguments.minutes * 60
        return min(soak(chosen, until=until, first_seed=first_seed, shrink=arguments.shrink, one_batch=is_replay), 1)


if __name__ == "__main__":
    sys.exit(main())
