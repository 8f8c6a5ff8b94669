"""The command `invoicing-page`."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click

DEFAULT_FILE = Path("output") / "invoices.html"
_NO_DATABASE = "target-postgres has no database yet: set TARGET_POSTGRES_SQLALCHEMY_URL, in the environment or in .env"


@click.command()
@click.version_option(package_name="invoicing-page")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="INVOICING_PAGE_OUTPUT",
    help=f"The file to write.  [default: {DEFAULT_FILE} in the folder of meltano.yml]",
)
@click.option("--title", envvar="INVOICING_PAGE_TITLE", default="Invoices", show_default=True, help="The heading.")
@click.option(
    "--schema", envvar="INVOICING_PAGE_SCHEMA", default="invoicing", show_default=True, help="The schema of the marts."
)
@click.option(
    "--late-after",
    type=click.FloatRange(min=0, min_open=True),
    envvar="INVOICING_PAGE_LATE_AFTER",
    metavar="HOURS",
    default=36,
    show_default=True,
    help="Since the last load, after which a system is late.",
)
@click.option(
    "--most-invoices",
    type=click.IntRange(min=1),
    envvar="INVOICING_PAGE_MOST_INVOICES",
    default=100_000,
    show_default=True,
    help="Invoices that are shown one by one; of more, the older months are summed.",
)
def main(*, output: Path | None, title: str, schema: str, late_after: float, most_invoices: int) -> None:
    """Write one HTML page over the marts, from the database that target-postgres loads into."""
    # The libraries take a second to load, which --help has no use for.
    from invoicing_orchestrate.errors import ProjectError  # noqa: PLC0415
    from invoicing_orchestrate.project import current  # noqa: PLC0415
    from invoicing_page.content import Limits, content  # noqa: PLC0415
    from invoicing_page.errors import PageError  # noqa: PLC0415
    from invoicing_page.page import page  # noqa: PLC0415

    try:
        project = current()
        database = project.warehouse
        if database is None:
            raise PageError(_NO_DATABASE)  # noqa: TRY301 - said as all others are
        found = content(database, schema, datetime.now(UTC), Limits(most_invoices, late_after))
        path = output or project.folder / DEFAULT_FILE
        _write(path, page(found, title))
    except (ProjectError, PageError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB), as of {found['as_of']}")


def _write(path: Path, text: str) -> None:
    """Write a file so that whoever reads it has the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        written.write_text(text, encoding="utf-8")
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
