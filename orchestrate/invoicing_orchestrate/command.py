"""The command `orchestrate`."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from invoicing_orchestrate.errors import Busy, ProjectError
from invoicing_orchestrate.exit_codes import BUSY
from invoicing_orchestrate.number_types import Number

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS_FILE = "runs.jsonl"
_ACCOUNTS = Number("accounts", 1, whole=True)


_runs_file = click.option(
    "--runs-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ORCHESTRATE_RUNS_FILE",
    help=f"The file of records.  [default: {RUNS_FILE} beside meltano.yml]",
)


_json = click.option("--json", is_flag=True, help="Print JSON, for programs.")


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what is wrong with the project into one line and exit code 1; what is busy, into 75.

    Yields:
        Nothing.

    Raises:
        click.ClickException: With the line.
        SystemExit: With 75.
    """
    try:
        yield
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    except Busy as busy:
        click.echo(str(busy), err=True)
        sys.exit(BUSY)


@click.group()
@click.version_option(package_name="invoicing-orchestrate")
def main() -> None:
    """Run pipelines of a Meltano project, with one record of each run."""


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("names", nargs=-1, metavar="[NAME]...", type=click.UNPROCESSED)
@click.option("--all", "is_all", is_flag=True, help="All accounts of accounts.yml that are enabled.")
@click.option("--due", "is_due", is_flag=True, help="The accounts that their schedule says to load by now.")
@click.option("--loader", help="The loader of a tap.  [default: target-postgres]")
@click.option("--account", help="What the record calls the account of a tap.  [default: default]")
@_runs_file
@click.option("--metrics", is_flag=True, help="Show the measurements of tap and loader too.")
@click.option("--quiet", is_flag=True, help="Show no log of accounts: it is in their files (orchestrate logs NAME).")
@click.option("--at-once", type=_ACCOUNTS, help="Of several accounts, how many at the same time.")
@_json
@click.option("--failures", type=click.Choice(["now", "later", "never"]), default="now", hidden=True)
def load(*, names: tuple[str, ...], **options: Any) -> None:  # noqa: ANN401 - click's values
    """Load each NAME, a tap of the project or an account of accounts.yml, and keep the record of the run.

    Other options, such as --full-refresh, go to `meltano run`; they stand after the names. The exit code is that of the
    run; of an account, 75 if it is being loaded already, 77 if its credentials or settings are refused, and 124 if it
    has reached its time limit. Of several accounts, 1 if one has failed.
    """
    # PostgreSQL's library takes half a second to load, which --help has no use for.
    from invoicing_orchestrate.load_command import LoadOptions, load_names  # noqa: PLC0415

    first_option = next((place for place, word in enumerate(names) if word.startswith("-")), len(names))
    chosen, meltano_options = names[:first_option], names[first_option:]
    with _one_line_errors():
        sys.exit(load_names(chosen, LoadOptions(meltano_options=meltano_options, **options), click.echo))


@main.command()
@click.argument("taps", nargs=-1)
@_runs_file
@click.option(
    "--max-age",
    type=Number("hours", 0, above=True),
    metavar="HOURS",
    help="The longest time since a run has ended.",
)
def health(taps: tuple[str, ...], runs_file: Path | None, max_age: float | None) -> None:
    """Check whether the last run of each of the TAPS went well; of all that have run, if none is named.

    The exit code is 0 if all went well, and 1 otherwise. That none has ended yet is well unless --max-age is given.
    """
    from invoicing_orchestrate.health import health as health_of  # noqa: PLC0415 - see load
    from invoicing_orchestrate.project import Project  # noqa: PLC0415

    with _one_line_errors():
        # With a file of records no project is needed.
        project = Project.found_or_none(os.environ) if runs_file else Project.found(os.environ)
        path = runs_file or Project.found(os.environ).folder / RUNS_FILE
        age = None if max_age is None else timedelta(hours=max_age)
        found = health_of(path, taps, datetime.now(UTC), age, project.extractors if project and taps else None)
    for each in found:
        click.echo(each.line)
    sys.exit(0 if all(each.is_good for each in found) else 1)


@main.command()
@click.argument("times")
@click.argument("taps", nargs=-1, required=True)
@click.option("--now", "at_once", is_flag=True, help="Load at once too, before the first of the times.")
def schedule(times: str, taps: tuple[str, ...], *, at_once: bool) -> None:
    """Load TAPS, one after the other, whenever TIMES says: a cron expression such as "0 2 * * *", in UTC.

    Runs until it gets a signal, which goes to the load that runs then. A load that fails is reported by its record;
    the next ones run all the same.
    """
    from invoicing_orchestrate.load_command import check_names  # noqa: PLC0415 - see load
    from invoicing_orchestrate.project import Project  # noqa: PLC0415
    from invoicing_orchestrate.schedule import Schedule, Signals, run_command  # noqa: PLC0415

    load = [sys.executable, "-m", "invoicing_orchestrate.command", "load"]

    def say(line: str) -> None:
        click.echo(line, err=True)

    with _one_line_errors(), Signals() as signals:
        loads = [partial(run_command, [*load, tap], signals.wait) for tap in taps]
        planned = Schedule(times, loads, say, lambda: datetime.now(UTC), signals.wait)
        check_names(Project.found(os.environ), taps)
        sys.exit(planned.run(at_once=at_once))


