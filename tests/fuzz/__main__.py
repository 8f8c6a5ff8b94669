"""Fuzz the targets for a while, one after the other: `python -m tests.fuzz [--seconds N] [TARGET …]`.

Inputs that reach new code are collected in `.fuzz/`; those worth keeping are added to `tests/fuzz/corpus` by `--keep`.
An input that breaks a promise is left in `.fuzz/` and named; the command then fails.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
_FOUND = Path(__file__).resolve().parents[2] / ".fuzz"
_LONGEST_INPUT = 4096
_SECONDS_AN_INPUT = 10
_MEMORY = 2048
"""In megabytes, for all that one target needs."""


def main() -> int:
    """Run what the command line asks for; 1 if a target failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"all by default: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=int, default=20, help="for each target (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations (default %(default)s)")
    parser.add_argument("--keep", action="store_true", help="add the inputs found so far to the corpus, and end")
    given = parser.parse_args()
    unknown = sorted(set(given.targets) - TARGETS.keys())
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    failed = [name for name in given.targets or TARGETS if _run(name, given) != 0]
    for name in failed:
        sys.stderr.write(f"{name} failed: its input is in {_FOUND / name}-*\n")
    return bool(failed)


def _run(name: str, given: argparse.Namespace) -> int:
    """Fuzz one target in a process of its own, which ends at its first failure."""
    found, corpus = _FOUND / name, CORPUS / name
    found.mkdir(parents=True, exist_ok=True)
    corpus.mkdir(parents=True, exist_ok=True)
    options = [f"-artifact_prefix={_FOUND}/{name}-", f"-timeout={_SECONDS_AN_INPUT}", f"-rss_limit_mb={_MEMORY}"]
    options += [f"-max_len={_LONGEST_INPUT}", "-print_final_stats=1"]
    folders = [str(corpus), str(found)] if given.keep else [str(found), str(corpus)]
    options += ["-merge=1"] if given.keep else [f"-max_total_time={given.seconds}", f"-seed={given.seed}"]
    command = [sys.executable, "-m", "tests.fuzz.one_target", name, *options, *folders]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
