"""Loads the accounts of accounts.yml: a DAG for all that have the same schedule, a mapped task for each account.

Each task is `orchestrate load NAME`, in the project's own environment. Pools keep to the quota groups; `orchestrate`
does so itself, and lets no account be loaded twice at once, also beside its own workers.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accounts_file import DEFAULT_POOL, project_folder, read, schedules
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

if TYPE_CHECKING:
    from airflow.sdk import Context

REFUSED = 77
"""The exit code of `orchestrate load` for credentials or settings that no other attempt makes right."""
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Variables of Airflow's own environment, which must not get into that of the project."""


class LoadAccount(BaseOperator):  # type: ignore[misc] # Airflow is not in this project's environment
    """Loads one account; its log is that of the task.

    Args:
        account: Its name.
        options: Of BaseOperator.
    """

    template_fields = ("account",)

    def __init__(self, *, account: str, **options: Any) -> None:  # noqa: ANN401 - BaseOperator's
        """Take the name; nothing is read yet."""
        super().__init__(**options)
        self.account = account

    @cached_property
    def hook(self) -> SubprocessHook:
        """Runs the program and logs its lines."""
        return SubprocessHook()

    def execute(self, context: Context) -> str:  # noqa: ARG002 - Airflow's signature
        """Load it.

        Args:
            context: Of the task.

        Returns:
            The last line: rows read and written.

        Raises:
            AirflowFailException: If another attempt would end the same way.
            AirflowException: If it failed; Airflow tries again.
        """
        folder = project_folder()
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        command = [str(folder / ".venv" / "bin" / "orchestrate"), "load", self.account]
        done = self.hook.run_command(command, env=environment, cwd=str(folder))
        if done.exit_code == REFUSED:
            raise AirflowFailException(done.output)
        if done.exit_code:
            raise AirflowException(f"exit code {done.exit_code}: {done.output}")
        return str(done.output)

    def on_kill(self) -> None:
        """End the load: the tap ends with its state, and the loader writes what it has."""
        self.hook.send_sigterm()


for _schedule in schedules(read()):
    with DAG(
        _schedule.dag_id,
        schedule=_schedule.cron,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["invoicing"],
        doc_md=__doc__,
    ):
        for _pool, _accounts in _schedule.by_pool.items():
            LoadAccount.partial(
                task_id="load" if _pool == DEFAULT_POOL else f"load.{_pool}",
                pool=_pool,
                retries=3,
                retry_delay=timedelta(minutes=5),
                retry_exponential_backoff=True,
                map_index_template="{{ task.account }}",
            ).expand(account=_accounts)
