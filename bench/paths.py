"""The folders that the benchmark works with."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".bench"
"""What is installed and generated; `make clean` removes it."""
PEERS = ROOT / "bench" / "peers"
PEERS_SHARED = PEERS / "shared"
"""Code that all peers import: it makes their records as flat as ours."""
