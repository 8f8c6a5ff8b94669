"""Check that target-postgres is told of a database: without one it ends only once the tap has begun.

`python -m scripts.check_database` says what is missing, and exits with 1 if anything is. It connects to nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.local_world import ROOT
from scripts.meltano_files import LOADER

if TYPE_CHECKING:
    from collections.abc import Mapping

URL = "TARGET_POSTGRES_SQLALCHEMY_URL"
FORM = "postgresql+psycopg://user:password@host/database"
_PARTS = ("host", "user", "password", "database")
_HOW = f"set {URL} ({FORM}) in the environment or in .env; docs/running-it.md has more"


def fault(config: Mapping[str, Any]) -> str:
    """Return what is wrong with where the loader writes to.

    Args:
        config: Its settings, as Meltano gives them.

    Returns:
        One line; empty if nothing is wrong.
    """
    url = config.get("sqlalchemy_url")
    if url:
        scheme, separator, _ = str(url).partition("://")
        if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
            return f"sqlalchemy_url of {LOADER} does not begin with postgresql+psycopg:// or postgresql://: {_HOW}"
        return ""
    missing = [name for name in _PARTS if not config.get(name)]
    if len(missing) == len(_PARTS):
        return f"{LOADER} has no database yet: {_HOW}"
    variables = ", ".join(f"TARGET_POSTGRES_{name.upper()}" for name in missing)
    return f"{LOADER} does not know its database: set {variables} too, or {URL} ({FORM})" if missing else ""


def loader_config(project: Path) -> dict[str, Any]:
    """Return the loader's settings from the environment, `.env` and meltano.yml, as Meltano puts them together.

    Args:
        project: The folder of meltano.yml.

    Raises:
        SystemExit: If Meltano fails; its log was printed.
    """
    meltano = str(Path(sys.executable).with_name("meltano"))
    command = [meltano, "invoke", "--no-install", "--dump=config", LOADER]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        sys.exit(done.stderr)
    config: dict[str, Any] = json.loads(done.stdout)
    return config


def main(project: Path = ROOT) -> int:
    """Print what is wrong.

    Args:
        project: The folder of meltano.yml.

    Returns:
        The exit code.
    """
    line = fault(loader_config(project))
    if line:
        print(line)
    return 1 if line else 0


if __name__ == "__main__":
    sys.exit(main())
