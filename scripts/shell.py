"""Open a shell in which `meltano run tap-productive target-postgres` works without any account."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scripts.local_world import ROOT, local_world


def main() -> int:
    """Start the sandbox, PostgreSQL, and the user's shell.

    Returns:
        The shell's exit code.
    """
    with local_world() as world:
        if world.run("meltano", "install", quiet=True):
            return 1
        programs = f"{Path(sys.executable).parent}{os.pathsep}{world.environment['PATH']}"
        print(f"Sandbox:    {world.sandbox_url}")
        print(f"PostgreSQL: {world.database_url}")
        print("Try:        meltano run tap-productive target-postgres; `exit` ends both.")
        shell = world.environment.get("SHELL", "/bin/sh")
        environment = {**world.environment, "PATH": programs}
        return subprocess.run([shell], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - the user's own


if __name__ == "__main__":
    sys.exit(main())
