"""Cases that hypothesis draws: when rows change, which ones, and when a night ends early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from scripts.all_taps import tap_classes
from tests.proof.world import STATES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.proof.world import TapFacts

_LAST_ANSWER = 45
"""Changes come after this answer at the latest; most runs have about as many."""


_MOST_PAGES = 5
"""An exchange comes after one of so many answers of its list, its counts among them."""

_FEWEST_STEPS = 3
"""A case with fewer moments of change says little."""


def ways_to_read(facts: TapFacts) -> list[dict[str, Any]]:
    """Return the settings that change how a tap reads, each with its values; none of them set is the first."""
    known = tap_classes()[facts.name].config_jsonschema["properties"]
    return [{}, *({name: value} for name in _WAYS if name in known for value in (True, False))]


_WAYS = ("skip_unchanged",)


@dataclass(frozen=True)
class Killed:
    """Where a run ends that is killed, as what the loader has done by then.

    Args:
        at: How much of what the tap would have written is loaded: from 0 to 1.
        states_late: How many STATEs before that the loader had not passed on yet.
    """

    at: float
    states_late: int = 0


@dataclass(frozen=True)
class Night:
    """One run.

    Args:
        steps: What changes while it reads, as the sandbox's schedule takes it.
        ends_after: After how many requests the API asks for a longer wait than the tap waits; None to read to the end.
        killed: Where the tap or the loader is killed; None if they are not.
    """

    steps: Sequence[Mapping[str, Any]]
    ends_after: int | None = None
    killed: Killed | None = None


@dataclass(frozen=True)
class MovingCase:
    """Some nights of an account whose rows move.

    Args:
        concurrency: Requests under way at once.
        skew: How many seconds our clock is ahead of that of the API.
        nights: The runs, one a day.
        settings: More settings of the tap.
    """

    concurrency: int
    skew: float
    nights: Sequence[Night]
    settings: Mapping[str, Any]


def _changeable(facts: TapFacts) -> list[tuple[str, str]]:
    return [(name, action) for name, source in facts.sources.items() for action in source.actions]


def _attributes(facts: TapFacts, stream: str, action: str, number: int) -> dict[str, Any]:
    marker = facts.sources[stream].marker
    if stream == "update":
        return {"state": STATES[number % len(STATES)]}
    return {marker: f"version {number}"} if marker and action == "update" else {}


@st.composite
def _change(draw: st.DrawFn, facts: TapFacts) -> list[dict[str, Any]]:
    """Draw a change, or as many deletes as creates in one list."""
    stream, action = draw(st.sampled_from(_changeable(facts)))
    place, number = draw(st.integers(0, 39)), draw(st.integers(0, 999))
    one = {"action": action, "resource": stream, "place": place}
    single = one | {"attributes": _attributes(facts, stream, action, number)}
    if action != "delete" or "create" not in facts.sources[stream].actions or draw(st.booleans()):
        return [single]
    count = draw(st.integers(1, 6))
    gone = [one for _ in range(count)]
    return [*gone, *({"action": "create", "resource": stream, "place": place} for _ in range(count))]


@st.composite
def _steps(draw: st.DrawFn, facts: TapFacts, *, most: int) -> list[dict[str, Any]]:
    moments = draw(st.lists(st.integers(1, _LAST_ANSWER), max_size=most, unique=True))
    return [
        {
            "after_request": moment,
            "changes": [
                *(change for part in draw(st.lists(_change(facts), min_size=1, max_size=3)) for change in part),
                *([{"action": "advance", "seconds": 2}] if draw(st.booleans()) else []),
            ],
        }
        for moment in sorted(moments)
    ]


def _killed() -> st.SearchStrategy[Killed]:
    return st.builds(Killed, st.floats(0, 1), st.sampled_from([0, 0, 1, 3, 1000]))


def moving_cases(facts: TapFacts) -> st.SearchStrategy[MovingCase]:
    """Draw a case for a tap: up to three nights of changes, of which the earlier ones may end before their lists do.

    In half of them, where the tap has such a list, as many rows go as come at one moment of the later nights: no count
    shows that, and other rows slip to pages that were read.

    Args:
        facts: The tap.

    Returns:
        Cases in which something moves.
    """
    moving = _moving_cases(facts).filter(lambda case: sum(len(night.steps) for night in case.nights) >= _FEWEST_STEPS)
    lists = [name for name, source in facts.sources.items() if {"create", "delete"} <= {*source.actions}]
    return st.one_of(moving, _exchanges(facts, lists)) if lists else moving


@st.composite
def _exchanges(draw: st.DrawFn, facts: TapFacts, lists: Sequence[str]) -> MovingCase:
    """Load everything in one night, and exchange rows of one list at any moment of the next two."""
    stream = draw(st.sampled_from(lists))
    nights = [Night([])]
    for _ in range(2):
        # At one end are the rows that are read first, whatever the order.
        count, place = draw(st.integers(2, 9)), draw(st.sampled_from([0, 0, 1, -9, -9, 30]))
        gone = [{"action": "delete", "resource": stream, "place": place} for _ in range(count)]
        come = [{"action": "create", "resource": stream, "place": 0} for _ in range(count)]
        moment = {"path": facts.paths[stream], "after_request": draw(st.integers(1, _MOST_PAGES))}
        nights.append(Night([{**moment, "changes": [*gone, *come]}]))
    return MovingCase(draw(st.sampled_from([1, 2, 8, 16])), 0.0, nights, draw(st.sampled_from(ways_to_read(facts))))


@st.composite
def _moving_cases(draw: st.DrawFn, facts: TapFacts) -> MovingCase:
    count = draw(st.sampled_from([1, 2, 3]))
    nights = []
    for number in range(count):
        is_last = number == count - 1
        ends_after = None if is_last else draw(st.none() | st.integers(1, _LAST_ANSWER))
        killed = None if is_last or ends_after else draw(st.none() | _killed())
        nights.append(Night(draw(_steps(facts, most=5)), ends_after, killed))
    return MovingCase(
        concurrency=draw(st.sampled_from([1, 2, 8, 16])),
        skew=draw(st.sampled_from([0.0, 0.0, 3600.0, -3600.0])),
        nights=nights,
        settings=draw(st.sampled_from(ways_to_read(facts))),
    )
