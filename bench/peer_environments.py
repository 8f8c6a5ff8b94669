"""The peers' virtual environments, installed by uv from PyPI with exact versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from bench.paths import PEERS, WORK


def peer_names() -> list[str]:
    """Return the names of the peers' folders that have requirements, sorted."""
    return sorted(path.parent.name for path in PEERS.glob("*/requirements.txt"))


def python_of(peer: str) -> Path:
    """Return the interpreter of a peer's environment; it exists after `install`.

    Args:
        peer: Name of its folder.
    """
    return WORK / peer / "bin" / "python"


def install(peer: str) -> None:
    """Create a peer's environment, unless it already matches its requirements.

    Args:
        peer: Name of its folder.

    Raises:
        subprocess.CalledProcessError: If uv fails; its message was printed.
    """
    requirements = PEERS / peer / "requirements.txt"
    stamp, digest = WORK / peer / ".requirements", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"installing {peer}: {pinned_packages(peer)}", flush=True)
    uv, environment = Path(sys.executable).with_name("uv"), {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    commands: tuple[list[str | Path], ...] = (
        ["venv", "--quiet", "--clear", "--python", sys.executable, WORK / peer],
        ["pip", "install", "--quiet", "--compile-bytecode", "--python", python_of(peer), "--requirement", requirements],
    )
    for command in commands:
        subprocess.run([uv, *command], check=True, env=environment)  # noqa: S603 - our own commands
    stamp.write_text(digest)


def pinned_packages(peer: str) -> str:
    """Return the packages that a peer requires, with their versions, on one line.

    Args:
        peer: Name of its folder.
    """
    return ", ".join((PEERS / peer / "requirements.txt").read_text().split())
