"""What is measured: the readers against each other, without and with latency, under a quota, and as they grow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bench.outputs import differing_columns, sampled
from bench.pages import FIRST_ID, LARGEST_PAGE
from bench.processes import ReaderFailed, run
from bench.readers import AIRBYTE, BOUND, DLT, DLT_TUNED, FASTEST, PLAIN, ours
from bench.report import Section, Target, at_least, below, number, ratio
from bench.runs import LONGEST_RUN, stream_counts
from bench.statistics import RateLimiter, burst_share, measured, medians, steady_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.readers import Reader
    from bench.runs import Bench
    from bench.statistics import Measured

QUOTA = RateLimiter(100, 10)
MANY, FEW = 16, 8
"""Requests in flight."""

_HEADER = (
    "reader",
    "records",
    "wall s",
    "records/s",
    "without start",
    "CPU µs/record",
    "without start",
    "peak MB",
    "requests",
)
_NOTE_ON_START = (
    "'without start' leaves out what the same reader takes for an empty list, measured in the same rounds; "
    "ratios are of these"
)
_SMALLEST_LEAD_OF_SERVER = 3.0


def no_latency(bench: Bench) -> Section:
    """0 ms and no quota: what a record costs."""
    size = bench.options.of(100_000, 10_000)
    section = Section(f"0 ms, no quota: {size:,} invoices", [*_HEADER, "CPU, plain / this", "rate / bound"])
    concurrencies = bench.site.concurrencies(1, FEW)
    readers = [*(bench.site.our_tap(value) for value in concurrencies), *bench.site.peers(), bench.site.bound()]
    comparison = _ColumnComparison(bench, size)
    found = bench.compare([(reader, size) for reader in readers], latency_ms=0, notes=section.notes, check=comparison)
    served = medians([bench_server_rate(bench, size) for _ in range(3)])
    plain, bound = found.get(PLAIN), found.get(BOUND)
    for each in found.values():
        section.rows.append(
            [
                *_cells(each),
                number(ratio(plain.cpu_a_record, each.cpu_a_record) if plain else None, 2),
                number(ratio(each.steady_rate, bound.steady_rate) if bound else None, 2),
            ]
        )
    section.rows.append([*_cells(served), "-", number(ratio(served.rate, bound.steady_rate) if bound else None, 2)])
    section.notes += [_NOTE_ON_START, *comparison.notes]
    section.notes.append("the bound passes rows on nested; all others make them flat")
    for label in map(ours, concurrencies):
        our = found.get(label)
        for peer, least in ((PLAIN, 5), (FASTEST, 2.5), (DLT, 5), (AIRBYTE, 5), (DLT_TUNED, 3)):
            other = found.get(peer)
            value = ratio(other.cpu_a_record, our.cpu_a_record) if our and other else None
            section.targets.append(at_least(f"0 ms: CPU a record without start, {label}, against {peer}", value, least))
        value = ratio(our.steady_rate, bound.steady_rate) if our and bound else None
        section.targets.append(at_least(f"0 ms: rate without start, {label}, against the bound", value, 0.6, digits=2))
    fastest = max((each.steady_rate for each in found.values()), default=0.0)
    lead = ratio(served.rate, fastest)
    section.targets.append(at_least("server's rate against the fastest reader", lead, _SMALLEST_LEAD_OF_SERVER))
    return section


class _ColumnComparison:
    """Compares the columns of our tap and of every peer on the first, a middle and the last page."""

    def __init__(self, bench: Bench, size: int) -> None:
        self._bench = bench
        pages = size // LARGEST_PAGE
        starts = {FIRST_ID + page * LARGEST_PAGE for page in (0, pages // 2, pages - 1)}
        self._ids = {str(start + row) for start in starts for row in range(LARGEST_PAGE)}
        self._ours: dict[str, dict[str, object]] = {}
        self._same: list[str] = []

    def __call__(self, reader: Reader) -> None:
        """Take a sample of what a reader has just written: ours is the first of them."""
        if reader.form == "rows" or reader.label in self._same:
            return
        sample = sampled(reader.form, self._bench.site.folder, self._ids)
        self._ours = self._ours or sample
        differing = differing_columns(self._ours, sample)
        if differing:
            raise ReaderFailed(f"{reader.label} and our tap differ in {', '.join(sorted(differing))}")
        self._same.append(reader.label)

    @property
    def notes(self) -> list[str]:
        """What was found."""
        if not self._same:
            return ["NOT compared: the columns of our tap and of its peers"]
        columns = len({name for record in self._ours.values() for name in record})
        return [f"the same values in all {columns} columns of {len(self._ids)} records: {', '.join(self._same)}"]


def bench_server_rate(bench: Bench, invoices: int) -> Measured:
    """Measure the server by a client that looks at nothing.

    Args:
        bench: The bench.
        invoices: Length of the list.

    Returns:
        The client's run.
    """
    bench.server.reset(invoices=invoices)
    cost, _ = run(bench.site.warm_up_command(), folder=bench.site.folder, own_environment={}, seconds=LONGEST_RUN)
    return measured("(the server, to a bare client)", invoices, cost, bench.server.log())


def latency(bench: Bench) -> Section:
    """100 ms and no quota: what requests in flight are worth."""
    size, small = bench.options.of(100_000, 20_000), bench.options.of(20_000, 4_000)
    section = Section("100 ms, no quota", [*_HEADER, "rate / plain"])
    concurrencies = bench.site.concurrencies(FEW, MANY)
    our_readers = [bench.site.our_tap(value) for value in concurrencies]
    sized = [(reader, size) for reader in our_readers]
    sized += [(reader, small) for reader in bench.site.peers()]
    sized += [(bench.site.bound(MANY), size)]
    found = bench.compare(sized, latency_ms=100, notes=section.notes, check=lambda _: None)
    plain = found.get(PLAIN)
    for each in found.values():
        section.rows.append([*_cells(each), number(ratio(each.steady_rate, plain.steady_rate) if plain else None, 1)])
    section.notes += [
        _NOTE_ON_START,
        f"who reads one page after the other reads {small:,} records, not {size:,}: their rate does not change",
    ]
    peers = [found[reader.label] for reader in bench.site.peers() if reader.label in found]
    best = max((peer.steady_rate for peer in peers), default=0.0)
    for in_flight, least in ((FEW, 8), (MANY, 15)):
        our = found.get(ours(in_flight))
        value = ratio(our.steady_rate, best) if our else None
        section.targets.append(at_least(f"100 ms, {in_flight} in flight: rate against the best peer", value, least))
    return section


def under_quota(bench: Bench) -> Section:
    """250 ms and 1 s with 100 requests per 10 s: how much of it is used over a steady minute."""
    minute = bench.options.of(60, 20)
    peer_seconds = bench.options.of(40, 20)
    section = Section(
        f"{QUOTA.limit} requests per {QUOTA.period:g} s",
        (
            "reader",
            "latency ms",
            "seconds watched",
            "records/s",
            "requests",
            "share of quota",
            "429s",
            "CPU s",
            "peak MB",
        ),
    )
    peers = [bench.site.plain()] if bench.options.quick else bench.site.peers()
    for latency_ms in (250, 1000):
        (concurrency,) = bench.site.concurrencies(MANY)

        def task(reader: Reader, watched: float, span: float, latency_ms: int = latency_ms) -> Callable[[], Measured]:
            def once() -> Measured:
                wishes: dict[str, int | str] = {"invoices": 1_000_000, "latency_ms": latency_ms, "limit": str(QUOTA)}
                seen, log = bench.watch(reader, seconds=watched, **wishes)
                rows = sum(request.status == 200 for request in log) * LARGEST_PAGE  # noqa: PLR2004 - HTTP
                share = steady_share(log, QUOTA, minute=span)
                return replace(seen, records=rows, share=share, wall=watched)

            return once

        # The first window and the start of the program come before the steady minute.
        whole = minute + QUOTA.period + 6
        our = bench.site.our_tap(concurrency, quota=True)
        runs = bench.in_turn([(our.label, task(our, whole, minute))], notes=section.notes)
        runs |= bench.in_turn(
            [(peer.label, task(peer, peer_seconds, minute)) for peer in peers], notes=section.notes, rounds=1
        )
        found = {label: _median_of_unequal(each) for label, each in runs.items()}
        for label, each in found.items():
            section.rows.append(
                (
                    label,
                    str(latency_ms),
                    number(each.wall),
                    number(each.rate),
                    number(each.requests),
                    f"{100 * (each.share or 0):.1f} %",
                    number(each.refused),
                    number(each.cpu, 1),
                    number(each.peak_mb),
                )
            )
        mine = found.get(our.label)
        share = 100 * mine.share if mine and mine.share is not None else None
        section.targets.append(at_least(f"{latency_ms} ms: share of the quota", share, 95, unit=" %"))
        refused = mine.refused if mine else None
        section.targets.append(
            Target(f"{latency_ms} ms: 429s", "none", number(refused), refused == 0 if mine else None)
        )
    section.notes.append(
        f"ours: {minute} s from the second window on, {bench.options.rounds} rounds; "
        f"the peers, whose share is set by the latency, once for {peer_seconds} s"
    )
    return section


def _median_of_unequal(runs: Sequence[Measured]) -> Measured:
    """The median of runs that were ended by the clock, and so did not read quite the same."""
    counts = sorted(run.records for run in runs)
    return medians([replace(each, records=counts[len(counts) // 2]) for each in runs])


def one_page_streams(bench: Bench) -> Section:
    """40 and 100 streams of one page at 250 ms."""
    rows, latency_ms = 20, 250
    section = Section(
        f"Streams of one page at {latency_ms} ms",
        (
            "reader",
            "streams",
            "quota",
            "wall s",
            "plain / this",
            "at the API s",
            "plain / this",
            "share of quota",
            "429s",
            "records",
        ),
    )
    concurrencies = bench.site.concurrencies(FEW, MANY)
    for count, limit in ((40, None), (100, QUOTA)):
        spans: dict[str, list[float]] = {}
        counts: dict[str, dict[str, int]] = {}

        def task(
            reader: Reader,
            limit: RateLimiter | None = limit,
            spans: dict[str, list[float]] = spans,
            counts: dict[str, dict[str, int]] = counts,
        ) -> Callable[[], Measured]:
            def once() -> Measured:
                bench.server.reset(
                    invoices=rows, list_rows=rows, latency_ms=latency_ms, limit=str(limit) if limit else "0"
                )
                cost, _ = run(
                    reader.command,
                    folder=bench.site.folder,
                    own_environment=reader.environment,
                    seconds=LONGEST_RUN,
                )
                log = bench.server.log()
                counts[reader.label] = stream_counts((bench.site.folder / "out").read_bytes().splitlines())
                if counts[reader.label] != next(iter(counts.values())):
                    raise ReaderFailed(f"{reader.label} wrote other numbers of records than {next(iter(counts))}")
                times = [request.at for request in log]
                spans.setdefault(reader.label, []).append(max(times) - min(times) + latency_ms / 1000)
                share = burst_share(log, limit) if limit else None
                return replace(measured(reader.label, sum(counts[reader.label].values()), cost, log), share=share)

            return once

        readers = [bench.site.plain_lists(count)]
        readers += [bench.site.our_lists(count, value, quota=limit is not None) for value in concurrencies]
        for reader in readers:
            bench.warm_up(reader)
        runs = bench.in_turn([(reader.label, task(reader)) for reader in readers], notes=section.notes)
        found = {label: medians(each) for label, each in runs.items()}
        at_the_api = {label: sorted(each)[len(each) // 2] for label, each in spans.items()}
        for label, each in found.items():
            section.rows.append(
                (
                    label,
                    str(count),
                    str(limit or "-"),
                    number(each.wall, 2),
                    number(ratio(found[PLAIN].wall, each.wall) if PLAIN in found else None, 1),
                    number(at_the_api[label], 2),
                    number(ratio(at_the_api.get(PLAIN, 0), at_the_api[label]), 1),
                    "-" if each.share is None else f"{100 * each.share:.0f} %",
                    number(each.refused),
                    number(each.records),
                )
            )
        label = ours(concurrencies[-1])
        if limit is None:
            value = ratio(at_the_api.get(PLAIN, 0), at_the_api.get(label, 0))
            what = f"{count} one-page streams, {label}, against {PLAIN}"
            section.targets.append(at_least(f"{what}: time at the API", value, 10))
            whole = ratio(found[PLAIN].wall, found[label].wall) if {PLAIN, label} <= found.keys() else None
            section.targets.append(at_least(f"{what}: wall, start of Python included", whole, 10))
        else:
            share = found[label].share if label in found else None
            value = 100 * share if share is not None else None
            section.targets.append(at_least(f"{count} one-page streams: share of the quota", value, 80, unit=" %"))
    section.notes += [
        "'at the API' is from the first request to the last answer: wall without the start of Python",
        "a share above 100 %: a window's requests were sent at once, faster than the quota lets through on average",
    ]
    return section


def growth(bench: Bench) -> Section:
    """Memory and rate at 10 thousand, 100 thousand and 1 million records."""
    sizes = (2_000, 10_000, 50_000) if bench.options.quick else (10_000, 100_000, 1_000_000)
    section = Section("Growth, 0 ms", ("reader", "records", "wall s", "records/s", "CPU s", "peak MB"))
    concurrency = bench.site.concurrencies(FEW)[-1]

    def task(reader: Reader, size: int) -> Callable[[], Measured]:
        def once() -> Measured:
            seen, _ = bench.watch(reader, seconds=LONGEST_RUN, invoices=size)
            if seen.records != size:
                raise ReaderFailed(f"{reader.label} wrote {seen.records} records of {size}")
            return seen

        return once

    our, plain = bench.site.our_tap(concurrency), bench.site.plain()
    planned = [(our, size) for size in sizes] + [(plain, size) for size in sizes[:2]]
    tasks = [(f"{reader.label}, {size:,}", task(reader, size)) for reader, size in planned]
    bench.warm_up(our)
    bench.warm_up(plain)
    runs = bench.in_turn(tasks, notes=section.notes)
    found = {name: medians(each) for name, each in runs.items()}
    for each in found.values():
        section.rows.append(
            (
                each.reader,
                number(each.records),
                number(each.wall, 2),
                number(each.rate),
                number(each.cpu, 2),
                number(each.peak_mb, 1),
            )
        )
    peaks = [found[name].peak_mb for size in sizes if (name := f"{our.label}, {size:,}") in found]
    section.targets.append(below("peak memory of our tap", max(peaks, default=None), 90, unit=" MB"))
    between = abs(peaks[-1] / peaks[0] - 1) * 100 if len(peaks) == len(sizes) else None
    section.targets.append(
        below(f"peak memory at {sizes[-1]:,} against {sizes[0]:,} records", between, 10, unit=" % apart")
    )
    return section


def _cells(each: Measured) -> list[str]:
    return [
        each.reader,
        number(each.records),
        number(each.wall, 2),
        number(each.rate),
        "-" if each.base_wall is None else number(each.steady_rate),
        number(each.cpu_a_record_whole),
        "-" if each.base_cpu is None else number(each.cpu_a_record),
        number(each.peak_mb),
        number(each.requests),
    ]
