"""10 thousand, 100 thousand and 1 million records: whether memory and rate stay the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measurement import medians
from bench.processes import ReaderFailed
from bench.report import Section, below, number
from bench.session import LONGEST_RUN

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measurement import Measurement
    from bench.readers import Reader
    from bench.session import Session

_CONCURRENCY = 8
_MEGABYTES = 90
_PERCENT_APART = 10


def growth(session: Session) -> Section:
    """Measure our tap on three sizes of the list, and the plain tap on two.

    Args:
        session: The session.
    """
    sizes = (2_000, 10_000, 50_000) if session.options.quick else (10_000, 100_000, 1_000_000)
    section = Section("Growth, 0 ms", ("reader", "records", "wall s", "records/s", "CPU s", "peak MB"))
    ours, plain = session.readers.our_tap(_CONCURRENCY), session.readers.plain()
    planned = [(ours, size) for size in sizes] + [(plain, size) for size in sizes[:2]]
    tasks = [(f"{reader.label}, {size:,}", _task(session, reader, size)) for reader, size in planned]
    session.warm_up(ours)
    session.warm_up(plain)
    found = {name: medians(runs) for name, runs in session.in_turn(tasks, notes=section.notes).items()}
    section.rows += [
        (
            each.reader,
            number(each.records),
            number(each.wall, 2),
            number(each.rate),
            number(each.cpu, 2),
            number(each.peak_mb, 1),
        )
        for each in found.values()
    ]
    peaks = [found[name].peak_mb for size in sizes if (name := f"{ours.label}, {size:,}") in found]
    difference = abs(peaks[-1] / peaks[0] - 1) * 100 if len(peaks) == len(sizes) else None
    section.targets += [
        below("peak memory of our tap", max(peaks, default=None), _MEGABYTES, unit=" MB"),
        below(
            f"peak memory at {sizes[-1]:,} compared with {sizes[0]:,} records",
            difference,
            _PERCENT_APART,
            unit=" % apart",
        ),
    ]
    return section


def _task(session: Session, reader: Reader, size: int) -> Callable[[], Measurement]:
    def once() -> Measurement:
        run, _ = session.watch(reader, seconds=LONGEST_RUN, invoices=size)
        if run.records != size:
            raise ReaderFailed(f"{reader.label} wrote {run.records} records of {size}")
        return run

    return once
