"""The lines that Meltano logs as JSON, with what its plugins say in them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LINE = 1024 * 1024
"""Bytes of a line that are kept. A loader may print a whole statement with its values."""
_MAX_SHOWN = 2_000
"""Characters of a line that are shown."""

Side = Literal["tap", "loader", "meltano"]
"""Who says a line."""


@dataclass(frozen=True)
class LogLine:
    """One line.

    Args:
        text: What it says.
        level: Its level, in small letters.
        time: When, as Meltano writes it; empty if it does not say.
        side: Who says it; other plugins, such as mappers, count as Meltano.
        plugin: The plugin's name; `meltano` if it is Meltano's own.
        stream: The stream it is about; empty if none.
        pid: The process of the plugin; None if unknown.
        metric: A measurement of singer-sdk: `metric`, `value`, `tags`.
        summary: What a tap or loader says of its whole run; see `singer_rest_core.run.Run.summary_data`.
        exit_codes: What Meltano says of plugins that failed: their exit code by `extractors`, `loaders`.
        error_type: What kind of error a tap ended with, a name in `singer_rest_core.errors`; empty if it does not say.
    """

    text: str
    level: str = "info"
    time: str = ""
    side: Side = "meltano"
    plugin: str = "meltano"
    stream: str = ""
    pid: int | None = None
    metric: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    exit_codes: Mapping[str, Any] = field(default_factory=dict)
    error_type: str = ""

    def shown(self) -> str:
        """Return the line for the console, as Meltano writes it there."""
        text = self.text if len(self.text) <= _MAX_SHOWN else f"{self.text[:_MAX_SHOWN]}…"
        return f"{self.time} [{self.level:<9}] {self.plugin:<12} {text}" if self.time else text


def bounded_lines(stream: IO[bytes], limit: int = MAX_LINE) -> Iterator[bytes]:
    """Read lines; of one that is longer than the limit, the rest is passed over.

    Args:
        stream: Where they come from.
        limit: Bytes.

    Yields:
        Each line, without its end.
    """
    while line := stream.readline(limit):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        yield line.rstrip(b"\r\n")


def parse(raw: bytes) -> LogLine:
    """Read one line of Meltano, which may be JSON or any text.

    Args:
        raw: Its bytes.

    Returns:
        The line. One that is not JSON is an error if it begins as those of the command line do.
    """
    text = raw.decode(errors="replace")
    try:
        entry = json.loads(text)
    except ValueError:
        entry = None
    if not isinstance(entry, dict) or "event" not in entry:
        return LogLine(text, level="error" if text.startswith("Error: ") else "info")
    side: Side = "tap" if entry.get("producer") is True else "loader" if entry.get("consumer") is True else "meltano"
    # A tap that Meltano asks for its catalog, in a process that ends before the run begins.
    is_discovery = entry.get("type") == "discovery"
    plugin = str(entry.get("string_id") or entry.get("name") or "meltano")
    logger = str(entry.get("plugin_logger") or "")
    pid = entry.get("pid")
    return LogLine(
        text=str(entry["event"]),
        level=str(entry.get("level", "info")),
        time=str(entry.get("timestamp", "")),
        side="tap" if is_discovery else side,
        plugin=plugin,
        stream=logger.removeprefix(f"{plugin}.") if logger.startswith(f"{plugin}.") else "",
        pid=pid if isinstance(pid, int) and not is_discovery else None,
        metric=_mapping(entry, "metric_info"),
        summary=_mapping(entry, "run_summary"),
        exit_codes=_mapping(entry, "exit_codes"),
        error_type=str(entry.get("error_type") or ""),
    )


def _mapping(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = entry.get(name)
    return value if isinstance(value, dict) else {}
