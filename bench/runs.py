"""Measuring readers in turn, and holding what they wrote against what the server gave."""

from __future__ import annotations

import json
import shutil
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from bench.outputs import Contents, contents, rows_of
from bench.pages import FIRST_ID, expected_sum
from bench.processes import ReaderFailed, run
from bench.statistics import measured, medians

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.processes import Request, ServerAtWork
    from bench.readers import Reader, Site
    from bench.statistics import Measured

LONGEST_RUN = 900.0


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Args:
        quick: Fewer records and one round, for whoever works on it; its numbers are rough.
        rounds: How often each reader runs.
        budget: Seconds after which a scenario begins no new round.
    """

    quick: bool
    rounds: int
    budget: float

    def of(self, full: int, quick: int) -> int:
        """Choose a size.

        Args:
            full: For results.
            quick: For a quick run.
        """
        return quick if self.quick else full


@dataclass
class Bench:
    """What the scenarios work with.

    Args:
        site: The readers' files.
        server: What they read.
        options: How much is measured.
        failures: What went wrong so far; the run then ends with 1.
    """

    site: Site
    server: ServerAtWork
    options: Options
    failures: list[str] = field(default_factory=list)

    def read(
        self, reader: Reader, invoices: int, *, latency_ms: int = 0, check: Callable[[], None] | None = None
    ) -> Measured:
        """Run a reader over the whole list and hold what it wrote against what is there.

        Args:
            reader: Which.
            invoices: Length of the list.
            latency_ms: Milliseconds a request takes.
            check: What else to look at while its output is there.

        Returns:
            The measurement.

        Raises:
            ReaderFailed: If it fails, or wrote anything else than the list.
        """
        self.server.reset(invoices=invoices, latency_ms=latency_ms, list_rows=0)
        self.clear()
        cost, _ = run(reader.command, folder=self.site.folder, own_environment=reader.environment, seconds=LONGEST_RUN)
        found, there = contents(rows_of(reader.form, self.site.folder)), expected(invoices)
        if found != there:
            raise ReaderFailed(f"{reader.label} wrote {found}, but there was {there}")
        if check is not None:
            check()
        return measured(reader.label, invoices, cost, self.server.log())

    def watch(self, reader: Reader, *, seconds: float, **wishes: int | str) -> tuple[Measured, list[Request]]:
        """Run a reader for some time, or to its end, without keeping what it writes.

        Args:
            reader: Which.
            seconds: How long.
            wishes: What the server serves meanwhile.

        Returns:
            The measurement, and what the server saw.

        Raises:
            ReaderFailed: If it fails.
        """
        self.server.reset(**wishes)
        self.clear()
        cost, records = run(
            reader.command,
            folder=self.site.folder,
            own_environment=reader.environment,
            seconds=seconds,
            to_file=False,
            may_stop=True,
        )
        log = self.server.log()
        return measured(reader.label, records, cost, log), log

    def in_turn(
        self, tasks: Sequence[tuple[str, Callable[[], Measured]]], *, notes: list[str], rounds: int | None = None
    ) -> dict[str, list[Measured]]:
        """Run tasks A B C A B C …, until the rounds are done or the scenario's time is over.

        Args:
            tasks: Names and what they do; one that fails is left out from then on.
            notes: Where it is said if there were fewer rounds.
            rounds: How many; as many as the options say if None.

        Returns:
            The measurements by name.
        """
        begun, wanted = time.monotonic(), rounds or self.options.rounds
        done: dict[str, list[Measured]] = {name: [] for name, _ in tasks}
        failed: set[str] = set()
        for number in range(wanted):
            if number and time.monotonic() - begun > self.options.budget:
                notes.append(f"the time for this scenario was over after {number} of {wanted} rounds")
                break
            for name, task in tasks:
                if name in failed:
                    continue
                try:
                    once = task()
                except ReaderFailed as failure:
                    failed.add(name)
                    self.failures.append(f"{name}: {failure}")
                    notes.append(f"{name} FAILED: {str(failure).splitlines()[-1][:200]}")
                    print(f"  {name} FAILED: {failure}", file=sys.stderr, flush=True)
                    continue
                done[name].append(once)
                told = f"{once.wall:.2f} s, CPU {once.cpu:.2f} s, {once.peak_mb:.0f} MB"
                print(f"  {number + 1}/{wanted} {name}: {once.records:,} records, {told}", flush=True)
        return {name: runs for name, runs in done.items() if runs and name not in failed}

    def compare(
        self, sized: Sequence[tuple[Reader, int]], *, latency_ms: int, notes: list[str], check: Callable[[Reader], None]
    ) -> dict[str, Measured]:
        """Measure readers in turn, each over an empty list too, so that its start can be told from its work.

        Args:
            sized: Readers, and the length of the list that each reads.
            latency_ms: Milliseconds a request takes.
            notes: Where to say what happened.
            check: What else to look at after each reading.

        Returns:
            Medians by label.
        """
        for reader, _ in sized:
            self.warm_up(reader)

        def task(reader: Reader, invoices: int) -> Callable[[], Measured]:
            return lambda: self.read(reader, invoices, latency_ms=latency_ms, check=lambda: check(reader))

        def start(reader: Reader) -> Callable[[], Measured]:
            return lambda: self.read(reader, 0, latency_ms=latency_ms)

        tasks = [(reader.label, task(reader, size)) for reader, size in sized]
        starts = [(f"{reader.label}, empty list", start(reader)) for reader, _ in sized]
        runs = self.in_turn([*tasks, *starts], notes=notes)
        return {
            reader.label: medians(runs[reader.label], runs.get(f"{reader.label}, empty list", ()))
            for reader, _ in sized
            if reader.label in runs
        }

    def warm_up(self, reader: Reader) -> None:
        """Run a reader once over an empty list, so that its modules are compiled and in memory.

        Args:
            reader: Which; if it fails, that shows when it is measured.
        """
        self.server.reset(invoices=0, list_rows=0)
        try:
            run(reader.command, folder=self.site.folder, own_environment=reader.environment, seconds=LONGEST_RUN)
        except ReaderFailed:
            return

    def clear(self) -> None:
        """Forget what dlt wrote."""
        shutil.rmtree(self.site.folder / "dlt", ignore_errors=True)


@cache
def expected(invoices: int) -> Contents:
    """Say what a reader must have written.

    Args:
        invoices: Length of the list.
    """
    ids = "\n".join(str(FIRST_ID + index) for index in range(invoices))
    return Contents(invoices, invoices, sha256(ids.encode()).hexdigest(), expected_sum(invoices))


def stream_counts(lines: Sequence[bytes]) -> dict[str, int]:
    """Count the records of each stream.

    Args:
        lines: What a Singer tap wrote.

    Returns:
        Records by stream; streams without any are left out.
    """
    counts: dict[str, int] = {}
    for line in lines:
        message = json.loads(line)
        if message["type"] == "RECORD":
            counts[message["stream"]] = counts.get(message["stream"], 0) + 1
    return counts
