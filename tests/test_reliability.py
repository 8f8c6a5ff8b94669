"""What `docs/reliability.md` says about undoing a night, tried on the loader and a real PostgreSQL."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
SHOW, TAKE_BACK = re.findall(r"^ {4}((?:select|update) .*;)$", PAGE, re.MULTILINE)
ONE_STREAM, ONE_DAY = re.findall(r"^ {4}(TAP_.*)$", PAGE, re.MULTILINE)


def run_as_shown(pipeline: Pipeline, command: str, **variables: str) -> None:
    """Run a command of the page, with its variables and others in place of them."""
    words = shlex.split(command)
    shown = dict(word.split("=", 1) for word in words if re.match(r"[A-Z_]+=", word))
    arguments = words[len(shown) + 1 :]
    assert words[len(shown)] == "meltano"
    assert variables.keys() <= shown.keys()
    child = replace(pipeline, environment={**pipeline.environment, **shown, **variables}).start(*arguments)
    output, _ = child.communicate()
    assert child.returncode == 0, output


def execute(pipeline: Pipeline, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Run a statement, and return its rows."""
    with psycopg.connect(pipeline.database_url) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def marked(pipeline: Pipeline) -> list[object]:
    """Return the keys that the statement of the page shows."""
    return [key for key, _ in execute(pipeline, SHOW)]


def test_marks_of_deletion_are_shown_and_taken_back(pipeline: Pipeline, sandbox: RunningSandbox) -> None:
    pipeline = replace(pipeline, tap="tap-invobi").selecting("invoices")
    account = sandbox.admin.system("invobi")
    rows = account.records("invoices")
    for row in rows[40:]:
        account.delete("invoices", row["id"])
    assert pipeline.run()[0] == 0
    assert marked(pipeline) == []
    account.delete("invoices", rows[3]["id"])
    assert pipeline.run()[0] == 0
    assert marked(pipeline) == [rows[3]["id"]]

    execute(pipeline, TAKE_BACK)

    assert marked(pipeline) == []
    account.create("invoices", rows[3])
    assert pipeline.run()[0] == 0
    assert marked(pipeline) == []
    assert len(pipeline.rows("select 1 from invoices")) == 40


def test_one_stream_or_one_day_is_read_again_beside_the_nightly_runs(
    pipeline: Pipeline, sandbox: RunningSandbox
) -> None:
    nightly = pipeline.selecting("invoices", "payments")
    assert nightly.run()[0] == 0
    of_the_night = nightly.start("state", "get", "dev:tap-productive-to-target-postgres").communicate()[0]
    days = sorted(str(row["attributes"]["last_activity_at"])[:10] for row in sandbox.admin.records("invoices"))
    day = days[len(days) // 2]

    execute(pipeline, "update tap_productive.invoices set subject = 'spoiled'")
    run_as_shown(pipeline, ONE_DAY, TAP_PRODUCTIVE_START_DATE=day)

    spoiled = pipeline.rows("select last_activity_at from invoices where subject = 'spoiled'")
    good = pipeline.rows("select last_activity_at from invoices where subject is distinct from 'spoiled'")
    assert spoiled
    assert good
    assert all(str(row["last_activity_at"])[:10] < day for row in spoiled)
    assert all(str(row["last_activity_at"])[:10] >= day for row in good)

    run_as_shown(pipeline, ONE_STREAM)

    assert pipeline.rows("select 1 from invoices where subject = 'spoiled'") == []
    still = nightly.start("state", "get", "dev:tap-productive-to-target-postgres").communicate()[0]
    assert json.loads(still[still.index("{") :]) == json.loads(of_the_night[of_the_night.index("{") :])
