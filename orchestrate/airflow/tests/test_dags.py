"""The DAGs that Airflow finds: which accounts are loaded, when, and in which pools."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

DAGS = Path(__file__).resolve().parent.parent / "dags"
ACCOUNTS: dict[str, Any] = {
    "quota_groups": {"office-ip": {"at_once": 4}, "token": {"at_once": 1}},
    "accounts": [
        {"name": "late", "tap": "tap-invobi", "schedule": "0 2 * * *", "quota_group": "office-ip", "priority": -5},
        {"name": "acme", "tap": "tap-productive", "schedule": "0 2 * * *", "quota_group": "office-ip"},
        {"name": "alone", "tap": "tap-covage", "schedule": "0  2 * * *"},
        {"name": "beta", "tap": "tap-invobi", "schedule": "*/15 8-18 * * 1,2", "quota_group": "token"},
        {"name": "asked", "tap": "tap-invobi"},
        {"name": "gone", "tap": "tap-invobi", "schedule": "0 5 * * *", "enabled": False},
    ],
}
PROGRAM = """#!/bin/sh
test -z "$PYTHONPATH" || exit 9
echo "$PWD: $*"
case $2 in
refused) echo "refused: 401: the token is wrong"; exit 77 ;;
fails) echo "fails: connection refused"; exit 1 ;;
slow) trap 'echo ended; exit 143' TERM; touch started; while :; do sleep 0.1; done ;;
esac
echo "$2 succeeded: 12 rows read"
"""


@pytest.fixture(scope="session", autouse=True)
def _airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A project with a program that says what it was called with, and Airflow's folder."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "accounts.yml").write_text(yaml.safe_dump(ACCOUNTS), encoding="utf-8")
    program = folder / ".venv" / "bin" / "orchestrate"
    program.parent.mkdir(parents=True)
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    patch = pytest.MonkeyPatch()
    patch.setenv("INVOICING_TAPS", str(folder))
    patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
    patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "false")
    patch.setenv("PYTHONPATH", "/of/airflow")
    yield
    patch.undo()


@pytest.fixture(scope="session")
def dags() -> dict[str, Any]:
    """The DAGs by their ids, as Airflow imports them."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - reads its settings at import

    bag = DagBag(str(DAGS), bundle_path=DAGS, bundle_name="test")
    assert bag.import_errors == {}
    return dict(bag.dags)


def tasks_of(dag: Any) -> dict[str, tuple[str, list[str]]]:  # noqa: ANN401 - Airflow's DAG
    """The pool, and the accounts, of each task."""
    return {task.task_id: (task.pool, task.expand_input.value["account"]) for task in dag.tasks}


def test_accounts_with_the_same_schedule_are_one_dag(dags: dict[str, Any]) -> None:
    assert dags.keys() == {"invoicing_0_2_x_x_x", "invoicing_xper15_8-18_x_x_1and2", "invoicing_on_request"}
    nightly = dags["invoicing_0_2_x_x_x"]
    assert nightly.schedule == "0 2 * * *"
    assert (nightly.catchup, nightly.max_active_runs) == (False, 1)
    assert dags["invoicing_on_request"].schedule is None


def test_each_quota_group_has_its_pool_and_the_most_urgent_account_comes_first(dags: dict[str, Any]) -> None:
    assert tasks_of(dags["invoicing_0_2_x_x_x"]) == {
        "load.invoicing-office-ip": ("invoicing-office-ip", ["acme", "late"]),
        "load": ("default_pool", ["alone"]),
    }
    assert tasks_of(dags["invoicing_on_request"]) == {"load": ("default_pool", ["asked"])}


def test_an_account_that_is_not_enabled_is_in_no_dag(dags: dict[str, Any]) -> None:
    loaded = [name for dag in dags.values() for _, names in tasks_of(dag).values() for name in names]
    enabled = [account["name"] for account in ACCOUNTS["accounts"] if account.get("enabled", True)]
    assert sorted(loaded) == sorted(enabled)


def test_the_pools_are_as_large_as_the_quota_groups(dags: dict[str, Any]) -> None:
    printed = subprocess.run([sys.executable, DAGS / "accounts_file.py"], capture_output=True, check=True).stdout
    pools = json.loads(printed)
    assert {name: pool["slots"] for name, pool in pools.items()} == {"invoicing-office-ip": 4, "invoicing-token": 1}
    used = {pool for dag in dags.values() for pool, _ in tasks_of(dag).values()}
    assert used == {*pools, "default_pool"}


def load(account: str) -> Any:  # noqa: ANN401 - the operator, whose module Airflow imports
    """The operator for an account."""
    from invoicing_accounts import LoadAccount  # noqa: PLC0415 - see dags

    return LoadAccount(task_id=f"load_{account}", account=account)


def test_a_task_loads_its_account_in_the_folder_of_the_project() -> None:
    assert load("acme").execute({}) == "acme succeeded: 12 rows read"


def test_credentials_that_are_refused_are_not_tried_again_and_other_failures_are() -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException  # noqa: PLC0415 - see dags

    with pytest.raises(AirflowFailException, match="refused: 401: the token is wrong"):
        load("refused").execute({})
    with pytest.raises(AirflowException, match="exit code 1: fails: connection refused") as raised:
        load("fails").execute({})
    assert not isinstance(raised.value, AirflowFailException)


def test_a_task_that_is_killed_ends_its_load() -> None:
    operator = load("slow")
    started = Path(os.environ["INVOICING_TAPS"]) / "started"
    failures: list[str] = []

    def run() -> None:
        try:
            operator.execute({})
        except Exception as error:  # noqa: BLE001 - whatever it says
            failures.append(str(error))

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and not started.exists():
        time.sleep(0.01)
    operator.on_kill()
    thread.join(timeout=120)
    assert failures == ["exit code 143: ended"]
