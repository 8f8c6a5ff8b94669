"""A database whose time zone is not UTC, and changes its clocks: every instant arrives as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

INSTANTS = (
    "2026-01-15T12:00:00.000Z",
    # Italian clocks go from 2:00 to 3:00: these hours do not exist there.
    "2026-03-29T00:59:59.999Z",
    "2026-03-29T01:00:00.000Z",
    "2026-03-29T02:30:00.000Z",
    "2026-03-29T04:30:00.000+02:00",
    "2026-07-15T12:00:00.000Z",
    # And back from 3:00 to 2:00: these hours come twice.
    "2026-10-25T00:30:00.000Z",
    "2026-10-25T01:30:00.000Z",
    "2026-10-25T02:30:00.000+02:00",
    "2026-10-25T02:30:00.000+01:00",
    "2026-12-31T23:30:00.000Z",
)


def test_every_instant_arrives_in_utc_across_both_changes_of_the_clock(
    pipeline: Pipeline, sandbox: RunningSandbox
) -> None:
    pipeline = pipeline.selecting("invoices")
    in_rome(pipeline)
    ids = [row["id"] for row in sandbox.admin.records("invoices")][: len(INSTANTS)]
    assert len(ids) == len(INSTANTS)
    for id_, instant in zip(ids, INSTANTS, strict=True):
        sandbox.admin.update("invoices", id_, {"created_at": instant})
    started = datetime.now(UTC)

    code, output = pipeline.run()

    assert code == 0, output
    (session,) = pipeline.rows("show timezone")
    assert session["TimeZone"] == "Europe/Rome"
    stored = {row["id"]: row for row in pipeline.rows("select id, created_at, _sdc_extracted_at from invoices")}
    for id_, instant in zip(ids, INSTANTS, strict=True):
        assert stored[id_]["created_at"].replace(tzinfo=UTC) == datetime.fromisoformat(instant), instant
        assert started <= stored[id_]["_sdc_extracted_at"].replace(tzinfo=UTC) <= datetime.now(UTC)


def in_rome(pipeline: Pipeline) -> None:
    """Set the time zone of new sessions for the database, and for its user in it."""
    with psycopg.connect(pipeline.database_url, autocommit=True) as connection:
        database = connection.info.dbname
        for subject in (f"database {database}", f"role {connection.info.user} in database {database}"):
            connection.execute(f"alter {subject} set timezone to 'Europe/Rome'".encode())
