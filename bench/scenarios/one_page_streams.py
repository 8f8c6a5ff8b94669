"""40 and 100 streams of one page at 250 ms: what reading several streams at once gains."""

from __future__ import annotations

from dataclasses import replace
from statistics import median_high
from typing import TYPE_CHECKING

from bench.measurement import measurement, medians
from bench.outputs import records_per_stream
from bench.processes import ReaderFailed, run
from bench.quota_usage import burst_share
from bench.readers import PLAIN, our_label
from bench.report import Section, at_least, number, ratio
from bench.scenarios.quota import PRODUCTIVE_LIMIT
from bench.session import LONGEST_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.measurement import Measurement
    from bench.quota_usage import RateLimit
    from bench.readers import Reader
    from bench.report import Target
    from bench.session import Session

_ROWS, _LATENCY_MS = 20, 250
_CONCURRENCIES = (8, 16)
_TIMES_FASTER = 10
_PERCENT_OF_LIMIT = 80
_HEADER = (
    "reader",
    "streams",
    "rate limit",
    "wall s",
    "plain / this",
    "at the API s",
    "plain / this",
    "share of limit",
    "429s",
    "records",
)


def one_page_streams(session: Session) -> Section:
    """Measure our tap and the plain tap, with 40 streams without a rate limit and with 100 under one.

    Args:
        session: The session.
    """
    section = Section(f"Streams of one page at {_LATENCY_MS} ms", _HEADER)
    for count, limit in ((40, None), (100, PRODUCTIVE_LIMIT)):
        comparison = _StreamComparison(session, count, limit)
        comparison.run(section.notes)
        section.rows += comparison.rows()
        section.targets += comparison.targets()
    section.notes += [
        "'at the API' is from the first request to the last response: wall time without the start of Python",
        "a share above 100 %: the requests of a window were sent at once, faster than the limit permits on average",
    ]
    return section


class _StreamComparison:
    """Compares readers of the same number of streams.

    Args:
        session: The session.
        count: How many streams.
        limit: The rate limit, if there is one.
    """

    def __init__(self, session: Session, count: int, limit: RateLimit | None) -> None:
        self._session = session
        self._count = count
        self._limit = limit
        self._seconds_at_api: dict[str, list[float]] = {}
        self._records: dict[str, Mapping[str, int]] = {}
        self._found: dict[str, Measurement] = {}

    def run(self, notes: list[str]) -> None:
        """Measure the readers in turn; `notes` get what failed."""
        readers = [self._session.readers.plain_with_streams(self._count)]
        for concurrency in _CONCURRENCIES:
            limited = self._limit is not None
            reader = self._session.readers.our_tap_with_streams(self._count, concurrency, rate_limited=limited)
            readers.append(reader)
        for reader in readers:
            self._session.warm_up(reader)
        runs = self._session.in_turn([(reader.label, self._task(reader)) for reader in readers], notes=notes)
        self._found = {label: medians(each) for label, each in runs.items()}

    def rows(self) -> list[Sequence[str]]:
        """Return the cells of each reader."""
        plain = self._found.get(PLAIN)
        return [
            (
                label,
                str(self._count),
                str(self._limit or "-"),
                number(each.wall, 2),
                number(ratio(plain.wall, each.wall) if plain else None, 1),
                number(self._at_api(label), 2),
                number(ratio(self._at_api(PLAIN), self._at_api(label)), 1),
                "-" if each.quota_share is None else f"{100 * each.quota_share:.0f} %",
                number(each.refused),
                number(each.records),
            )
            for label, each in self._found.items()
        ]

    def targets(self) -> list[Target]:
        """Return what our tap with most concurrent requests has to reach."""
        label = our_label(_CONCURRENCIES[-1])
        ours, plain = self._found.get(label), self._found.get(PLAIN)
        if self._limit is not None:
            percent = 100 * ours.quota_share if ours and ours.quota_share is not None else None
            name = f"{self._count} one-page streams: share of the rate limit"
            return [at_least(name, percent, _PERCENT_OF_LIMIT, unit=" %")]
        name = f"{self._count} one-page streams, {PLAIN} / {label}"
        wall = ratio(plain.wall, ours.wall) if ours and plain else None
        return [
            at_least(f"{name}: time at the API", ratio(self._at_api(PLAIN), self._at_api(label)), _TIMES_FASTER),
            at_least(f"{name}: wall time with the start of Python", wall, _TIMES_FASTER),
        ]

    def _at_api(self, label: str) -> float:
        """Return the median of the seconds from first request to last response; 0 if the reader failed."""
        seconds = self._seconds_at_api.get(label)
        return median_high(seconds) if seconds and label in self._found else 0.0

    def _task(self, reader: Reader) -> Callable[[], Measurement]:
        def once() -> Measurement:
            folder, server = self._session.readers.folder, self._session.server
            server.reset(invoices=_ROWS, list_rows=_ROWS, latency_ms=_LATENCY_MS, limit=str(self._limit or 0))
            cost, _ = run(reader.command, folder=folder, variables=reader.variables, seconds=LONGEST_RUN)
            log = server.log()
            records = records_per_stream((folder / "out").read_bytes().splitlines())
            self._records[reader.label] = records
            first = next(iter(self._records))
            if records != self._records[first]:
                raise ReaderFailed(f"{reader.label} wrote other numbers of records than {first}")
            times = [request.at for request in log]
            seconds = max(times) - min(times) + _LATENCY_MS / 1000
            self._seconds_at_api.setdefault(reader.label, []).append(seconds)
            share = burst_share(log, self._limit) if self._limit else None
            return replace(measurement(reader.label, sum(records.values()), cost, log), quota_share=share)

        return once
