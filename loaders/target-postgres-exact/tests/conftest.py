"""The fixtures of a loader's tests."""

from __future__ import annotations

from tests.loader_world import database, own_signal_handlers, postgres

__all__ = ["database", "own_signal_handlers", "postgres"]
