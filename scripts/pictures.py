"""Pictures for the documentation, of what the taps really print and of the page: `python -m scripts.pictures`.

Those of the terminal are SVGs that load nothing from elsewhere. Seconds differ from run to run, and so do pictures:
they are made anew when a release is, and no test compares them. The page is that of a company that is made up.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rich.console import Console
from rich.text import Text

from scripts.chromium import NoChromium, chromium
from scripts.local_world import ROOT, embedded_postgres, local_world
from tests.generated_marts import NOW, generated
from tests.page_file import PageFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FOLDER = ROOT / "docs" / "pictures"
_WIDTH = 100
_LONGEST = 24
"""Lines."""
_INVOICES = 2_400
_PAGES: tuple[tuple[str, int, int, Literal["light", "dark"]], ...] = (
    ("page", 1280, 1840, "light"),
    ("page-390", 390, 1840, "light"),
    ("page-390-dark", 390, 1840, "dark"),
)
"""Pictures of the page: name, width and height of what is shown, and its colours."""
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def picture(command: str, output: str) -> str:
    """Return a terminal with a command and what it printed, as SVG.

    Args:
        command: The command, as a person types it.
        output: What it printed; colours as ANSI.
    """
    lines = output.splitlines()
    shown = [*lines[:_LONGEST], "…"] if len(lines) > _LONGEST else lines
    console = Console(record=True, width=_WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {command}", style="bold"))
    console.print(Text.from_ansi("\n".join(shown)))
    svg = console.export_svg(title=command.split(maxsplit=1)[0], unique_id="picture")
    return _FONT.sub("", svg).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def printed(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return what a program prints for a person, without messages.

    Args:
        command: The program and its arguments.
        environment: The environment variables.

    Raises:
        subprocess.CalledProcessError: If it fails.
    """
    program = str(Path(sys.executable).with_name(command[0]))
    done = subprocess.run(  # noqa: S603 - our own
        [program, *command[1:]], env=dict(environment), capture_output=True, text=True, check=True
    )
    return done.stderr if "--test" in command else done.stdout


def pictures_of_page() -> None:
    """Write pictures of the beginning of the page, on a wide screen and on a phone.

    Raises:
        NoChromium: If nothing can draw them.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "invoices.html"
        with embedded_postgres() as url:
            generated(_INVOICES).write(url)
            file.write_text(PageFile.of(url).html, encoding="utf-8")
        with chromium() as browser:
            for name, width, height, scheme in _PAGES:
                with browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB", timezone_id="UTC"
                ) as context:
                    page = context.new_page()
                    page.clock.set_fixed_time(NOW + timedelta(minutes=20))
                    page.goto(file.as_uri())
                    page.wait_for_selector("html[data-state=ready]")
                    page.screenshot(path=FOLDER / f"{name}.png")
                print(FOLDER / f"{name}.png")


def main() -> int:
    """Write all pictures.

    Returns:
        The exit code.
    """
    FOLDER.mkdir(exist_ok=True)
    with local_world(scale=0.1) as world:
        settings = {
            "TAP_INVOBI_API_URL": f"{world.sandbox_url}/invobi/api/v1",
            "TAP_INVOBI_API_TOKEN": "sandbox-token",
            "TAP_INVOBI_LOGLEVEL": "WARNING",
        }
        for name, command in (
            ("about", "tap-invobi --about"),
            ("test", "tap-invobi --config=ENV --test"),
        ):
            output = printed(command.split(), os.environ | settings)
            (FOLDER / f"{name}.svg").write_text(picture(command, output), encoding="utf-8")
            print(FOLDER / f"{name}.svg")
    try:
        pictures_of_page()
    except NoChromium as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
