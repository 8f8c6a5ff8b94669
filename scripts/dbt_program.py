"""The program that runs dbt for the model, as Meltano has installed it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from scripts.local_world import ROOT

_PROGRAM = ROOT / ".meltano" / "utilities" / "dbt" / "venv" / "bin" / "invoicing-dbt"


def dbt_program() -> Path:
    """Return the program; Meltano installs it if it is not there yet.

    Raises:
        subprocess.CalledProcessError: If it cannot be installed; Meltano's log was printed.
    """
    if not _PROGRAM.exists():
        meltano = str(Path(sys.executable).with_name("meltano"))
        subprocess.run([meltano, "install", "utility", "dbt"], cwd=ROOT, check=True)  # noqa: S603 - our own
    return _PROGRAM
