"""All lists of a large account at 250 ms and 1 s: how near a run comes to what rate limit and longest list allow."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bench.measurement import measurement
from bench.processes import child, clean_environment, run
from bench.report import Section, Target, at_least, number
from bench.scenarios.quota import PRODUCTIVE_LIMIT
from bench.session import LONGEST_RUN
from sandbox.admin_client import AdminClient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.measurement import Measurement
    from bench.session import Session
    from sandbox.admin_client import LoggedRequest

_LATENCIES_MS = (250, 1000)
_CONCURRENCY = 16
_PERCENT = 95
_HEADER = (
    "latency ms",
    "at the API s",
    "requests",
    "requests ÷ limit s",
    "longest walk",
    "its latency s",
    "share of what is possible",
    "429s",
    "records",
    "peak MB",
)


@dataclass(frozen=True)
class _Bounds:
    """What a run took at the API, and what it takes at least.

    Args:
        seconds: From the first request to the last response.
        by_limit: Seconds that the rate limit takes for these requests.
        pages_walked: Pages of the longest list whose pages were requested one after the other.
        by_walk: Seconds that these pages take.
        refused: How many requests were refused for the rate limit.
    """

    seconds: float
    by_limit: float
    pages_walked: int
    by_walk: float
    refused: int

    @property
    def percent(self) -> float:
        """How near the run came to what is possible."""
        return 100 * max(self.by_limit, self.by_walk) / self.seconds


def all_lists(session: Session) -> Section:
    """Measure a complete read of all lists, once at each latency.

    Args:
        session: The session.
    """
    section = Section(f"All lists of tap-productive, concurrency {_CONCURRENCY}", _HEADER)
    scale = session.options.size(30, 3)
    for latency_ms in _LATENCIES_MS:
        found: list[_Bounds] = []
        tasks = [(f"all lists at {latency_ms} ms", lambda ms=latency_ms, to=found: _read(session, ms, scale, to))]
        for runs in session.in_turn(tasks, notes=section.notes, rounds=1).values():
            section.rows += [_cells(latency_ms, bounds, each) for bounds, each in zip(found, runs, strict=True)]
        percent, refused = (found[0].percent, found[0].refused) if found else (None, None)
        name = f"all lists, {latency_ms} ms"
        section.targets += [
            at_least(f"{name}: share of what is possible", percent, _PERCENT, unit=" %"),
            Target(f"{name}: 429s", "none", number(refused), None if refused is None else refused == 0),
        ]
    section.notes += [
        f"against the sandbox with {scale} times its usual rows, once at each latency",
        "possible: the longer of requests ÷ rate limit, and latency of all pages of the longest list without windows",
    ]
    return section


def _read(session: Session, latency_ms: int, scale: int, found: list[_Bounds]) -> Measurement:
    command = [sys.executable, "-m", "sandbox", "--latency-ms", latency_ms, "--scale-of", f"productive={scale}"]
    with child([str(word) for word in command], env=clean_environment({}), stdout=subprocess.PIPE) as process:
        printed = process.stdout.readline().decode() if process.stdout else ""
        url = printed.strip().rsplit(" ", 1)[-1]
        reader = session.readers.our_tap_with_all_lists(_CONCURRENCY, f"{url}/productive/api/v2")
        cost, records = run(
            reader.command,
            folder=session.readers.folder,
            variables=reader.variables,
            seconds=LONGEST_RUN,
            to_file=False,
        )
        with AdminClient(url) as admin:
            log = admin.requests()
    found.append(bounds_of(log, latency=latency_ms / 1000))
    return measurement(reader.label, records, cost)


def bounds_of(log: Sequence[LoggedRequest], *, latency: float) -> _Bounds:
    """Return what a run took, and what it takes at least.

    Args:
        log: What the sandbox saw.
        latency: Seconds that each answer takes.
    """
    times = [request["at"] for request in log]
    answered = [request for request in log if request["status"] == HTTPStatus.OK]
    pages = max(_walked(answered).values(), default=0)
    return _Bounds(
        seconds=max(times) - min(times) + latency,
        by_limit=len(answered) * PRODUCTIVE_LIMIT.period / PRODUCTIVE_LIMIT.limit,
        pages_walked=pages,
        by_walk=pages * latency,
        refused=sum(request["status"] == HTTPStatus.TOO_MANY_REQUESTS for request in log),
    )


def _walked(log: Iterable[LoggedRequest]) -> Counter[str]:
    """Count, by path, the pages that were requested by cursor and not in windows."""
    pages: Counter[str] = Counter()
    for request in log:
        names = {name for name, _ in request["query"]}
        is_in_window = any(name.startswith("filter[created_at]") for name in names)
        pages[request["path"]] += "page[after]" in names and not is_in_window
    return pages


def _cells(latency_ms: int, bounds: _Bounds, each: Measurement) -> Sequence[str]:
    return (
        str(latency_ms),
        number(bounds.seconds, 1),
        number(bounds.by_limit * PRODUCTIVE_LIMIT.limit / PRODUCTIVE_LIMIT.period),
        number(bounds.by_limit, 1),
        number(bounds.pages_walked),
        number(bounds.by_walk, 1),
        f"{bounds.percent:.1f} %",
        number(bounds.refused),
        number(each.records),
        number(each.peak_mb),
    )
