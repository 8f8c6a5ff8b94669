"""The record of one run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from singer_rest_core.clock import time_span
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
Result = Literal["succeeded", "failed", "interrupted"]
DEFAULT_ACCOUNT = "default"
_MAX_ERROR = 1_000


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run once it has ended.

    Args:
        run_id: Meltano's id of the run, a UUID.
        tap: The tap's name.
        loader: The loader's name.
        account: The account that was read.
        started: When Meltano was started, UTC.
        ended: When it had ended, UTC.
        result: How it ended; interrupted is a run that a signal ended.
        exit_code: The exit code of the run.
        error: Why it failed, in one line; None if it succeeded.
        rows_read: Rows that the tap read.
        rows_written: Rows that the loader wrote; None if neither loader nor database could say.
        rows_deleted: Rows that the loader marked as deleted or removed; None as above.
        requests: Requests that the tap sent; None if it ended before it could say.
        skipped_streams: Streams that the account may not read, with the reason.
        failed_streams: Streams that failed, with the error.
        worker: The machine and process that ran it; None in records of earlier versions.
        quota_group: The group of accounts whose rate limit it shared; None if none.
    """

    run_id: str
    tap: str
    loader: str
    account: str
    started: datetime
    ended: datetime
    result: Result
    exit_code: int
    error: str | None
    rows_read: int
    rows_written: int | None
    rows_deleted: int | None
    requests: int | None
    skipped_streams: Mapping[str, str]
    failed_streams: Mapping[str, str]
    worker: str | None = None
    quota_group: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the record as JSON values; times as ISO 8601 in UTC."""
        return asdict(self) | {"started": _instant(self.started), "ended": _instant(self.ended)}

    @classmethod
    def of_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the record that `as_json` was called on.

        Args:
            values: What it returned.

        Raises:
            TypeError: If it is none.
            KeyError: If it is none.
            ValueError: If a time is none.
        """
        times = {name: datetime.fromisoformat(values[name]) for name in ("started", "ended")}
        return cls(**{**values, **times})

    def redacted(self, secrets: Iterable[str]) -> RunRecord:
        """Return the record without secrets, its error cut to a length that fits a line.

        Args:
            secrets: The values that must not be in it.
        """
        secrets = list(secrets)

        def without(texts: Mapping[str, str]) -> dict[str, str]:
            return {name: redact(text, secrets)[:_MAX_ERROR] for name, text in texts.items()}

        return replace(
            self,
            error=None if self.error is None else redact(self.error, secrets)[:_MAX_ERROR],
            skipped_streams=without(self.skipped_streams),
            failed_streams=without(self.failed_streams),
        )

    def line(self) -> str:
        """Return the run in one line."""
        took = time_span((self.ended - self.started).total_seconds())
        counts = [
            f"{count:,} {what}"
            for count, what in (
                (self.rows_read, "rows read"),
                (self.rows_written, "written"),
                (self.rows_deleted, "deleted"),
                (self.requests, "requests"),
            )
            if count is not None
        ]
        streams = [
            f"{len(names)} streams {what}"
            for names, what in ((self.skipped_streams, "skipped"), (self.failed_streams, "failed"))
            if names
        ]
        account = "" if self.account == DEFAULT_ACCOUNT else f" {self.account}"
        said = f"{self.tap}{account} {self.result} after {took}: {', '.join([*counts, *streams])}"
        return f"{said}. {self.error}" if self.error else said


def reason_of(run: Mapping[str, Any]) -> str:
    """Return why a run failed, in one line: of streams that failed, what the first says; empty if it succeeded.

    Args:
        run: The record, as JSON values.
    """
    failed = run["failed_streams"]
    if not failed:
        return run["error"] or ""
    (name, why), *more = failed.items()
    return f"{name}: {why} (and {len(more)} more streams)" if more else f"{name}: {why}"


_NAMED = 10
"""Accounts that a message names; of more it says how many."""


def accounts_line(runs: Sequence[Mapping[str, Any]]) -> str:
    """Return failures of the same kind in one line.

    Args:
        runs: The records, as JSON values; at least one.
    """
    run = runs[0]
    names = list(dict.fromkeys(str(each["account"]) for each in runs))
    if len(names) == 1:
        return f"{run['tap']} {names[0]} {run['result']}: {reason_of(run)}"
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    said = ", ".join(names[:_NAMED])
    return f"{len(names)} accounts of {run['tap']} {run['result']} alike: {reason_of(run)} ({said}{more})"


def json_line(record: RunRecord) -> str:
    """Return a record as one line of JSON.

    Args:
        record: The record.
    """
    return json.dumps(record.as_json(), ensure_ascii=False) + "\n"


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
