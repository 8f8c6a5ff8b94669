"""One session of the benchmark: runs readers in rounds, and checks what they wrote against what the server served."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.comparison import expected_totals, totals
from bench.measurement import measurement, medians
from bench.outputs import ids_and_amounts
from bench.processes import ReaderFailed, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measurement import Measurement
    from bench.readers import Reader, Readers
    from bench.server.process import LoggedRequest, RunningServer

LONGEST_RUN = 900.0
"""Seconds after which a run is stopped."""


@dataclass(frozen=True)
class Options:
    """How much is measured.

    Args:
        quick: Fewer records and one round, for whoever works on it; its numbers are rough.
        rounds: How often each reader runs.
        budget: Seconds after which a scenario starts no new round.
    """

    quick: bool
    rounds: int
    budget: float

    def size(self, full: int, quick: int) -> int:
        """Return one of two sizes.

        Args:
            full: For results.
            quick: For a quick session.
        """
        return quick if self.quick else full


@dataclass
class Session:
    """What the scenarios work with.

    Args:
        readers: The readers.
        server: What they read.
        options: How much is measured.
        failures: What failed so far; if anything did, the benchmark exits with 1.
    """

    readers: Readers
    server: RunningServer
    options: Options
    failures: list[str] = field(default_factory=list)

    def read(
        self, reader: Reader, invoices: int, *, latency_ms: int = 0, check: Callable[[], None] | None = None
    ) -> Measurement:
        """Run a reader over the entire list, and check what it wrote.

        Args:
            reader: The reader.
            invoices: Length of the list.
            latency_ms: Milliseconds that a request takes.
            check: Called while the output exists.

        Returns:
            The measurement.

        Raises:
            ReaderFailed: If it fails, or wrote anything but the list.
        """
        self.server.reset(invoices=invoices, latency_ms=latency_ms, list_rows=0)
        self.readers.clear_outputs()
        cost, _ = run(reader.command, folder=self.readers.folder, variables=reader.variables, seconds=LONGEST_RUN)
        written = totals(ids_and_amounts(reader.output_format, self.readers.folder))
        expected = expected_totals(invoices)
        if written != expected:
            raise ReaderFailed(f"{reader.label} wrote {written}, expected {expected}")
        if check is not None:
            check()
        return measurement(reader.label, invoices, cost, self.server.log())

    def watch(
        self, reader: Reader, *, seconds: float, **settings: int | str
    ) -> tuple[Measurement, list[LoggedRequest]]:
        """Run a reader to its end or for some time, without keeping what it writes.

        Args:
            reader: The reader.
            seconds: How long.
            settings: What the server serves meanwhile.

        Returns:
            The measurement, and what the server saw.

        Raises:
            ReaderFailed: If it fails.
        """
        self.server.reset(**settings)
        self.readers.clear_outputs()
        cost, records = run(
            reader.command,
            folder=self.readers.folder,
            variables=reader.variables,
            seconds=seconds,
            to_file=False,
            may_time_out=True,
        )
        log = self.server.log()
        return measurement(reader.label, records, cost, log), log

    def in_turn(
        self, tasks: Sequence[tuple[str, Callable[[], Measurement]]], *, notes: list[str], rounds: int | None = None
    ) -> dict[str, list[Measurement]]:
        """Run tasks A B C A B C …, until all rounds are done or the scenario's time is up.

        Args:
            tasks: Names and functions; one that fails is left out from then on.
            notes: Gets a line if there were fewer rounds, and one for each failure.
            rounds: How many; as many as the options say if None.

        Returns:
            The measurements by name, of tasks that did not fail.
        """
        started, wanted = time.monotonic(), rounds or self.options.rounds
        done: dict[str, list[Measurement]] = {name: [] for name, _ in tasks}
        failed: set[str] = set()
        for number in range(wanted):
            if number and time.monotonic() - started > self.options.budget:
                notes.append(f"the time for this scenario was up after {number} of {wanted} rounds")
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
                cost = f"{once.wall:.2f} s, CPU {once.cpu:.2f} s, {once.peak_mb:.0f} MB"
                print(f"  {number + 1}/{wanted} {name}: {once.records:,} records, {cost}", flush=True)
        return {name: runs for name, runs in done.items() if runs and name not in failed}

    def compare(
        self, sized: Sequence[tuple[Reader, int]], *, latency_ms: int, notes: list[str], check: Callable[[Reader], None]
    ) -> dict[str, Measurement]:
        """Measure readers in turn, each over an empty list too, to separate its start from its work.

        Args:
            sized: Readers, and the length of the list that each reads.
            latency_ms: Milliseconds that a request takes.
            notes: Gets what a reader of the results has to know.
            check: Called with the reader while its output exists.

        Returns:
            Medians by label.
        """
        for reader, _ in sized:
            self.warm_up(reader)

        def full(reader: Reader, invoices: int) -> Callable[[], Measurement]:
            return lambda: self.read(reader, invoices, latency_ms=latency_ms, check=lambda: check(reader))

        def empty(reader: Reader) -> Callable[[], Measurement]:
            return lambda: self.read(reader, 0, latency_ms=latency_ms)

        tasks = [(reader.label, full(reader, size)) for reader, size in sized]
        tasks += [(f"{reader.label}, empty list", empty(reader)) for reader, _ in sized]
        runs = self.in_turn(tasks, notes=notes)
        return {
            reader.label: medians(runs[reader.label], runs.get(f"{reader.label}, empty list", ()))
            for reader, _ in sized
            if reader.label in runs
        }

    def warm_up(self, reader: Reader) -> None:
        """Run a reader once over an empty list, so that its modules are compiled and in memory.

        Args:
            reader: The reader; if it fails, that shows when it is measured.
        """
        self.server.reset(invoices=0, list_rows=0)
        try:
            run(reader.command, folder=self.readers.folder, variables=reader.variables, seconds=LONGEST_RUN)
        except ReaderFailed:
            return