@main.command()
@click.option(
    "--at-once",
    type=_ACCOUNTS,
    help="How many accounts at the same time.  [default: processors]",
)
@click.option(
    "--stalled-after",
    type=Number("seconds", 1),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long another worker may give no sign of life until its jobs are taken up.",
)
@click.option(
    "--first-retry",
    type=Number("seconds", 0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long the first attempt after a failure waits; each further one waits five times as long.",
)
@click.option(
    "--retries",
    type=Number("attempts", 0, whole=True),
    default=3,
    show_default=True,
    help="How many attempts follow a failure that may pass. Refused credentials are not tried again.",
)
@click.option(
    "--alive-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that is touched every ten seconds as long as the worker works, for probes.",
)
@_runs_file
def work(**options: Any) -> None:  # noqa: ANN401 - click's values
    """Load the accounts of accounts.yml at the times of their schedules, until a signal comes.

    Any number of workers, on any number of machines, share the queue.
    """
    from invoicing_orchestrate.queue_commands import work as work_on  # noqa: PLC0415 - see load

    with _one_line_errors():
        sys.exit(work_on(say=click.echo, **options))


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_json
def status(names: tuple[str, ...], *, json: bool) -> None:
    """Show for each account what ran last, what failed, what is late, and what is next.

    The exit code is 0 if all is well, and 1 if an account has failed or is late.
    """
    from invoicing_orchestrate.status import status as status_of  # noqa: PLC0415 - see load

    with _one_line_errors():
        sys.exit(status_of(names, click.echo, is_json=json))


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_json
@click.option("--at-once", type=_ACCOUNTS, help="How many accounts at the same time.  [default: 8]")
def check(names: tuple[str, ...], *, json: bool, at_once: int | None) -> None:
    """Check for each account whether its credentials are accepted, and which streams it may read.

    The exit code is 0 if all may be read, and 1 if an account is refused or fails.
    """
    from invoicing_orchestrate.check import check as check_accounts  # noqa: PLC0415 - see load

    with _one_line_errors():
        sys.exit(check_accounts(names, at_once, click.echo, is_json=json))


@main.command()
@click.argument("name")
@click.option(
    "--lines", type=Number("lines", 1, whole=True), default=200, show_default=True, help="How many lines of its end."
)
@click.option(
    "--run",
    type=Number("runs back", 1, whole=True),
    default=1,
    show_default=True,
    help="1 is the last run, 2 that before.",
)
def logs(name: str, lines: int, run: int) -> None:
    """Show the log of a run of an account, as far as it ran on this machine."""
    from invoicing_orchestrate.queue_commands import logs as logs_of  # noqa: PLC0415 - see load

    with _one_line_errors():
        logs_of(name, lines, run, click.echo)


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("meltano_options", nargs=-1, type=click.UNPROCESSED)
@_runs_file
@click.option("--metrics", is_flag=True, help="Show the measurements of tap and loader too.")
@_json
def backfill(name: str, meltano_options: tuple[str, ...], runs_file: Path | None, *, metrics: bool, json: bool) -> None:
    """Load everything of an account again, without its state, into the same tables. Its rows stay where they are."""
    from invoicing_orchestrate.load_command import LoadOptions, load_names  # noqa: PLC0415 - see load

    options = LoadOptions(
        meltano_options=["--full-refresh", *meltano_options], runs_file=runs_file, metrics=metrics, json=json
    )
    with _one_line_errors():
        sys.exit(load_names([name], options, click.echo))


@main.command()
@click.argument("name")
def retire(name: str) -> None:
    """Stop loading an account: it is disabled in accounts.yml, and leaves the queue. Its tables are kept."""
    from invoicing_orchestrate.queue_commands import retire as retire_account  # noqa: PLC0415 - see load

    with _one_line_errors():
        retire_account(name, click.echo)


@main.command()
@click.option("--stop", "is_stopped", is_flag=True, help="Stop it; the next command that needs it starts it again.")
def database(*, is_stopped: bool) -> None:
    """Print the URL of the embedded PostgreSQL (ORCHESTRATE_DATABASE_URL=embedded:), which is started if need be."""
    from invoicing_orchestrate.queue_commands import print_database, stop_database  # noqa: PLC0415 - see load

    with _one_line_errors():
        (stop_database if is_stopped else print_database)(click.echo)


if __name__ == "__main__":
    main()
