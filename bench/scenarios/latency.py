"""100 ms and no rate limit: what concurrent requests gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.readers import PLAIN, our_label
from bench.report import Section, at_least, number, ratio
from bench.scenarios.reader_table import HEADER, NOTE_ON_START, cells

if TYPE_CHECKING:
    from bench.session import Session

_LATENCY_MS = 100
_TIMES_FASTER = {8: 7, 16: 12}
"""By concurrency: how many times faster than the best peer our tap must be."""


def latency(session: Session) -> Section:
    """Measure our tap with 8 and 16 concurrent requests, and its peers.

    Args:
        session: The session.
    """
    size, small = session.options.size(100_000, 20_000), session.options.size(20_000, 4_000)
    section = Section(f"{_LATENCY_MS} ms, no rate limit", [*HEADER, "rate / plain"])
    peers = session.readers.peers()
    sized = [(session.readers.our_tap(concurrency), size) for concurrency in _TIMES_FASTER]
    sized += [(peer, small) for peer in peers]
    sized += [(session.readers.bound(max(_TIMES_FASTER)), size)]
    found = session.compare(sized, latency_ms=_LATENCY_MS, notes=section.notes, check=lambda _: None)
    plain = found.get(PLAIN)
    for each in found.values():
        rate_ratio = ratio(each.rate_without_start, plain.rate_without_start) if plain else None
        section.rows.append([*cells(each), number(rate_ratio, 1)])
    section.notes += [
        NOTE_ON_START,
        f"readers that fetch one page after the other read {small:,} records, not {size:,}: their rate stays the same",
    ]
    best = max((found[peer.label].rate_without_start for peer in peers if peer.label in found), default=0.0)
    for concurrency, minimum in _TIMES_FASTER.items():
        ours = found.get(our_label(concurrency))
        value = ratio(ours.rate_without_start, best) if ours else None
        name = f"{_LATENCY_MS} ms, concurrency {concurrency}: rate compared with the best peer"
        section.targets.append(at_least(name, value, minimum))
    return section
