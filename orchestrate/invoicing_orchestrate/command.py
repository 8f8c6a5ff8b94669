"""The command `orchestrate`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from invoicing_orchestrate.errors import ProjectError

RUNS_FILE = "runs.jsonl"


@click.group()
@click.version_option(package_name="invoicing-orchestrate")
def main() -> None:
    """Run pipelines of a Meltano project, with one record of each run."""


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("tap")
@click.argument("meltano_options", nargs=-1, type=click.UNPROCESSED)
@click.option("--loader", default="target-postgres", show_default=True, help="The loader.")
@click.option("--account", default="default", show_default=True, help="What the record calls the account.")
@click.option(
    "--runs-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="ORCHESTRATE_RUNS_FILE",
    help=f"The file to which the record is added.  [default: {RUNS_FILE} beside meltano.yml]",
)
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
