"""Faults of the API in any mixture: those that pass within a run, answers that are wrong, and those that last.

What is promised: a fault that passes costs time and nothing else. A wrong answer may fail its stream, never more; the
next run brings what is missing. What fails for good keeps nothing else from being read. Every run ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.proof.loading import QUIET_NIGHTS, Loading
from tests.proof.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.server import RunningSandbox
    from tests.proof.world import TapFacts

DAY = 24 * 60 * 60.0
LONGEST_RUN = 2 * 60 * 60.0
"""Seconds of the run's own clock: `max_wait_minutes` is 15, and several requests may wait one after the other."""

MOST_REQUESTS = 1500
"""Runs without faults need about forty."""

ALWAYS = 1_000_000

_HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
_EPOCH_OF_THE_WORLD = 1_773_644_400
"""2026-03-16T07:00Z, in whose terms the reset of a window may be given."""

PASSING: Sequence[Mapping[str, Any]] = (
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 429, "headers": {"Retry-After": "Mon, 16 Mar 2026 07:00:09 GMT"}},
    {"status": 429, "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(_EPOCH_OF_THE_WORLD + 20)}},
    {"status": 429, "headers": {"RateLimit-Remaining": "0", "RateLimit-Reset": "11"}},
    {"status": 500, "body": "oh no"},
    {"status": 502, "body": _HTML, "headers": {"content-type": "text/html"}},
    {"status": 503, "headers": {"Retry-After": "30"}},
    {"truncate": True},
    {"broken_gzip": True},
    {"not_json": True},
    {"drop": True},
    {"drip_ms": 1},
)
"""Faults after which the same request is answered; no request meets more than two of one of them."""

WRONG: Sequence[Mapping[str, Any]] = (
    {"no_rows": True},
    {"answer_of": "first"},
    {"answer_of": "previous"},
    {"added_to_total": 1},
    {"added_to_total": -1},
    {"media_type": "text/plain"},
    {"redirect_to": "https://elsewhere.example.com/"},
    {"redirect_to": "/"},
    {"status": 404, "body": "{}"},
    {"status": 400, "body": "{}"},
    {"status": 200, "body": "null", "headers": {"content-type": "application/json"}},
    {"status": 200, "body": "{}", "headers": {"content-type": "application/json"}},
    {"status": 200, "body": "[]", "headers": {"content-type": "application/json"}},
    {"status": 204},
)
"""Answers that are not what was asked for, once or for good."""

LASTING: Sequence[Mapping[str, Any]] = (
    {"status": 500},
    {"status": 403, "body": "{}"},
    {"status": 404, "body": "{}"},
    {"not_json": True},
    {"truncate": True},
    {"redirect_to": "https://elsewhere.example.com/"},
)
"""Failures that stay for five runs."""


@dataclass(frozen=True)
class FaultCase:
    """Some faults in one run.

    Args:
        concurrency: Requests under way at once.
        skew: How many seconds our clock is ahead of that of the API.
        faults: As the sandbox's admin takes them.
        may_fail: Whether one of them may fail a stream.
    """

    concurrency: int
    skew: float
    faults: Sequence[Mapping[str, Any]]
    may_fail: bool


@st.composite
def fault_cases(draw: st.DrawFn, facts: TapFacts) -> FaultCase:
    """Draw up to six faults."""
    may_fail = draw(st.booleans())
    globs = ["*", *facts.paths.values()]
    faults = []
    # Each fault once: so no request meets more than two of a kind, and its budget holds.
    for kind in draw(st.lists(st.sampled_from(PASSING), min_size=1, max_size=4, unique_by=str)):
        times = 1 if "drop" in kind else draw(st.integers(1, 2))
        faults.append({"path": draw(st.sampled_from(globs)), "skip": draw(st.integers(0, 25)), "times": times, **kind})
    if may_fail:
        for kind in draw(st.lists(st.sampled_from(WRONG), min_size=1, max_size=2, unique_by=str)):
            times = draw(st.sampled_from([1, 2, ALWAYS]))
            place = {"path": draw(st.sampled_from(globs[1:])), "skip": draw(st.integers(0, 12)), "times": times}
            faults.append({**place, **kind})
    return FaultCase(
        concurrency=draw(st.sampled_from([1, 2, 8, 16])),
        skew=draw(st.sampled_from([0.0, 3600.0, -3600.0])),
        faults=faults,
        may_fail=may_fail,
    )


def run_in_bounds(world: World, loading: Loading) -> BaseException | None:
    """Run once, and check that the run ended in time and after not too many requests; return its error."""
    world.admin.clear_requests()
    before = world.clock.monotonic()
    reading = loading.run()
    took, requests = world.clock.monotonic() - before, len(world.admin.requests())
    assert took <= LONGEST_RUN, f"the run took {took:,.0f} s of its clock"
    assert requests <= MOST_REQUESTS, f"the run sent {requests:,} requests"
    return reading.error


