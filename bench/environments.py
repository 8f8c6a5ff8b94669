"""The peers' own virtual environments, made by uv from PyPI with exact versions."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".bench"
PEERS = ROOT / "bench" / "peers"


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment.

    Args:
        peer: Name of its folder.

    Returns:
        A path that `prepare` makes true.
    """
    return PLACE / peer / "bin" / "python"


def prepare(peer: str) -> None:
    """Make a peer's environment, unless it is as its requirements say.

    Args:
        peer: Name of its folder.

    Raises:
        subprocess.CalledProcessError: If uv fails; its message was printed.
    """
    requirements = PEERS / peer / "requirements.txt"
    stamp, digest = PLACE / peer / ".requirements", hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"installing {peer}: {', '.join(requirements.read_text().split())}", flush=True)
    uv, environment = Path(sys.executable).with_name("uv"), {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    commands: tuple[list[str | Path], ...] = (
        ["venv", "--quiet", "--clear", "--python", sys.executable, PLACE / peer],
        ["pip", "install", "--quiet", "--compile-bytecode", "--python", python_of(peer), "--requirement", requirements],
    )
    for command in commands:
        subprocess.run([uv, *command], check=True, env=environment)  # noqa: S603 - our own
    stamp.write_text(digest)


def versions(peer: str) -> str:
    """What a peer runs on.

    Args:
        peer: Name of its folder.

    Returns:
        The pinned packages.
    """
    return ", ".join((PEERS / peer / "requirements.txt").read_text().split())
