"""Runs: when a STATE is written, what the database is asked, and what is left of a run that ends early."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import pytest
from singer_sdk.target_base import Target
from sqlalchemy import event, text
from target_postgres.sinks import PostgresSink

from target_postgres_exact.sink import ExactSink
from target_postgres_exact.target import TargetPostgresExact
from tests.loader_world import activate, record, schema, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_postgres_exact.connector import ExactConnector
    from tests.loader_world import Database, Message

PROGRAM = Path(sys.executable).with_name("target-postgres-exact")
TEXT = {"type": ["string", "null"]}
COLUMNS = schema("rows", {"id": TEXT, "text": TEXT})


def rows(first: int, last: int, text: str = "") -> list[Message]:
    """Return records, and a state after every tenth that says which was the last."""
    messages = []
    for number in range(first, last):
        messages += [record("rows", {"id": str(number), "text": text})]
        messages += [state({"last": number})] if number % 10 == 9 else []
    return messages


_COLLECTED = """
import gc, json, sys
from target_postgres_exact.program import main
sys.argv = ["target-postgres-exact", "--about", "--format=json"]
try:
    main()
finally:
    searched = [each["collections"] for each in gc.get_stats()]
    print(json.dumps([sum(searched), gc.isenabled(), gc.get_freeze_count()]), file=sys.stderr)
