"""From the API into PostgreSQL, by Meltano and target-postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.measurement import measurement, medians
from bench.meltano_project import (
    COPY_LOADER,
    DEFAULT_LOADER,
    OUR_LOADER,
    OURS,
    PLAIN,
    meltano_project,
    our_loader_settings,
    schema_of,
)
from bench.readers import NO_RATE_LIMIT
from bench.report import Section, at_least, number, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from bench.measurement import Measurement
    from bench.meltano_project import MeltanoProject
    from bench.session import Session

_CONCURRENCY = 8
_TIMES_FASTER = 2.5
_OUR_PIPELINE = f"{OURS}, loader as in our meltano.yml"
_PLAIN_PIPELINE = f"{PLAIN}, loader's default settings"
_PIPELINES = {
    _OUR_PIPELINE: (OURS, OUR_LOADER),
    _PLAIN_PIPELINE: (PLAIN, DEFAULT_LOADER),
    f"{PLAIN}, loader as in our meltano.yml": (PLAIN, OUR_LOADER),
    f"{OURS}, loader as in our meltano.yml, but with COPY": (OURS, COPY_LOADER),
}
"""Tap and loader, by label."""
_LOADER_ALONE, _DEFAULT_LOADER_ALONE = "(loader alone, our settings)", "(loader alone, default settings)"
_SCHEMA_ALONE = "alone"
_HEADER = ("pipeline", "wall s", "records/s", "without start", "CPU s", "peak MB", "rate / plain")


def into_postgres(session: Session) -> Section:
    """Measure our tap with our loader settings, the plain tap with the default ones, and the loader alone.

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
            (_LOADER_ALONE, _loader_alone(project, _LOADER_ALONE, messages, our_loader_settings(), size)),
            (_DEFAULT_LOADER_ALONE, _loader_alone(project, _DEFAULT_LOADER_ALONE, messages, {}, size)),
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
        "COPY is not set in our meltano.yml: with it target-postgres 0.8.1 rounds decimals of more than 15 digits",
    ]
    value = ratio(ours.rate, plain.rate) if ours and plain else None
    section.targets.append(at_least("into PostgreSQL: rate compared with the plain tap", value, _TIMES_FASTER))
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
    project: MeltanoProject, label: str, messages: Path, config: Mapping[str, object], invoices: int
) -> Callable[[], Measurement]:
    def once() -> Measurement:
        project.drop(_SCHEMA_ALONE)
        cost = project.run_loader(messages, {**config, "default_target_schema": _SCHEMA_ALONE})
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
