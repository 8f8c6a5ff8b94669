"""When, where and with which versions results were measured."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.paths import ROOT
from bench.peer_environments import peer_names, pinned_packages

_OUR_PACKAGES = ("singer-sdk", "singer-rest-core", "tap-productive", "msgspec", "requests", "meltano")
_MEASURED_FOLDERS = ("bench", "core", "loaders", "sandbox", "taps")


def describe_run(rounds: int) -> list[str]:
    """Return lines that describe time, machine and versions; to be called before anything is measured.

    Args:
        rounds: How often each reader runs.
    """
    load = f"load before the start {os.getloadavg()[0]:.1f}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {rounds} rounds in turn, medians",
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GB of memory; {load}",
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        f"commit {_commit()}",
        "ours: " + ", ".join(f"{name} {version(name)}" for name in _OUR_PACKAGES),
        *(f"{peer}: {pinned_packages(peer)}" for peer in peer_names()),
    ]


def digest_of_sources() -> str:
    """Return a digest of every file of core, taps, sandbox and benchmark that a run executes."""
    digest = hashlib.sha256()
    for folder in _MEASURED_FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "tests" not in path.parts:
                digest.update(str(path).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _commit() -> str:
    """Return the commit, and whether files differ from it."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty=, with uncommitted changes"]
    described = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    return described.stdout.strip() or "unknown"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
