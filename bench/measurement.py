"""The measurement of one run of a reader, and medians of several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.processes import Cost
    from bench.server.process import LoggedRequest


@dataclass(frozen=True)
class Measurement:
    """One run of one reader, or the median of several.

    Args:
        reader: Its label.
        records: How many it wrote.
        wall: Seconds from start to end.
        cpu: Seconds of CPU, in the program and in the kernel.
        peak_mb: Megabytes: the largest resident size.
        requests: How many were answered with 200.
        refused: How many were answered with 429.
        rounds: How many runs this is the median of.
        quota_share: The share of the rate limit that was used, where there is one.
        empty_wall: Wall seconds of the same reader for an empty list, where that was measured.
        empty_cpu: Its CPU seconds for an empty list.
    """

    reader: str
    records: int
    wall: float
    cpu: float
    peak_mb: float
    requests: int = 0
    refused: int = 0
    rounds: int = 1
    quota_share: float | None = None
    empty_wall: float | None = None
    empty_cpu: float | None = None

    @property
    def rate(self) -> float:
        """Records per second of the entire run."""
        return self.records / self.wall if self.wall else 0.0

    @property
    def rate_without_start(self) -> float:
        """Records per second, not counting the time for an empty list."""
        return _over(self.records, self.wall - (self.empty_wall or 0))

    @property
    def cpu_per_record(self) -> float:
        """Microseconds of CPU per record of the entire run."""
        return 1e6 * _over(self.cpu, self.records)

    @property
    def cpu_per_record_without_start(self) -> float:
        """Microseconds of CPU per record, not counting the CPU time for an empty list."""
        return 1e6 * _over(self.cpu - (self.empty_cpu or 0), self.records)


def measurement(reader: str, records: int, cost: Cost, log: Sequence[LoggedRequest] = ()) -> Measurement:
    """Return the measurement of one run.

    Args:
        reader: Its label.
        records: How many it wrote.
        cost: What the process cost.
        log: What the server saw.
    """
    return Measurement(
        reader,
        records,
        cost.wall,
        cost.cpu,
        cost.peak_mb,
        requests=sum(request.status == HTTPStatus.OK for request in log),
        refused=sum(request.status == HTTPStatus.TOO_MANY_REQUESTS for request in log),
    )


def medians(runs: Sequence[Measurement], empty: Sequence[Measurement] = ()) -> Measurement:
    """Return the median of each number by itself; of refused requests the maximum.

    Args:
        runs: Runs of one reader over one list.
        empty: Runs of the same reader over an empty list.

    Raises:
        ValueError: If the runs are not of the same reader and list.
    """
    if len({(run.reader, run.records) for run in runs}) != 1:
        raise ValueError(f"no median of different runs: {[(run.reader, run.records) for run in runs]}")
    shares = [run.quota_share for run in runs if run.quota_share is not None]
    return replace(
        runs[0],
        wall=median(run.wall for run in runs),
        cpu=median(run.cpu for run in runs),
        peak_mb=median(run.peak_mb for run in runs),
        requests=round(median(run.requests for run in runs)),
        refused=max(run.refused for run in runs),
        rounds=len(runs),
        quota_share=median(shares) if shares else None,
        empty_wall=median(run.wall for run in empty) if empty else None,
        empty_cpu=median(run.cpu for run in empty) if empty else None,
    )


def medians_of_timed_runs(runs: Sequence[Measurement]) -> Measurement:
    """Return the medians of runs that were stopped by the clock, and so did not read the same number of records.

    Args:
        runs: Runs of one reader.
    """
    counts = sorted(run.records for run in runs)
    return medians([replace(run, records=counts[len(counts) // 2]) for run in runs])


def _over(part: float, total: float) -> float:
    return part / total if total > 0 and part > 0 else 0.0
