"""Medians, rates and shares: the pure part of the bench."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.processes import Cost, Request

OK, TOO_MANY = 200, 429


@dataclass(frozen=True)
class RateLimiter:
    """A window of requests.

    Args:
        limit: How many.
        period: In how many seconds.
    """

    limit: int
    period: float

    def __str__(self) -> str:
        """As the server's option has it."""
        return f"{self.limit}/{self.period:g}"


@dataclass(frozen=True)
class Measured:
    """One run of one reader, or the median of several.

    Args:
        reader: Its label.
        records: How many it wrote.
        wall: Seconds.
        cpu: Seconds, program and kernel.
        peak_mb: Largest resident size.
        requests: How many were answered with 200.
        refused: How many were answered with 429.
        rounds: How many runs this is the median of.
        share: Of the quota, where there is one.
        base_wall: Seconds that the same reader takes for an empty list, where that was measured.
        base_cpu: Its CPU seconds for that.
        remark: What a reader of the table has to know.
    """

    reader: str
    records: int
    wall: float
    cpu: float
    peak_mb: float
    requests: int = 0
    refused: int = 0
    rounds: int = 1
    share: float | None = None
    base_wall: float | None = None
    base_cpu: float | None = None
    remark: str = ""

    @property
    def rate(self) -> float:
        """Records a second of the whole run."""
        return self.records / self.wall if self.wall else 0.0

    @property
    def steady_rate(self) -> float:
        """Records a second without what an empty list takes."""
        return _over(self.records, self.wall - (self.base_wall or 0))

    @property
    def cpu_a_record(self) -> float:
        """Microseconds of CPU a record, without what an empty list takes."""
        return 1e6 * _over(self.cpu - (self.base_cpu or 0), self.records)

    @property
    def cpu_a_record_whole(self) -> float:
        """Microseconds of CPU a record, all of the run."""
        return 1e6 * _over(self.cpu, self.records)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 and part > 0 else 0.0


def measured(reader: str, records: int, cost: Cost, log: Sequence[Request] = (), remark: str = "") -> Measured:
    """Put together what one run was.

    Args:
        reader: Label.
        records: How many it wrote.
        cost: What it took.
        log: What the server saw.
        remark: What a reader of the table has to know.

    Returns:
        One run.
    """
    return Measured(
        reader,
        records,
        cost.wall,
        cost.cpu,
        cost.peak_mb,
        requests=sum(request.status == OK for request in log),
        refused=sum(request.status == TOO_MANY for request in log),
        remark=remark,
    )


def medians(runs: Sequence[Measured], empty: Sequence[Measured] = ()) -> Measured:
    """Take the median of each number by itself.

    Args:
        runs: Runs of one reader over the same list.
        empty: Its runs over an empty list.

    Returns:
        Their medians; of refusals the most.

    Raises:
        ValueError: If the runs are not of the same reader and list.
    """
    if len({(run.reader, run.records) for run in runs}) != 1:
        raise ValueError(f"no median of different things: {[(run.reader, run.records) for run in runs]}")
    shares = [run.share for run in runs if run.share is not None]
    return replace(
        runs[0],
        wall=median(run.wall for run in runs),
        cpu=median(run.cpu for run in runs),
        peak_mb=median(run.peak_mb for run in runs),
        requests=round(median(run.requests for run in runs)),
        refused=max(run.refused for run in runs),
        rounds=len(runs),
        share=median(shares) if shares else None,
        base_wall=median(run.wall for run in empty) if empty else None,
        base_cpu=median(run.cpu for run in empty) if empty else None,
    )


def steady_share(log: Iterable[Request], quota: RateLimiter, *, minute: float) -> float:
    """How much of a quota was used, from the second window on.

    Args:
        log: What the server saw.
        quota: What it allowed.
        minute: Over how many seconds.

    Returns:
        Answered requests over permitted ones; of a log that ends before, over what was permitted until then.
    """
    times = sorted(request.at for request in log if request.status == OK)
    if not times:
        return 0.0
    start = times[0] + quota.period
    end = min(start + minute, times[-1])
    if end <= start:
        return 0.0
    count = sum(start <= time < end for time in times)
    return count / (quota.limit * (end - start) / quota.period)


def burst_share(log: Iterable[Request], quota: RateLimiter) -> float:
    """How much of a quota a short run used, from its first request to its last.

    Args:
        log: What the server saw.
        quota: What it allowed.

    Returns:
        Answered requests over those permitted at an even pace; above 1 where a window's start was used for a burst.
    """
    times = sorted(request.at for request in log if request.status == OK)
    if not times or times[-1] == times[0]:
        return 0.0
    return (len(times) - 1) / (quota.limit * (times[-1] - times[0]) / quota.period)
