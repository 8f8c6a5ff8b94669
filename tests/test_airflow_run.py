"""Accounts loaded by Airflow: `airflow dags test`, with the program, Meltano, the sandbox and PostgreSQL.

Airflow is in an environment of its own, which `make test-airflow` makes.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from psycopg import sql

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import RunningSandbox
    from tests.conftest import Pipeline

AIRFLOW = ROOT / ".venv-airflow" / "bin" / "airflow"
DAGS = ROOT / "orchestrate" / "airflow" / "dags"
SCHEDULE = "0 2 * * *"


@pytest.mark.airflow
@pytest.mark.one_at_a_time
def test_a_run_of_the_dag_loads_each_account_and_does_not_try_again_what_is_refused(
    pipeline: Pipeline, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    sandbox.admin.add_accounts("acme", "beta", "gamma")
    tokens = {"acme": "sandbox-token.acme", "beta": "sandbox-token.beta", "gamma": "wrong"}
    accounts = {
        "quota_groups": {"office-ip": {"at_once": 2}},
        "accounts": [
            {
                "name": name,
                "tap": "tap-invobi",
                "settings": {"api_url": f"{sandbox.url}/invobi/api/v1"},
                "secrets": {"api_token": f"env:TOKEN_OF_{name.upper()}"},
                "schedule": SCHEDULE,
                "streams": ["invoices", "prompts"],
                **({"quota_group": "office-ip"} if name == "acme" else {}),
            }
            for name in tokens
        ],
    }
    file = tmp_path / "accounts.yml"
    file.write_text(yaml.safe_dump(accounts), encoding="utf-8")
    environment = {
        **pipeline.environment,
        **{f"TOKEN_OF_{name.upper()}": token for name, token in tokens.items()},
        "INVOICING_TAPS": str(ROOT),
        "ORCHESTRATE_ACCOUNTS_FILE": str(file),
        "ORCHESTRATE_FOLDER": str(tmp_path / "accounts"),
        "ORCHESTRATE_RUNS_FILE": str(tmp_path / "runs.jsonl"),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    }

    def airflow(*arguments: str, code: int | None = 0) -> str:
        done = subprocess.run(
            [AIRFLOW, *arguments],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout
        return done.stdout

    airflow("db", "migrate")
    pools = subprocess.run(
        [AIRFLOW.with_name("python"), DAGS / "accounts_file.py"], env=environment, capture_output=True, check=True
    )
    (tmp_path / "pools.json").write_bytes(pools.stdout)
    airflow("pools", "import", str(tmp_path / "pools.json"))
    log = airflow("dags", "test", "invoicing_0_2_x_x_x", code=None)

    assert "UP_FOR_RETRY" not in log
    for name in ("acme", "beta"):
        expected = {row["id"] for row in sandbox.admin.account(name).system("invobi").records("invoices")}
        with psycopg.connect(pipeline.database_url) as connection:
            invoices = sql.Identifier(f"tap_invobi__{name}", "invoices")
            rows = connection.execute(sql.SQL("select id from {}").format(invoices)).fetchall()
        assert expected
        assert {row for (row,) in rows} == expected
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    results = {run["account"]: run["result"] for run in runs}
    assert len(runs) == len(results)
    assert results == {"acme": "succeeded", "beta": "succeeded", "gamma": "failed"}
    assert re.search(r"AirflowFailException.*gamma failed.*401", log)
