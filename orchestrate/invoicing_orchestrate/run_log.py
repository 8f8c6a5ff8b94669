"""What the log of a run tells: counts of both sides, streams that were skipped or failed, and why the run failed."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from invoicing_orchestrate.log_lines import LogLine, Side

LOADER_HAS_EXITED = "The loader has exited"
"""What a tap says that failed because its loader did."""
REFUSALS = ("AccessRefused", "ConfigValidationError")
"""Errors of a tap that stay until someone changes the account or its settings."""
_EXCEPTION = re.compile(r"(?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:: .*)?")
_TRACEBACK = "Traceback (most recent call last):"
_KEPT_ERRORS = 20
_SKIPPED = "skipped: "
_FAILED = "failed: "


@dataclass
class RunLog:
    """Collects what the lines of a run say. Its size does not grow with their number, but with that of streams.

    Args:
        rows_read: Rows that the tap handed on, by stream.
        rows_written: Rows that the loader says it took, by stream; empty if it says nothing.
        rows_deleted: Rows that the loader says it marked or removed; None if it says nothing.
        requests: Requests that the tap sent, by its own count; None if it gave none.
        skipped: Streams that the account may not read, with the reason.
        failed: Streams that failed, with the error.
        tap_pid: The tap's process; None until it has said something.
        is_refused: Whether the tap ended as its credentials or settings are refused, which no other attempt changes.
    """

    rows_read: dict[str, int] = field(default_factory=dict)
    rows_written: dict[str, int] = field(default_factory=dict)
    rows_deleted: int | None = None
    requests: int | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    tap_pid: int | None = None
    is_refused: bool = False
    _read_in_pages: int = 0
    _requests_measured: int | None = None
    _written_in_all: int | None = None
    _errors: dict[Side, deque[str]] = field(default_factory=dict)
    _exit_codes: set[str] = field(default_factory=set)
    _in_traceback: set[Side] = field(default_factory=set)
    _last_line: str = ""

    def observe(self, line: LogLine) -> None:
        """Take up what a line says.

        Args:
            line: The next line of the log.
        """
        if line.side == "tap" and line.pid is not None:
            self.tap_pid = line.pid
        self._exit_codes |= line.exit_codes.keys()
        self.is_refused |= line.error_type in REFUSALS
        if line.metric:
            self._measure(line)
            return
        if line.summary:
            self._summarize(line)
        self._follow_stream(line)
        self._follow_errors(line)
        self._last_line = line.text or self._last_line

    @property
    def total_read(self) -> int:
        """How many rows the tap read: also those it did not hand on, and those it made of others."""
        # The summary counts rows of pages, which a tap may leave out where nothing has changed; measurements count what
        # was handed on, which includes rows that are in no page of their own.
        return max(self._read_in_pages, sum(self.rows_read.values()))

    @property
    def total_requests(self) -> int | None:
        """How many requests the tap sent; where it ended before it could say, those of its lists; None if unknown."""
        return self.requests if self.requests is not None else self._requests_measured

    @property
    def total_written(self) -> int | None:
        """How many rows the loader says it took; None if it says nothing."""
        if self._written_in_all is not None:
            return self._written_in_all
        return sum(self.rows_written.values()) if self.rows_written else None

    def error(self) -> str:
        """Return the line that says why the run failed: that of the side which failed first; empty if there is none."""
        for side in self._sides_to_blame():
            errors = self._errors.get(side)
            if errors:
                return errors[-1]
        return self._last_line

    def _sides_to_blame(self) -> list[Side]:
        tap_errors = self._errors.get("tap", ())
        loader_first = any(error.startswith(LOADER_HAS_EXITED) for error in tap_errors)
        if "loaders" in self._exit_codes and (loader_first or "extractors" not in self._exit_codes):
            return ["loader", "tap", "meltano"]
        return ["tap", "loader", "meltano"]

    def _measure(self, line: LogLine) -> None:
        metric, value = line.metric.get("metric"), line.metric.get("value")
        if not isinstance(value, int):
            return
        stream = str((line.metric.get("tags") or {}).get("stream", ""))
        if metric == "http_request_count" and line.side == "tap":
            self._requests_measured = (self._requests_measured or 0) + value
        elif metric == "record_count" and line.side != "meltano":
            rows = self.rows_read if line.side == "tap" else self.rows_written
            rows[stream] = rows.get(stream, 0) + value

    def _summarize(self, line: LogLine) -> None:
        if line.side == "tap":
            self.requests = _whole(line.summary.get("requests"))
            self._read_in_pages = _whole(line.summary.get("rows")) or 0
            self.skipped |= _texts(line.summary.get("skipped"))
            self.failed |= _texts(line.summary.get("failed"))
        elif line.side == "loader":
            self._written_in_all = _whole(line.summary.get("written"))
            self.rows_deleted = _whole(line.summary.get("deleted"))

    def _follow_stream(self, line: LogLine) -> None:
        """Take up how a stream ended; for taps that end before their summary."""
        if line.side != "tap" or not line.stream:
            return
        said = line.text.removeprefix(f"{line.stream}: ")
        if line.level == "warning" and said.startswith(_SKIPPED):
            self.skipped[line.stream] = said.removeprefix(_SKIPPED)
        elif line.level == "error":
            self.failed[line.stream] = said.removeprefix(_FAILED)

    def _follow_errors(self, line: LogLine) -> None:
        if line.text.startswith(_TRACEBACK):
            self._in_traceback.add(line.side)
        is_end = line.side in self._in_traceback and _EXCEPTION.fullmatch(line.text) is not None
        if is_end:
            self._in_traceback.discard(line.side)
        if is_end or line.level in {"error", "critical"}:
            text = " ".join(line.text.split())
            self._errors.setdefault(line.side, deque(maxlen=_KEPT_ERRORS)).append(text)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}
