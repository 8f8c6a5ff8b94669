"""A run that finds nothing new: the tap alone, and all of Meltano with it and with a replay of its messages."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from bench.measurement import measurement, medians
from bench.meltano_project import (
    NOTHING,
    OUR_LOADER,
    OURS,
    REPLAY,
    REPLAYED_CATALOG,
    REPLAYED_MESSAGES,
    meltano_project,
)
from bench.processes import ReaderFailed, run
from bench.report import Section, below, number
from bench.session import LONGEST_RUN
from bench.tap_streams import first_streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measurement import Measurement
    from bench.meltano_project import MeltanoProject
    from bench.readers import Reader
    from bench.session import Session

_STREAMS = 100
_CONCURRENCY = 8
_LEAST_ROUNDS = 3
"""Whether something adds half a second shows only over several rounds: Meltano's own start varies by as much."""
_SECONDS_ADDED = 0.6


def nothing_new(session: Session) -> Section:
    """Measure runs over empty streams.

    Args:
        session: The session.
    """
    section = Section(
        f"A run with nothing new: {_STREAMS} empty streams at 0 ms", ("run", "wall s", "CPU s", "peak MB", "requests")
    )
    tap = session.readers.our_tap_with_streams(_STREAMS, _CONCURRENCY, rate_limited=True)
    labels = {name: f"meltano run {name} {OUR_LOADER}" for name in (OURS, REPLAY, NOTHING)}
    taps: dict[str, dict[str, str]] = {name: {} for name in labels}
    selection = [f"{stream.name}.*" for stream in first_streams(_STREAMS)]
    with meltano_project(session, taps=taps, select=selection) as project:
        for arguments, recording in ((("--discover",), REPLAYED_CATALOG), ((), REPLAYED_MESSAGES)):
            _run_tap(session, tap, *arguments)
            shutil.copyfile(session.readers.folder / "out", recording)
        pipelines = [(label, _pipeline(session, project, label, name)) for name, label in labels.items()]
        for _, pipeline in pipelines:
            _warm_up(pipeline)
        tasks = [(tap.label, lambda: _run_tap(session, tap)), *pipelines]
        runs = session.in_turn(tasks, notes=section.notes, rounds=max(session.options.rounds, _LEAST_ROUNDS))
    found = {label: medians(each) for label, each in runs.items()}
    section.rows += [
        (label, number(each.wall, 2), number(each.cpu, 2), number(each.peak_mb), number(each.requests))
        for label, each in found.items()
    ]
    ours = found.get(labels[OURS])
    # Both readings of the requirement; the second includes work of Meltano and the loader that grows with the streams.
    for name, what in ((REPLAY, "a replay of its messages"), (NOTHING, "a run without streams")):
        other = found.get(labels[name])
        added = ours.wall - other.wall if ours and other else None
        target = f"a run with {_STREAMS} empty streams: what our tap adds to {what}"
        section.targets.append(below(target, added, _SECONDS_ADDED, unit=" s", digits=2))
    section.notes += [
        f"{REPLAY} prints the catalog and the messages of our tap from two files: the difference is our tap",
        "Meltano has kept the catalog, as it does for taps that are installed",
        f"{NOTHING} has no streams: the difference is what Meltano and the loader take for {_STREAMS} streams",
    ]
    return section


def _run_tap(session: Session, tap: Reader, *arguments: str) -> Measurement:
    session.server.reset(invoices=0, list_rows=0)
    command = [*tap.command, *arguments]
    cost, _ = run(command, folder=session.readers.folder, variables=tap.variables, seconds=LONGEST_RUN)
    return measurement(tap.label, 0, cost, session.server.log())


def _pipeline(session: Session, project: MeltanoProject, label: str, name: str) -> Callable[[], Measurement]:
    def once() -> Measurement:
        session.server.reset(invoices=0, list_rows=0)
        cost = project.run(name, OUR_LOADER)
        return measurement(label, 0, cost, session.server.log())

    return once


def _warm_up(task: Callable[[], Measurement]) -> None:
    """Run something once before it is measured; if it fails, that shows when it is."""
    try:
        task()
    except ReaderFailed:
        return