def try_fault_case(sandbox: RunningSandbox, facts: TapFacts, case: FaultCase) -> None:
    """Try a case: an AssertionError says what was promised and not kept."""
    world = World(sandbox, facts, skew=case.skew)
    loading = Loading(world, {"concurrency": case.concurrency})
    for fault in case.faults:
        world.admin.add_fault(**dict(fault))
    error = run_in_bounds(world, loading)
    world.admin.clear_faults()
    if not case.may_fail:
        assert error is None, f"a fault that passes failed the run: {error}"
        loading.assert_brought()
    world.clock.advance(DAY)
    for number in range(QUIET_NIGHTS):
        error = run_in_bounds(world, loading)
        assert error is None, f"a run without faults failed: {error}"
        if number == 0:
            loading.assert_brought()
        world.clock.advance(DAY)
    loading.assert_equal()


@dataclass(frozen=True)
class LastingCase:
    """Failures that stay for five runs.

    Args:
        concurrency: Requests under way at once.
        streams: The streams whose requests fail, each with how.
        rows: Places of rows whose own requests fail, each with how.
    """

    concurrency: int
    streams: Mapping[str, Mapping[str, Any]]
    rows: Mapping[int, Mapping[str, Any]]


_ROW_STREAMS = {
    "tap-covage": ("order_details", "*/order/{}/"),
    "tap-2invoice": ("client_details", "*/clients/{}"),
    "tap-invobi": ("invoice_details", "*/invoices/{}"),
}
"""The stream of each tap that sends a request for each row."""

_LISTS_OF = {"order_details": "orders", "client_details": "clients", "invoice_details": "invoices"}


def lasting_cases(facts: TapFacts) -> st.SearchStrategy[LastingCase]:
    """Draw the streams and rows that fail; some do."""
    return _lasting_cases(facts).filter(lambda case: bool(case.streams or case.rows))


@st.composite
def _lasting_cases(draw: st.DrawFn, facts: TapFacts) -> LastingCase:
    names = sorted(facts.sources)
    chosen = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
    has_rows = facts.name in _ROW_STREAMS
    places = draw(st.lists(st.integers(0, 14), min_size=0 if chosen else 1, max_size=5, unique=True))
    return LastingCase(
        concurrency=draw(st.sampled_from([1, 2, 8, 16])),
        streams={name: draw(st.sampled_from(LASTING)) for name in chosen},
        rows={place: draw(st.sampled_from(LASTING)) for place in places} if has_rows else {},
    )


def try_lasting_case(sandbox: RunningSandbox, facts: TapFacts, case: LastingCase) -> None:
    """Try a case: in each of five runs, what does not fail is read, also what is new."""
    world = World(sandbox, facts)
    loading = Loading(world, {"concurrency": case.concurrency})
    row_stream, row_path = _ROW_STREAMS.get(facts.name, ("", ""))
    keys = list(world.rows(row_stream)) if row_stream else []
    failing_rows = {keys[place % len(keys)] for place in case.rows} if keys else set()
    for place, kind in case.rows.items():
        world.admin.add_fault(row_path.format(keys[place % len(keys)]), times=ALWAYS, **dict(kind))
    for stream, kind in case.streams.items():
        world.admin.add_fault(facts.paths[stream], times=ALWAYS, **dict(kind))
    failing = set(case.streams) | {name for name, listing in _LISTS_OF.items() if listing in case.streams}
    for _ in range(5):
        run_in_bounds(world, loading)
        well = [stream for stream in facts.sources if stream not in failing]
        loading.assert_brought({stream: failing_rows if stream == row_stream else set() for stream in well})
        _bring_new_rows(world)
        world.clock.advance(DAY)
    world.admin.clear_faults()
    # A row that failed five times is requested again after 16 days, and 32 at most.
    world.clock.advance(33 * DAY)
    for _ in range(QUIET_NIGHTS):
        error = run_in_bounds(world, loading)
        assert error is None, f"a run without faults failed: {error}"
        world.clock.advance(33 * DAY)
    loading.assert_equal()


def _bring_new_rows(world: World) -> None:
    """Create a row in each list and change another, at once."""
    changes = [
        {
            "action": action,
            "resource": world.facts.resource(stream),
            "place": 20,
            "attributes": {source.marker: "later"} if action == "update" and source.marker else {},
        }
        for stream, source in world.facts.sources.items()
        for action in ("create", "update")
        if action in source.actions and stream != "update"
    ]
    world.admin.schedule(world.facts.system, [{"after_request": 0, "changes": changes}])