"""


def test_what_the_loader_imports_is_not_searched_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", _COLLECTED], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["name"] == "target-postgres"
    searches, is_enabled, left_alone = json.loads(done.stderr.splitlines()[-1])
    # Else there are 250 while it imports.
    assert searches < 50
    assert is_enabled
    assert left_alone > 10_000


def test_a_state_follows_each_commit(database: Database) -> None:
    loaded = database.load([COLUMNS, *rows(0, 200)], batch_size_rows=4)

    states = [json.loads(line)["last"] for line in loaded.states]
    assert states == list(range(9, 200, 10))


def test_no_state_says_more_than_what_is_committed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []

    def write(_self: TargetPostgresExact, written: dict[str, Any]) -> None:
        seen.append((json.loads(written["value"])["last"], len(database.rows("rows"))))

    monkeypatch.setattr(TargetPostgresExact, "_write_state_message", write)

    database.load([COLUMNS, *rows(0, 1215)], batch_size_rows=250)

    assert len(seen) > 2
    assert all(count > last for last, count in seen)


def test_a_state_before_a_schema_is_written_before_any_row_after_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, list[int]]] = []

    def write(_self: TargetPostgresExact, written: dict[str, Any]) -> None:
        seen.append((json.loads(written["value"])["last"], [len(database.rows(name)) for name in ("rows", "others")]))

    monkeypatch.setattr(TargetPostgresExact, "_write_state_message", write)
    others = schema("others", {"id": TEXT, "text": TEXT})
    database.load([COLUMNS, others])
    more = [others, record("others", {"id": "1"}), state({"last": "later"})]

    database.load([COLUMNS, *rows(0, 5), state({"last": "taken back"}), *more])

    assert seen == [("taken back", [5, 0]), ("later", [5, 1])]


def test_rows_that_wait_for_long_are_committed_with_a_state(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TargetPostgresExact, "_max_record_age_in_minutes", property(lambda _self: 1.1))

    loaded = database.load([COLUMNS, *rows(0, 30)])

    assert [json.loads(line)["last"] for line in loaded.states] == [9, 19, 29]


def test_a_state_keeps_its_digits(database: Database) -> None:
    line = '{"type": "STATE", "value": {"at": 1.10, "long": 12345678901234567890.5}}'

    assert database.load([*rows(0, 0), line]).states == ['{"at": 1.10, "long": 12345678901234567890.5}']


def test_the_catalogue_is_looked_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = [schema(f"s{number}", {"id": TEXT, "text": TEXT}) for number in range(20)]
    database.load([*streams, COLUMNS])
    statements: list[str] = []
    create = TargetPostgresExact.default_sink_class.connector_class.create_engine

    def create_engine(connector: Any) -> Any:  # noqa: ANN401 - the connector and its engine
        engine = create(connector)
        event.listen(engine, "before_cursor_execute", lambda *facts: statements.append(facts[2]))
        return engine

    monkeypatch.setattr(TargetPostgresExact.default_sink_class.connector_class, "create_engine", create_engine)

    database.load([*streams, *streams, COLUMNS])

    asked = [each for each in statements if "SET LOCAL" not in each]
    assert len(asked) == 4, asked  # the lock, whether the schema exists, its columns, its unique keys
    statements.clear()
    database.load([schema("new", {"id": TEXT}), schema("rows", {"id": TEXT, "more": TEXT, "most": TEXT})])
    changes = [each.split()[:2] for each in statements if each.strip().startswith(("CREATE", "ALTER"))]
    assert changes == [["CREATE", "TABLE"], ["ALTER", "TABLE"]]


def test_a_connection_that_is_lost_ends_the_run_in_one_line(database: Database) -> None:
    database.execute(
        "create schema exact",
        "create table exact.rows (id text primary key, text text)",
        "create function exact.end_session() returns trigger language plpgsql as"
        " 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'",
        "create trigger ending before insert on exact.rows for each row execute function exact.end_session()",
    )

    loaded = database.load([schema("others", {"id": TEXT}), record("others", {"id": "1"}), COLUMNS, *rows(0, 10)])

    assert str(loaded.failure).startswith("The connection to the database was lost: ")
    assert "\n" not in str(loaded.failure)
    assert loaded.states == []


def test_a_connection_that_was_cut_while_it_was_idle_is_made_again_with_its_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    loader = TargetPostgresExact(config={"sqlalchemy_url": database.sqlalchemy_url, "default_target_schema": "exact"})
    connector = cast("ExactConnector", loader.target_connector)
    connector.open_schema("exact")
    database.execute("select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
    hour_later = time.monotonic() + 3600
    monkeypatch.setattr("target_postgres_exact.session.time.monotonic", lambda: hour_later)

    with connector.session.transaction() as connection:
        held = connection.execute(text("select count(*) from pg_locks where locktype = 'advisory'")).scalar_one()

    loader.abandon()
    assert held == 1


def start(database: Database, tmp_path: Path) -> subprocess.Popen[str]:
    config = tmp_path / "config.json"
    settings = {"sqlalchemy_url": database.sqlalchemy_url, "default_target_schema": "exact", "validate_records": False}
    config.write_text(json.dumps({**settings, "batch_size_rows": 1000}))
    return subprocess.Popen(
        [PROGRAM, "--config", config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def send(child: subprocess.Popen[str], messages: Sequence[Message | str]) -> None:
    pipe: IO[str] | None = child.stdin
    assert pipe
    pipe.writelines(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in messages)
    pipe.flush()


@pytest.mark.parametrize(("how", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.slow
def test_a_run_that_is_ended_is_picked_up_by_the_next_one(
    database: Database, tmp_path: Path, how: signal.Signals, code: int
) -> None:
    child = start(database, tmp_path)
    send(child, [COLUMNS, *rows(0, 3500, "first")])
    assert child.stdout
    last = json.loads(child.stdout.readline())["last"]
    send(child, rows(3500, 3600, "first"))
    child.send_signal(how)
    output, _ = child.communicate()
    assert child.returncode == code, "a load that was cut short is not a complete one"
    last = json.loads(output.splitlines()[-1])["last"] if output else last
    loaded = {int(row["id"]) for row in database.rows("rows")}
    assert loaded >= set(range(last + 1)), "what the state says is in the table"

    assert database.load([COLUMNS, *rows(last + 1, 5000, "second")]).failure is None

    stored = {int(row["id"]): row["text"] for row in database.rows("rows")}
    assert stored.keys() == set(range(5000))
    assert all(stored[number] == "second" for number in range(last + 1, 5000))


@pytest.mark.slow
def test_the_command_says_what_is_wrong_in_one_line_each(database: Database, tmp_path: Path) -> None:
    child = start(database, tmp_path)
    bad = record("rows", {"id": {"a": 1}})

    _, errors = child.communicate("".join(f"{json.dumps(each)}\n" for each in (COLUMNS, bad, activate("unknown", 1))))

    assert child.returncode == 1
    assert "Traceback" not in errors
    lines = [line for line in errors.splitlines() if "ERROR" in line]
    assert len(lines) == 3
    assert "Stream 'rows', column 'id'" in lines[1] + lines[0]
    assert "2 of the streams could not be loaded: " in lines[2]


@pytest.mark.parametrize(("method", "warnings"), [("overwrite", 1), ("upsert", 0), ("append-only", 0)])
def test_rows_are_merged_by_their_key_whatever_load_method_says_and_overwrite_is_warned_of(
    database: Database, caplog: pytest.LogCaptureFixture, method: str, warnings: int
) -> None:
    database.load([COLUMNS, *rows(0, 2, "old")], load_method=method)
    caplog.clear()
    database.load([COLUMNS, *rows(1, 3, "new")], load_method=method)

    assert sorted((row["id"], row["text"]) for row in database.rows("rows")) == [
        ("0", "old"),
        ("1", "new"),
        ("2", "new"),
    ]
    assert [message for message in caplog.messages if "load_method" in message] == warnings * [
        "load_method is not read: rows are merged by their key, or appended without one."
    ]


def test_what_is_overridden_exists_in_singer_sdk_and_target_postgres() -> None:
    of_target = ["_drain_all", "_write_state_message", "_handle_termination", "_MAX_RECORD_AGE_IN_MINUTES"]
    for owner, base, names in (
        (TargetPostgresExact, Target, of_target),
        (ExactSink, PostgresSink, ["_parse_timestamps_in_record", "_do_copy"]),
    ):
        for name in names:
            assert name in vars(owner), name
            assert hasattr(base, name), name
    used = ["_process_record_message", "_process_schema_message", "_process_activate_version_message"]
    assert [
        name for name in [*used, "_process_batch_message", "_handle_max_record_age"] if not hasattr(Target, name)
    ] == []
