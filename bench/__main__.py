"""`python -m bench`: all scenarios, or some; a table of each in the terminal, and bench/RESULTS.md."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.environments import PEERS, prepare
from bench.pipelines import nothing_new, whole_way
from bench.processes import server
from bench.readers import Site
from bench.report import about_this_run, digest_of_sources, in_markdown, in_terminal
from bench.runs import Bench, Options
from bench.scenarios import growth, latency, no_latency, one_page_streams, under_quota

if TYPE_CHECKING:
    from types import FrameType

    from bench.report import Section

SCENARIOS = {
    "0ms": no_latency,
    "100ms": latency,
    "quota": under_quota,
    "streams": one_page_streams,
    "whole": whole_way,
    "nothing-new": nothing_new,
    "growth": growth,
}
RESULTS = Path(__file__).with_name("RESULTS.md")
_ROUNDS = 3


def main() -> int:
    """Measure.

    Returns:
        0 if all was measured and all readers wrote the same.
    """
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Our tap beside its peers; see bench/README.md."
    )
    parser.add_argument("--quick", action="store_true", help="fewer records, one round, no RESULTS.md")
    parser.add_argument(
        "--only", action="append", choices=SCENARIOS, help="this scenario; may be repeated; no RESULTS.md"
    )
    parser.add_argument(
        "--rounds", type=int, default=0, help=f"how often each reader runs (default {_ROUNDS}; quick: 1)"
    )
    parser.add_argument(
        "--budget", type=float, default=1200, help="seconds after which a scenario begins no new round (default 1200)"
    )
    wishes = parser.parse_args()
    signal.signal(signal.SIGTERM, _terminate)
    # A shell starts its background jobs with SIGINT ignored; Ctrl-C must clean up there too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    options = Options(wishes.quick, wishes.rounds or (1 if wishes.quick else _ROUNDS), wishes.budget)
    about, sources = about_this_run(options.rounds), digest_of_sources()
    print("\n".join(about))
    try:
        sections, failures = measure(options, wishes.only or list(SCENARIOS))
    except KeyboardInterrupt:
        print("\nStopped; everything is cleaned up.")
        return 130
    except subprocess.CalledProcessError as error:
        return error.returncode
    if digest_of_sources() != sources:
        failures.append("the code was changed while it was measured")
        print(f"FAILED: {failures[-1]}: these numbers are of no one state", file=sys.stderr)
        about.append(f"NOT VALID: {failures[-1]}")
    if not wishes.only and not options.quick:
        RESULTS.write_text(in_markdown(sections, about))
        print(f"written: {RESULTS}")
    return 1 if failures else 0


def measure(options: Options, names: list[str]) -> tuple[list[Section], list[str]]:
    """Run scenarios, and print what each found as soon as it is known.

    Args:
        options: How much is measured.
        names: Which scenarios.

    Returns:
        What was found, and what failed.
    """
    for requirements in sorted(PEERS.glob("*/requirements.txt")):
        prepare(requirements.parent.name)
    sections = []
    with tempfile.TemporaryDirectory(prefix="invoicing-taps-bench-") as folder, server() as serving:
        bench = Bench(Site(Path(folder), serving), serving, options)
        for name in names:
            print(f"\n{name}", flush=True)
            sections.append(SCENARIOS[name](bench))
            print(f"\n{in_terminal(sections[-1])}", flush=True)
    for failure in bench.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return sections, bench.failures


def _terminate(signum: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signum)


if __name__ == "__main__":
    sys.exit(main())
