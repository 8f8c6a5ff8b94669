"""Open a shell in which `meltano run tap-productive target-postgres` works without any account.

The taps run from the tree: an edit is in the next run, also one of their streams and columns. `meltano install` ends
that.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scripts.all_taps import tap_names
from scripts.local_world import ROOT, local_world

if TYPE_CHECKING:
    from scripts.local_world import LocalWorld


def install_editable(world: LocalWorld) -> dict[str, str]:
    """Install the taps in Meltano's virtual environments so that they run from the tree.

    Args:
        world: Where Meltano runs.

    Returns:
        Variables under which Meltano discovers their streams in each run.

    Raises:
        SystemExit: If one cannot be installed; the reason was printed.
    """
    for tap in tap_names():
        place = str(ROOT / ".meltano" / "extractors" / tap / "venv")
        sources = [word for folder in ("core", f"taps/{tap}") for word in ("--editable", folder)]
        if world.run("uv", "pip", "install", "--python", place, *sources, quiet=True):
            sys.exit(1)
    return {f"{tap.upper().replace('-', '_')}__USE_CACHED_CATALOG": "false" for tap in tap_names()}


def main() -> int:
    """Start the sandbox, PostgreSQL, and the user's shell.

    Returns:
        The shell's exit code.
    """
    with local_world() as world:
        if world.run("meltano", "install", quiet=True):
            return 1
        fresh = install_editable(world)
        programs = f"{Path(sys.executable).parent}{os.pathsep}{world.environment['PATH']}"
        print(f"Sandbox:    {world.sandbox_url}")
        print(f"PostgreSQL: {world.database_url}")
        print("Try:        meltano run tap-productive target-postgres; `exit` ends both.")
        shell = world.environment.get("SHELL", "/bin/sh")
        environment = {**world.environment, **fresh, "PATH": programs}
        return subprocess.run([shell], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - the user's own


if __name__ == "__main__":
    sys.exit(main())
