"""100 requests per 10 s at 250 ms and at 1 s: how much of the rate limit is used over a steady minute."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from bench.measurement import medians_of_timed_runs
from bench.quota_usage import RateLimit, steady_share
from bench.report import Section, Target, at_least, number
from bench.server.invoice_rows import LARGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measurement import Measurement
    from bench.readers import Reader
    from bench.session import Session

PRODUCTIVE_LIMIT = RateLimit(100, 10)
_LATENCIES_MS = (250, 1000)
_CONCURRENCY = 16
_ROWS = 1_000_000
"""More than can be read in the time."""
_SECONDS_TO_START = 6
_PERCENT_OF_LIMIT = 95
_HEADER = (
    "reader",
    "latency ms",
    "seconds watched",
    "records/s",
    "requests",
    "share of limit",
    "429s",
    "CPU s",
    "peak MB",
)


def rate_limited(session: Session) -> Section:
    """Measure our tap and its peers for some time at each latency.

    Args:
        session: The session.
    """
    minute = session.options.size(60, 20)
    peer_seconds = session.options.size(40, 20)
    section = Section(f"{PRODUCTIVE_LIMIT.limit} requests per {PRODUCTIVE_LIMIT.period:g} s", _HEADER)
    peers = [session.readers.plain()] if session.options.quick else session.readers.peers()
    ours = session.readers.our_tap(_CONCURRENCY, rate_limited=True)
    # The start of the program and the first window come before the steady minute.
    our_seconds = minute + PRODUCTIVE_LIMIT.period + _SECONDS_TO_START
    for latency_ms in _LATENCIES_MS:
        tasks = [(ours.label, _task(session, ours, latency_ms, watched=our_seconds, counted=minute))]
        runs = session.in_turn(tasks, notes=section.notes)
        tasks = [(peer.label, _task(session, peer, latency_ms, watched=peer_seconds, counted=minute)) for peer in peers]
        runs |= session.in_turn(tasks, notes=section.notes, rounds=1)
        found = {label: medians_of_timed_runs(each) for label, each in runs.items()}
        section.rows += [_cells(each, latency_ms) for each in found.values()]
        section.targets += _targets(found.get(ours.label), latency_ms)
    section.notes.append(
        f"ours: {minute} s from the second window on, {session.options.rounds} rounds; "
        f"the peers, whose share depends on the latency alone, once for {peer_seconds} s"
    )
    return section


def _task(
    session: Session, reader: Reader, latency_ms: int, *, watched: float, counted: float
) -> Callable[[], Measurement]:
    def once() -> Measurement:
        run, log = session.watch(
            reader, seconds=watched, invoices=_ROWS, latency_ms=latency_ms, limit=str(PRODUCTIVE_LIMIT)
        )
        rows = sum(request.status == HTTPStatus.OK for request in log) * LARGEST_PAGE
        share = steady_share(log, PRODUCTIVE_LIMIT, seconds=counted)
        return replace(run, records=rows, quota_share=share, wall=watched)

    return once


def _cells(each: Measurement, latency_ms: int) -> Sequence[str]:
    return (
        each.reader,
        str(latency_ms),
        number(each.wall),
        number(each.rate),
        number(each.requests),
        f"{100 * (each.quota_share or 0):.1f} %",
        number(each.refused),
        number(each.cpu, 1),
        number(each.peak_mb),
    )


def _targets(ours: Measurement | None, latency_ms: int) -> list[Target]:
    percent = 100 * ours.quota_share if ours and ours.quota_share is not None else None
    refused = ours.refused if ours else None
    return [
        at_least(f"{latency_ms} ms: share of the rate limit", percent, _PERCENT_OF_LIMIT, unit=" %"),
        Target(f"{latency_ms} ms: 429s", "none", number(refused), None if refused is None else refused == 0),
    ]
