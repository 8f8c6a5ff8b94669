"""Run several commands of Meltano in one process, as each start of Meltano takes seconds; started by tests.

Reads a JSON list of commands, each a list of arguments, from standard input; writes a JSON list of exit codes, standard
outputs and logs.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from click.testing import CliRunner
from meltano.cli.cli import cli

if TYPE_CHECKING:
    from click.testing import Result


def main() -> int:
    """Run the commands in the current folder, one after the other; their results are for the caller to look at."""
    results: list[Result] = [CliRunner().invoke(cli, command) for command in json.load(sys.stdin)]
    json.dump(
        [
            {"code": result.exit_code, "stdout": result.stdout, "log": f"{result.stderr}{result.exception or ''}"}
            for result in results
        ],
        sys.stdout,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
