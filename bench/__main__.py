"""`python -m bench`: run all scenarios, or some; print a table for each, and write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.peer_environments import install, peer_names
from bench.provenance import describe_run, digest_of_sources
from bench.readers import Readers
from bench.report import to_markdown, to_terminal
from bench.scenarios import SCENARIOS
from bench.server.process import running_server
from bench.session import Options, Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from bench.report import Section

RESULTS = Path(__file__).with_name("RESULTS.md")
_ROUNDS = 3
_BUDGET_SECONDS = 1200.0
_INTERRUPTED = 130


def main() -> int:
    """Measure, and print the results.

    Returns:
        0 if everything was measured and all readers wrote the same; 130 after Ctrl-C.
    """
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, _exit_on_signal)
    # A shell starts its background jobs with SIGINT ignored; Ctrl-C must clean up there too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    rounds = arguments.rounds or (1 if arguments.quick else _ROUNDS)
    options = Options(arguments.quick, rounds, arguments.budget)
    about, sources = describe_run(options.rounds), digest_of_sources()
    print("\n".join(about))
    try:
        sections, failures = measure(options, arguments.only or list(SCENARIOS))
    except KeyboardInterrupt:
        print("\nStopped; everything is cleaned up.")
        return _INTERRUPTED
    except subprocess.CalledProcessError as error:
        return error.returncode
    if digest_of_sources() != sources:
        failures.append("the code changed while it was measured")
        print(f"FAILED: {failures[-1]}: these results are not valid", file=sys.stderr)
        about.append(f"NOT VALID: {failures[-1]}")
    if not arguments.only and not options.quick:
        RESULTS.write_text(to_markdown(sections, about))
        print(f"written: {RESULTS}")
    return 1 if failures else 0


def measure(options: Options, names: Sequence[str]) -> tuple[list[Section], list[str]]:
    """Run scenarios, and print the results of each as soon as they are known.

    Args:
        options: How much is measured.
        names: Which scenarios.

    Returns:
        The results, and what failed.
    """
    for peer in peer_names():
        install(peer)
    sections = []
    with tempfile.TemporaryDirectory(prefix="invoicing-taps-bench-") as folder, running_server() as server:
        session = Session(Readers(Path(folder), server.url), server, options)
        for name in names:
            print(f"\n{name}", flush=True)
            sections.append(SCENARIOS[name](session))
            print(f"\n{to_terminal(sections[-1])}", flush=True)
    for failure in session.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return sections, session.failures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Compare tap-productive with its peers; see bench/README.md."
    )
    parser.add_argument("--quick", action="store_true", help="fewer records, one round, no RESULTS.md")
    parser.add_argument(
        "--only", action="append", choices=SCENARIOS, help="only this scenario; may be repeated; no RESULTS.md"
    )
    parser.add_argument(
        "--rounds", type=int, default=0, help=f"how often each reader runs (default {_ROUNDS}; quick: 1)"
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=_BUDGET_SECONDS,
        help=f"seconds after which a scenario starts no new round (default {_BUDGET_SECONDS:.0f})",
    )
    return parser


def _exit_on_signal(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
