"""A night with nothing new, and one in which 1 % of the rows have changed, through Meltano into PostgreSQL.

All lists of the sandbox are read, with `skip_unchanged` and without. Both pipelines have a state and tables of their
own in one database, and see the same changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from bench.measurement import measurement, medians
from bench.meltano_project import NOTHING, OUR_LOADER, OURS, meltano_project
from bench.processes import Cost, ReaderFailed
from bench.readers import NO_RATE_LIMIT
from bench.report import Section, below, number
from sandbox.admin_client import AdminClient

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.measurement import Measurement
    from bench.meltano_project import MeltanoProject
    from bench.session import Session

_PIPELINES = {"skip_unchanged": "true", "every row": "false"}
_NOTHING_NEW, _CHANGED = "nothing new", "1 % changed"
_CHANGES = "(changes)"
_ONE_IN = 100
_CHANGING = {
    "deals": "name",
    "expenses": "name",
    "invoices": "subject",
    "line_items": "description",
    "payments": "note",
    "people": "title",
    "services": "description",
    "tasks": "title",
    "time_entries": "note",
}
"""The lists in which rows change, the longest ones, and a column of text in each."""
_USUAL_ROWS = 1
"""Of the sandbox. With ten times as many, most of a night is reading them, which the rate limit of an API bounds."""
_SECONDS_ADDED = 1.5
_MEGABYTE = 1e6


def quiet_night(session: Session) -> Section:
    """Measure both nights.

    Args:
        session: The session.
    """
    section = Section(
        "Nights after the first: all lists of the sandbox, 0 ms, no rate limit",
        ("night", "wall s", "CPU s", "peak MB", "MB of WAL"),
    )
    taps: dict[str, dict[str, str]] = {OURS: dict(NO_RATE_LIMIT), NOTHING: {}}
    with meltano_project(session, taps=taps, select=["*.*"], sandbox_scale=_USUAL_ROWS) as project:
        nights = [_Night(project, what, how) for what in (_NOTHING_NEW, _CHANGED) for how in _PIPELINES]
        with AdminClient(project.sandbox_url) as admin:
            admin.set_limits([])
            for how in _PIPELINES:
                for _ in range(2):  # the first night, and one that tells what a list by number has lost
                    _run(project, how)
            without = f"meltano run {NOTHING} {OUR_LOADER}"
            tasks = [(night.label, night.once) for night in nights if night.what == _NOTHING_NEW]
            tasks.append((without, lambda: measurement(without, 0, project.run(NOTHING, OUR_LOADER))))
            tasks.append((_CHANGES, _changes(admin)))
            tasks += [(night.label, night.once) for night in nights if night.what == _CHANGED]
            runs = session.in_turn(tasks, notes=section.notes)
        _check_equal(project)
    found = {label: medians(each) for label, each in runs.items() if label != _CHANGES}
    wal = {night.label: night.wal for night in nights}
    section.rows += [
        (
            label,
            number(each.wall, 2),
            number(each.cpu, 2),
            number(each.peak_mb),
            number(median(wal[label]) / _MEGABYTE, 1) if wal.get(label) else "-",
        )
        for label, each in found.items()
    ]
    section.notes.append("the sandbox has its usual rows; the tables of both pipelines were compared")
    quiet, bare = found.get(f"{_NOTHING_NEW}, skip_unchanged"), found.get(without)
    added = quiet.wall - bare.wall if quiet and bare else None
    section.targets.append(
        below("a night with nothing new: added to a run without streams", added, _SECONDS_ADDED, unit=" s", digits=2)
    )
    return section


@dataclass
class _Night:
    """A night of one pipeline.

    Args:
        project: The Meltano project.
        what: What is new.
        how: The pipeline.
    """

    project: MeltanoProject
    what: str
    how: str
    wal: list[float] = field(default_factory=list)
    """Bytes of WAL that each run wrote."""

    @property
    def label(self) -> str:
        """Its name in the table."""
        return f"{self.what}, {self.how}"

    def once(self) -> Measurement:
        """Run it."""
        measured, written = self.project.with_wal(lambda: _run(self.project, self.how))
        self.wal.append(written)
        return measurement(self.label, 0, measured)


def _schema(how: str) -> str:
    return how.replace(" ", "_")


def _run(project: MeltanoProject, how: str) -> Cost:
    variables = {
        "TAP_PRODUCTIVE_API_URL": f"{project.sandbox_url}/productive/api/v2",
        "TAP_PRODUCTIVE_SKIP_UNCHANGED": _PIPELINES[how],
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": _schema(how),
        # Meltano keeps a catalog for the settings that it was made with, one in each of these folders.
        "MELTANO_SYS_DIR_ROOT": str(project.folder / f"meltano_{_schema(how)}"),
    }
    return project.run(OURS, OUR_LOADER, f"--state-id-suffix={_schema(how)}", variables=variables)


def _changes(admin: AdminClient) -> Callable[[], Measurement]:
    """Return what changes one row in a hundred of these lists, another one each time."""
    rows = {name: [row["id"] for row in admin.records(name)] for name in _CHANGING}
    rounds = 0

    def once() -> Measurement:
        nonlocal rounds
        rounds += 1
        for name, ids in rows.items():
            for row in ids[rounds % _ONE_IN :: _ONE_IN]:
                admin.update(name, row, {_CHANGING[name]: f"round {rounds}"})
        return measurement(_CHANGES, 0, Cost(0, 0, 0, 0))

    return once


def _check_equal(project: MeltanoProject) -> None:
    """Compare the tables of both pipelines, without the loader's own columns.

    Raises:
        ReaderFailed: If they differ.
    """
    first, second = map(_schema, _PIPELINES)
    with psycopg.connect(project.database_url) as connection:
        columns = connection.execute(
            "select table_name, array_agg(column_name::text order by column_name) from information_schema.columns "
            "where table_schema = %s and column_name not like %s group by 1",
            [first, "\\_sdc%"],
        ).fetchall()
        for table, names in columns:
            listed = sql.SQL(", ").join(map(sql.Identifier, names))
            one, other = (
                sql.SQL("select row({})::text from {} where _sdc_deleted_at is null").format(
                    listed, sql.Identifier(schema, table)
                )
                for schema in (first, second)
            )
            query = sql.SQL("select count(*) from (({} except all {}) union all ({} except all {})) differences")
            (different,) = connection.execute(query.format(one, other, other, one)).fetchone() or (0,)
            if different:
                raise ReaderFailed(f"{table}: {different} rows differ between the two pipelines")
