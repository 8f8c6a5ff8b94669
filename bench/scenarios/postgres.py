"""From the API into PostgreSQL: by Meltano and target-postgres, and by dlt."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bench.measurement import measurement, medians
from bench.meltano_project import (
    DEFAULT_LOADER,
    KEPT_LOADER,
    OUR_LOADER,
    OURS,
    PLAIN,
    meltano_project,
    schema_of,
)
from bench.processes import run
from bench.readers import DLT_SCHEMA, NO_RATE_LIMIT
from bench.report import Section, at_least, number, ratio
from bench.session import LONGEST_RUN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.measurement import Measurement
    from bench.meltano_project import MeltanoProject
    from bench.processes import Cost
    from bench.session import Session

_CONCURRENCY = 8
_TIMES_FASTER = 5.0
_TIMES_LESS_CPU = 5.0
_LARGEST_LOADER_MB = 150
_OUR_PIPELINE = f"{OURS}, loader as in our meltano.yml"
_PLAIN_PIPELINE = f"{PLAIN}, loader's default settings"
_PIPELINES = {
    _OUR_PIPELINE: (OURS, OUR_LOADER),
    _PLAIN_PIPELINE: (PLAIN, DEFAULT_LOADER),
    f"{PLAIN}, loader as in our meltano.yml": (PLAIN, OUR_LOADER),
    f"{OURS}, target-postgres itself, same settings": (OURS, KEPT_LOADER),
}
"""Tap and loader, by label."""
_DLT = {
    "dlt, defaults": ("", False),
    "dlt, CSV, tuned": ("csv", True),
    "dlt, Parquet with ADBC, tuned": ("parquet", True),
}
"""Format of the load files and whether it is tuned, by label."""
_TIMES_FASTER_THAN_DLT = 2.0
_LOADER_ALONE, _KEPT_LOADER_ALONE = "(loader alone, ours)", "(loader alone, target-postgres itself, same settings)"
_SCHEMA_ALONE = "alone"
_MEGABYTE = 1e6
_HEADER = ("pipeline", "wall s", "records/s", "without start", "CPU s", "peak MB", "MB of WAL", "rate / plain")


def into_postgres(session: Session) -> Section:
    """Measure our tap with our loader, the plain tap with target-postgres and its defaults, dlt, and the loaders alone.

    Args:
        session: The session.
    """
    size = session.options.size(100_000, 5_000)
    section = Section(f"Into PostgreSQL, 0 ms, no rate limit: {size:,} invoices", _HEADER)
    taps = {OURS: NO_RATE_LIMIT, PLAIN: session.readers.plain().variables}
    with meltano_project(session, taps=taps, select=["invoices.*"]) as project:
        messages = session.readers.folder / "messages"
        session.read(session.readers.our_tap(_CONCURRENCY), size)
        (session.readers.folder / "out").rename(messages)
        loads = _Loads(session, project)
        tasks: list[tuple[str, Callable[[], Measurement]]] = [
            (label, partial(loads.by_meltano, label, size)) for label in _PIPELINES
        ]
        tasks += [(label, partial(loads.by_dlt, label, size)) for label in _DLT]
        tasks += [
            (_LOADER_ALONE, _loader_alone(project, _LOADER_ALONE, OUR_LOADER, messages, size)),
            (_KEPT_LOADER_ALONE, _loader_alone(project, _KEPT_LOADER_ALONE, KEPT_LOADER, messages, size)),
        ]
        empty = [
            (f"{label}, empty", partial(_Loads(session, project).by_meltano, label, 0))
            for label in (_OUR_PIPELINE, _PLAIN_PIPELINE)
        ]
        runs = session.in_turn([*tasks, *empty], notes=section.notes)
    found = {label: medians(runs[label], runs.get(f"{label}, empty", ())) for label, _ in tasks if label in runs}
    ours, plain = found.get(_OUR_PIPELINE), found.get(_PLAIN_PIPELINE)
    section.rows += [_cells(label, each, plain, loads.wal.get(label)) for label, each in found.items()]
    section.notes += [
        "CPU is Meltano, tap and loader together, without PostgreSQL; peak is the largest process of them",
        "dlt merges by id, as our loader does; tuned: no compression, larger buffers, two normalizers, orjson",
        "rows, ids and the sum of amount_with_tax in the database are those of the API, checked after every run",
    ]
    value = ratio(ours.rate, plain.rate) if ours and plain else None
    section.targets.append(at_least("into PostgreSQL: rate compared with the plain tap", value, _TIMES_FASTER))
    fastest = max((each.rate for label, each in found.items() if label in _DLT), default=None)
    value = ratio(ours.rate, fastest) if ours and fastest else None
    section.targets.append(
        at_least("into PostgreSQL: rate compared with the fastest dlt", value, _TIMES_FASTER_THAN_DLT)
    )
    alone, kept = found.get(_LOADER_ALONE), found.get(_KEPT_LOADER_ALONE)
    less = ratio(kept.cpu, alone.cpu) if alone and kept else None
    section.targets.append(
        at_least("loader alone: how often its CPU fits into target-postgres's", less, _TIMES_LESS_CPU)
    )
    spared = ratio(_LARGEST_LOADER_MB, alone.peak_mb) if alone else None
    section.targets.append(at_least(f"loader alone: {_LARGEST_LOADER_MB} MB compared with its peak", spared, 1.0))
    return section


@dataclass(frozen=True)
class _Loads:
    """Loads the list into an empty schema, and checks it.

    Args:
        session: The session.
        project: The Meltano project.
    """

    session: Session
    project: MeltanoProject
    wal: dict[str, float] = field(default_factory=dict)
    """Bytes of WAL of the last load, by label."""

    def by_meltano(self, label: str, invoices: int) -> Measurement:
        """Load by tap and loader."""
        tap, loader = _PIPELINES[label]
        return self._once(label, schema_of(loader), invoices, lambda: self.project.run(tap, loader))

    def by_dlt(self, label: str, invoices: int) -> Measurement:
        """Load by dlt."""
        file_format, tuned = _DLT[label]
        readers, project = self.session.readers, self.project
        peer = readers.dlt_into_postgres(label, project.database_url, file_format=file_format, tuned=tuned)

        def load() -> Cost:
            cost, _ = run(peer.command, folder=project.folder, variables=peer.variables, seconds=LONGEST_RUN)
            return cost

        readers.clear_outputs()
        return self._once(label, DLT_SCHEMA, invoices, load)

    def _once(self, label: str, schema: str, invoices: int, load: Callable[[], Cost]) -> Measurement:
        self.project.drop(schema)
        self.session.server.reset(invoices=invoices, list_rows=0)
        cost, self.wal[label] = self.project.with_wal(load)
        self.project.check(schema, invoices)
        return measurement(label, invoices, cost, self.session.server.log())


def _loader_alone(
    project: MeltanoProject, label: str, loader: str, messages: Path, invoices: int
) -> Callable[[], Measurement]:
    def once() -> Measurement:
        project.drop(_SCHEMA_ALONE)
        cost = project.run_loader(loader, messages, _SCHEMA_ALONE)
        project.check(_SCHEMA_ALONE, invoices)
        return measurement(label, invoices, cost)

    return once


def _cells(label: str, each: Measurement, plain: Measurement | None, wal: float | None) -> Sequence[str]:
    return (
        label,
        number(each.wall, 1),
        number(each.rate),
        "-" if each.empty_wall is None else number(each.rate_without_start),
        number(each.cpu, 1),
        number(each.peak_mb),
        "-" if wal is None else number(wal / _MEGABYTE),
        number(ratio(each.rate, plain.rate) if plain else None, 2),
    )
