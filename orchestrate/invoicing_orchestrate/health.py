"""Whether the last runs went well: what a container's health check asks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from invoicing_orchestrate.errors import ProjectError
from invoicing_orchestrate.similar import similar
from singer_rest_core.clock import time_span

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import timedelta
    from pathlib import Path


@dataclass(frozen=True)
class Health:
    """What is known of the last run of a tap and account.

    Args:
        is_good: Whether it went well, and not too long ago.
        line: What to say of it.
    """

    is_good: bool
    line: str


def health(
    path: Path, taps: Collection[str], now: datetime, max_age: timedelta | None, known: Collection[str] | None = None
) -> list[Health]:
    """Look at the last run of each tap and account.

    Args:
        path: The file of records.
        taps: The taps to look at; if empty, all that have run.
        now: The present instant.
        max_age: The longest time since the end of a run; None for any.
        known: The taps of the project; None if there is no project, and any name may be one.

    Returns:
        One for each tap and account that has run, in the order of their last runs, and one for each of the taps that
        has not, which is good only if no age matters.

    Raises:
        ProjectError: If the file cannot be read, or holds no records, or a tap is unknown.
    """
    last: dict[tuple[str, str], Mapping[str, Any]] = {}
    for record in _records(path):
        key = (str(record["tap"]), str(record["account"]))
        if not taps or key[0] in taps:
            last.pop(key, None)
            last[key] = record
    ran = {tap for tap, _ in last}
    missing = [tap for tap in dict.fromkeys(taps) if tap not in ran]
    for tap in missing:
        # A tap that is no longer in the project is known by its runs.
        if known is not None and tap not in known:
            raise ProjectError(f"There is no tap {tap} in this project{similar(tap, known)}")
    found = [_judged(record, now, max_age) for record in last.values()]
    found += [Health(is_good=max_age is None, line=f"No run of {tap} has ended yet") for tap in missing]
    return found or [Health(is_good=max_age is None, line="No run has ended yet")]


def _records(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"The records in {path} cannot be read: {error}") from None
    yield from _parsed(lines, path)


def _parsed(lines: Iterable[str], path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the records in lines; one that a crash or a full disk cut off is none."""
    is_any = False
    fault = ""
    for line in lines:
        try:
            record = json.loads(line)
            record["tap"], record["account"], record["result"], datetime.fromisoformat(record["ended"])
        except (ValueError, TypeError, KeyError):
            fault = f"The file {path} holds no records of runs: name the right one with --runs-file"
            continue
        is_any = True
        yield record
    if fault and not is_any:
        raise ProjectError(fault)


def _judged(record: Mapping[str, Any], now: datetime, max_age: timedelta | None) -> Health:
    ended = datetime.fromisoformat(record["ended"])
    account = "" if record["account"] == "default" else f" ({record['account']})"
    said = f"{record['tap']}{account} {record['result']} at {ended:%Y-%m-%d %H:%M} UTC"
    if record["result"] != "succeeded":
        return Health(is_good=False, line=f"{said}: {record.get('error') or 'no reason is known'}")
    age = now - ended
    if max_age is not None and age > max_age:
        spans = time_span(age.total_seconds()), time_span(max_age.total_seconds())
        return Health(is_good=False, line=f"{said}, {spans[0]} ago: a run was due within {spans[1]}")
    return Health(is_good=True, line=said)
