"""The columns that tables of readers share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report import number

if TYPE_CHECKING:
    from bench.measurement import Measurement

HEADER = (
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
NOTE_ON_START = (
    "'without start' does not count what the same reader takes for an empty list, measured in the same rounds; "
    "ratios are of these"
)


def cells(measured: Measurement) -> list[str]:
    """Return the cells of a reader.

    Args:
        measured: Its medians.
    """
    return [
        measured.reader,
        number(measured.records),
        number(measured.wall, 2),
        number(measured.rate),
        "-" if measured.empty_wall is None else number(measured.rate_without_start),
        number(measured.cpu_per_record),
        "-" if measured.empty_cpu is None else number(measured.cpu_per_record_without_start),
        number(measured.peak_mb),
        number(measured.requests),
    ]
