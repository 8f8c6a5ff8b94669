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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.local_world import embedded_postgres
from tests.proof.case_record import FAULTS, LASTING_FAILURES, MOVING_DATA, PROCESSES_KILLED, CaseRecord
from tests.proof.drawing import try_drawn
from tests.proof.faults import fault_cases, lasting_cases, try_fault_case, try_lasting_case
from tests.proof.killing import killed_cases, try_killed_case
from tests.proof.moving import try_moving_case
from tests.proof.plans import moving_cases
from tests.proof.processes import KEPT_LOADER, loader_of_the_project
from tests.proof.world import FACTS, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis import strategies as st

    from sandbox.server import RunningSandbox
    from tests.proof.killing import KilledCase
    from tests.proof.world import TapFacts

_MINUTES = 20.0

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
        try_batch: Draws cases from a seed and tries them; shrinks one that fails if asked to.
        cases: How many these are.
    """

    kind: str
    name: str
    try_batch: Callable[[int, bool], None]
    cases: int = BATCH


PROGRAMS = Path(sys.executable).parent
LOADERS = (str(loader_of_the_project()["executable"]), KEPT_LOADER)
"""The project's loader, and the one that it builds on: they take turns."""


def parts(sandbox: RunningSandbox, database_url: str, record: CaseRecord) -> list[Part]:
    """Return every kind for every tap.

    Args:
        sandbox: The sandbox.
        database_url: PostgreSQL, for the loaders that are killed.
        record: Where the cases are recorded.
    """

    def batch(
        name: str,
        kind: str,
        cases: Callable[[TapFacts], st.SearchStrategy[Any]],
        try_case: Callable[[RunningSandbox, TapFacts, Any], None],
    ) -> Callable[[int, bool], None]:
        facts = FACTS[name]

        def try_one(number: int, case: object) -> None:
            with record.case(facts.name, kind, seed=number):
                try_case(sandbox, facts, case)

        def try_batch(number: int, shrink: bool) -> None:  # noqa: FBT001 - called by `soak` alone
            try_drawn(cases(facts), partial(try_one, number), number=number, count=BATCH, shrink=shrink)

        return try_batch

    def killed_batch(name: str) -> Callable[[int, bool], None]:
        facts = FACTS[name]

        def try_batch(number: int, shrink: bool) -> None:  # noqa: FBT001 - called by `soak` alone
            loader = LOADERS[number % len(LOADERS)]

            def try_one(case: KilledCase) -> None:
                with record.case(facts.name, PROCESSES_KILLED, seed=number):
                    try_killed_case(sandbox, database_url, facts, case, PROGRAMS / loader)

            # One: its processes take as long as a batch of the others.
            try_drawn(killed_cases(), try_one, number=number, count=1, shrink=shrink)

        return try_batch

    kinds: dict[str, tuple[Any, Any, Any]] = {
        "moving": (MOVING_DATA, moving_cases, try_moving_case),
        "faults": (FAULTS, fault_cases, try_fault_case),
        "lasting": (LASTING_FAILURES, lasting_cases, try_lasting_case),
    }
    drawn = [Part(word, name, batch(name, *kind)) for word, kind in kinds.items() for name in FACTS]
    return [*drawn, *(Part("killed", name, killed_batch(name), cases=1) for name in FACTS)]


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
    failed = tried = cases = 0
    for number in range(first_seed, first_seed + MOST_BATCHES // len(chosen)):
        for part in chosen:
            if time.monotonic() > until:
                break
            tried += 1
            cases += part.cases
            try:
                part.try_batch(number, shrink)
            except Exception as error:  # noqa: BLE001 - reported, and the other parts go on
                failed += 1
                print(f"FAILED: --only {part.kind} --tap '{part.name}' --seed {number}", flush=True)  # noqa: T201
                print("".join(traceback.format_exception(error, limit=-2)), flush=True)  # noqa: T201
        if one_batch or time.monotonic() > until:
            break
    print(f"{tried} batches of {cases:,} cases from seed {first_seed} on, {failed} failed")  # noqa: T201
    return failed


def main() -> int:
    """Run from the command line; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, help="20 if not given, or one batch where a tap and a seed are")
    parser.add_argument("--seed", type=int, help="the seed of the first round; a random one if not given")
    parser.add_argument("--shrink", action="store_true", help="look for the smallest case that fails; takes minutes")
    parser.add_argument("--only", help="one kind of cases")
    parser.add_argument("--tap", help="one tap, or one of its ways to read")
    arguments = parser.parse_args()
    # What is logged is searched for secrets, and not shown.
    logging.getLogger().addHandler(logging.NullHandler())
    is_replay = arguments.minutes is None and arguments.seed is not None and arguments.tap is not None
    first_seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"seed {first_seed}", flush=True)  # noqa: T201
    with small_sandbox() as sandbox, embedded_postgres() as database_url:
        every = parts(sandbox, database_url, CaseRecord())
        chosen = [each for each in every if arguments.only in {None, each.kind} and arguments.tap in {None, each.name}]
        if not chosen:
            parser.error(f"no such part; there are {', '.join(sorted({each.kind for each in every}))}")
        until = time.monotonic() + (arguments.minutes or _MINUTES) * 60
        return min(soak(chosen, until=until, first_seed=first_seed, shrink=arguments.shrink, one_batch=is_replay), 1)


if __name__ == "__main__":
    sys.exit(main())
