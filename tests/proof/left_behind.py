"""What a run leaves behind, searched for the secrets that it was given, in every form."""

from __future__ import annotations

import logging
import traceback
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from scripts.all_taps import tap_classes
from tests.hostile.secret_collector import SecretCollector
from tests.proof.world import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKENS = ("covage-access-", "covage-refresh-")
"""How the tokens begin that the sandbox issues."""

NOT_SEARCHED = ("*config.json",)
"""Settings are given to a tap in a file."""


@cache
def secrets_of(tap: str) -> tuple[str, ...]:
    """Return the secret settings with which a tap reads the sandbox, and what tokens begin with.

    Args:
        tap: Its distribution.
    """
    known = tap_classes()[tap].config_jsonschema["properties"]
    secrets = [str(value) for name, value in settings_of(tap, "").items() if known[name].get("secret")]
    assert secrets, tap
    return (*secrets, *TOKENS)


def assert_without_secrets(tap: str, texts: Mapping[str, bytes | str], *folders: Path) -> None:
    """Check that no secret is in what a run left behind.

    Args:
        tap: Its distribution.
        texts: What was written, by what it is.
        folders: Folders of which every file is searched.
    """
    collector = SecretCollector(secrets_of(tap))
    for name, content in texts.items():
        collector.text(name, content)
    for folder in folders:
        collector.folder(folder, but=NOT_SEARCHED)
    assert collector.found == [], collector.found


class LogText(logging.Handler):
    """Keeps what is logged as text, tracebacks included."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(self.format(record))


@contextmanager
def collected_log() -> Iterator[LogText]:
    """Keep what this process logs while the block runs, as much as a tap's program logs."""
    collected, root = LogText(), logging.getLogger()
    level = root.level
    root.addHandler(collected)
    root.setLevel(logging.INFO)
    try:
        yield collected
    finally:
        root.setLevel(level)
        root.removeHandler(collected)


def error_text(error: BaseException | None) -> str:
    """Return an error as Python would print it, with its causes."""
    return "".join(traceback.format_exception(error)) if error else ""
