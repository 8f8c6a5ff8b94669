"""The command `orchestrate`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import click

from invoicing_orchestrate.errors import ProjectError

RUNS_FILE = "runs.jsonl"


_runs_file = click.option(
    "--runs-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ORCHESTRATE_RUNS_FILE",
    help=f"The file of records.  [default: {RUNS_FILE} beside meltano.yml]",
)


@click.group()
@click.version_option(package_name="invoicing-orchestrate")
def main() -> None:
    """Run pipelines of a Meltano project, with one record of each run."""


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("tap")
@click.argument("meltano_options", nargs=-1, type=click.UNPROCESSED)
@click.option("--loader", default="target-postgres", show_default=True, help="The loader.")
@click.option("--account", default="default", show_default=True, help="What the record calls the account.")
@_runs_file
@click.option("--metrics", is_flag=True, help="Show the measurements of tap and loader too.")
def load(  # noqa: PLR0913 - each is an option of the command
    *,
    tap: str,
    meltano_options: tuple[str, ...],
    loader: str,
    account: str,
    runs_file: Path | None,
    metrics: bool,
) -> None:
    """Run TAP into the loader, and keep the record of the run.

    Other options, such as --full-refresh, go to `meltano run`. The exit code is that of the run.
    """
    # PostgreSQL's library takes half a second to load, which --help has no use for.
    from invoicing_orchestrate.load import Load  # noqa: PLC0415
    from invoicing_orchestrate.project import current  # noqa: PLC0415

    try:
        project = current()
        path = runs_file or project.folder / RUNS_FILE
        record = Load(tap, loader, account, meltano_options, path, show_metrics=metrics).run(project)
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    click.echo(record.line())
    sys.exit(record.exit_code)


@main.command()
@click.argument("taps", nargs=-1)
@_runs_file
@click.option(
    "--max-age",
    type=click.FloatRange(min=0, min_open=True),
    metavar="HOURS",
    help="The longest time since a run has ended.",
)
def health(taps: tuple[str, ...], runs_file: Path | None, max_age: float | None) -> None:
    """Say whether the last run of each of the TAPS went well; of all that have run, if none is named.

    The exit code is 0 if all went well, or none has ended yet, and 1 otherwise.
    """
    from invoicing_orchestrate.health import health as health_of  # noqa: PLC0415 - see load
    from invoicing_orchestrate.project import current  # noqa: PLC0415

    try:
        path = runs_file or current().folder / RUNS_FILE
        age = None if max_age is None else timedelta(hours=max_age)
        found = health_of(path, taps, datetime.now(UTC), age)
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    for each in found:
        click.echo(each.line)
    if not found:
        click.echo("No run has ended yet")
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
    from invoicing_orchestrate.schedule import Schedule, Signals, run_command  # noqa: PLC0415 - see load

    load = [sys.executable, "-m", "invoicing_orchestrate.command", "load"]

    def say(line: str) -> None:
        click.echo(line, err=True)

    try:
        with Signals() as signals:
            loads = [partial(run_command, [*load, tap], signals.wait) for tap in taps]
            code = Schedule(times, loads, say, lambda: datetime.now(UTC), signals.wait).run(at_once=at_once)
    except ProjectError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code)


if __name__ == "__main__":
    main()
