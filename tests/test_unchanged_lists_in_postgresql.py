"""`skip_unchanged` with real loaders: PostgreSQL holds what it would hold otherwise, files hold what is new."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from conftest import read
from sandbox.admin_client import AdminClient
from scripts.all_taps import tap_classes
from scripts.local_world import ROOT
from tests.loaded_tables import LoadedTables

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from conftest import FakeClock, SandboxSettings
    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

DAY = 86_400.0


@dataclass
class Nights:
    """A tap that runs every night, and a loader that `meltano install` has installed."""

    tap: str
    select: str
    settings: Mapping[str, object]
    loader: str
    loader_settings: Mapping[str, object]
    folder: Path
    state: Mapping[str, Any] = field(default_factory=dict)

    def next(self) -> dict[str, int]:
        """Run a night; returns how many records of each stream were written."""
        reading = read(tap_classes()[self.tap], self.settings, state=self.state, select=self.select)
        assert reading.error is None
        config = self.folder / "config.json"
        config.write_text(json.dumps(self.loader_settings), encoding="utf-8")
        program = ROOT / ".meltano" / "loaders" / self.loader / "venv" / "bin" / self.loader
        done = subprocess.run(
            [str(program), "--config", str(config)],
            input=b"".join(line + b"\n" for line in reading.lines),
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        # What the loader hands on is the state of the next run.
        self.state = json.loads(done.stdout.splitlines()[-1])
        return {name: len(rows) for name, rows in reading.records.items() if rows}


@dataclass(frozen=True)
class Listing:
    """A list of a tap, the settings to read it with, and a column of text to change."""

    tap: str
    name: str
    settings: Mapping[str, object]
    column: str


def table(url: str, schema: str, name: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a table by id: whether they are marked as deleted, and what the tap gave."""
    with psycopg.connect(url, row_factory=dict_row) as connection:
        rows = connection.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, name))).fetchall()
    return {
        row["id"]: {
            "is deleted": row["_sdc_deleted_at"] is not None,
            **{column: value for column, value in row.items() if not column.startswith("_sdc_")},
        }
        for row in rows
    }


@pytest.mark.parametrize(
    "listing",
    [
        Listing("tap-productive", "tax_rates", {}, "name"),  # in one page: what it lacks is gone
        Listing("tap-invobi", "invoices", {"page_size": 50}, "title"),  # by number: gone once two reads miss it
    ],
    ids=lambda listing: listing.tap,
)
def test_over_many_nights_the_table_is_that_of_a_tap_that_writes_everything(
    pipeline: Pipeline, sandbox_settings: SandboxSettings, clock: FakeClock, tmp_path: Path, listing: Listing
) -> None:
    tap, list_name, column = listing.tap, listing.name, listing.column
    sandbox = AdminClient(pipeline.environment["SANDBOX_URL"])
    system = sandbox if tap == "tap-productive" else sandbox.system(tap.removeprefix("tap-"))
    plain_settings = {**sandbox_settings(tap), **listing.settings}
    url = pipeline.environment["SANDBOX_DATABASE_URL"]
    loader = {"sqlalchemy_url": url, "default_target_schema": "s", "activate_version": True, "use_copy": False}
    careful = Nights(tap, list_name, {**plain_settings, "skip_unchanged": True}, "target-postgres", loader, tmp_path)
    plain = LoadedTables()
    plain_state: dict[str, Any] = {}
    written = []
    chosen = dict(system.records(list_name)[3])
    for change in ("first", "none", "changed", "gone", "none", "none", "back"):
        if change == "changed":
            system.update(list_name, chosen["id"], {column: "changed"})
        elif change == "gone":
            system.delete(list_name, chosen["id"])
        elif change == "back":
            system.create(list_name, chosen.get("attributes", chosen))
        clock.advance(DAY)
        reading = read(tap_classes()[tap], plain_settings, state=plain_state, select=list_name)
        plain_state = reading.state
        plain.load(reading.messages)

        written.append((change, careful.next().get(list_name, 0)))

        rows = table(pipeline.database_url, "s", list_name)
        assert {key for key, row in rows.items() if row["is deleted"]} == plain.deleted(list_name)
        live = {key: row[column] for key, row in rows.items() if not row["is deleted"]}
        assert live == {key: row[column] for key, row in plain.live(list_name).items()}
    assert [change for change, count in written if count] == ["first", "changed", "gone", "back"]


@pytest.mark.usefixtures("meltano_world")  # the plugins are installed
def test_a_loader_that_makes_a_new_file_each_run_gets_the_changed_lists_alone(
    sandbox: RunningSandbox, sandbox_settings: SandboxSettings, clock: FakeClock, tmp_path: Path
) -> None:
    nights = Nights(
        "tap-productive",
        "payments tax_rates",
        {**sandbox_settings("tap-productive"), "skip_unchanged": True},
        "target-jsonl",
        {"destination_path": str(tmp_path), "do_timestamp_file": False},
        tmp_path,
    )

    def files() -> dict[str, int]:
        """Run a night into no files; returns the lines of the files that it made."""
        clock.advance(DAY)
        for each in tmp_path.glob("*.jsonl"):
            each.unlink()
        nights.next()
        return {each.stem: len(each.read_text(encoding="utf-8").splitlines()) for each in tmp_path.glob("*.jsonl")}

    first = files()
    assert {*first} == {"payments", "tax_rates"}
    assert files() == {}
    sandbox.admin.update("payments", sandbox.admin.records("payments")[0]["id"], {"note": "found"})
    assert files() == {"payments": first["payments"]}
