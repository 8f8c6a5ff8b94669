"""Write dbt's own page of the model, in one file: its lineage, descriptions, SQL and tests.

`python -m scripts.dbt_docs` writes it beside the site, from the project alone: no database is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.dbt_program import dbt_program
from scripts.local_world import ROOT

PAGE = ROOT / "output" / "site" / "dbt.html"


def main() -> int:
    """Write the page.

    Returns:
        The exit code of dbt.
    """
    program = dbt_program()
    with tempfile.TemporaryDirectory(prefix="invoicing-taps-") as folder:
        settings = {
            "MELTANO_PROJECT_ROOT": str(ROOT),
            # Nothing connects to it: the page has no catalog.
            "TARGET_POSTGRES_SQLALCHEMY_URL": "postgresql://nobody@localhost/nothing",
            "DBT_TARGET_PATH": folder,
            "DBT_LOG_PATH": folder,
        }
        # Without a database nothing can be compiled; `parse` writes what the page is made of.
        for arguments in (["parse"], ["docs", "generate", "--static", "--empty-catalog", "--no-compile"]):
            command = [str(program), "--quiet", *arguments]
            done = subprocess.run(command, env=os.environ | settings, check=False)  # noqa: S603 - our own
            if done.returncode:
                return done.returncode
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(folder) / "static_index.html", PAGE)
        print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
