"""From the API into PostgreSQL, by Meltano and target-postgres."""

from __future__ import annotations

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
from bench.readers import NO_RATE_LIMIT
from bench.report import Section, at_least, number, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench.measurement import Measurement
    from bench.meltano_project import MeltanoProject
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
_LOADER_ALONE, _KEPT_LOADER_ALONE = "(loader alone, ours)", "(loader alone, target-postgres itself, same settings)"
_SCHEMA_ALONE = "alone"
_HEADER = ("pipeline", "wall s", "records/s", "without start", "CPU s", "peak MB", "rate / plain")


def into_postgres(session: Session) -> Section:
    """Measure our tap with our loader, the plain tap with target-postgres and its defaults, and the loaders alone.

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
        tasks = [(label, _pipeline(session, project, label, size)) for label in _PIPELINES]
        tasks += [
            (_LOADER_ALONE, _loader_alone(project, _LOADER_ALONE, OUR_LOADER, messages, size)),
            (_KEPT_LOADER_ALONE, _loader_alone(project, _KEPT_LOADER_ALONE, KEPT_LOADER, messages, size)),
        ]
        empty = [
            (f"{label}, empty", _pipeline(session, project, label, 0)) for label in (_OUR_PIPELINE, _PLAIN_PIPELINE)
        ]
        runs = session.in_turn([*tasks, *empty], notes=section.notes)
    found = {label: medians(runs[label], runs.get(f"{label}, empty", ())) for label, _ in tasks if label in runs}
    ours, plain = found.get(_OUR_PIPELINE), found.get(_PLAIN_PIPELINE)
    section.rows += [_cells(label, each, plain) for label, each in found.items()]
    section.notes += [
        "CPU is Meltano, tap and loader together, without PostgreSQL; peak is the largest process of them",
        "rows, ids and the sum of amount_with_tax in the database are those of the API, checked after every run",
    ]
    value = ratio(ours.rate, plain.rate) if ours and plain else None
    section.targets.append(at_least("into PostgreSQL: rate compared with the plain tap", value, _TIMES_FASTER))
    alone, kept = found.get(_LOADER_ALONE), found.get(_KEPT_LOADER_ALONE)
    less = ratio(kept.cpu, alone.cpu) if alone and kept else None
    section.targets.append(
        at_least("loader alone: how often its CPU fits into target-postgres's", less, _TIMES_LESS_CPU)
    )
    spared = ratio(_LARGEST_LOADER_MB, alone.peak_mb) if alone else None
    section.targets.append(at_least(f"loader alone: {_LARGEST_LOADER_MB} MB compared with its peak", spared, 1.0))
    return section


def _pipeline(session: Session, project: MeltanoProject, label: str, invoices: int) -> Callable[[], Measurement]:
    tap, loader = _PIPELINES[label]

    def once() -> Measurement:
        project.drop(schema_of(loader))
        session.server.reset(invoices=invoices, list_rows=0)
        cost = project.run(tap, loader)
        project.check(schema_of(loader), invoices)
        return measurement(label, invoices, cost, session.server.log())

    return once


def _loader_alone(
    project: MeltanoProject, label: str, loader: str, messages: Path, invoices: int
) -> Callable[[], Measurement]:
    def once() -> Measurement:
        project.drop(_SCHEMA_ALONE)
        cost = project.run_loader(loader, messages, _SCHEMA_ALONE)
        project.check(_SCHEMA_ALONE, invoices)
        return measurement(label, invoices, cost)

    return once


def _cells(label: str, each: Measurement, plain: Measurement | None) -> Sequence[str]:
    return (
        label,
        number(each.wall, 1),
        number(each.rate),
        "-" if each.empty_wall is None else number(each.rate_without_start),
        number(each.cpu, 1),
        number(each.peak_mb),
        number(ratio(each.rate, plain.rate) if plain else None, 2),
    )
