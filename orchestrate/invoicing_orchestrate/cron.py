"""Cron expressions of five fields, and what is wrong with others."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
_FIELDS = 5
_DAY, _MONTH = 2, 3
_NO_CRON = 'is not a cron expression of five fields, such as "0 2 * * *" for 02:00 UTC every day'
_NEVER = "never occurs: no month that it names has such a day"


def cron_fault(times: str) -> str:
    """Return what is wrong with a cron expression.

    Args:
        times: The expression.

    Returns:
        What follows it in a sentence; empty if nothing is wrong.
    """
    fields = times.split()
    # The library takes a sixth field for seconds, in front of the others.
    if len(fields) != _FIELDS:
        return _NO_CRON
    if _occurs(fields):
        return ""
    # It says of a day that no such month has what it says of one that cannot be read.
    alone = (_with_star(fields, place) for place in (_DAY, _MONTH))
    return _NEVER if all(map(_occurs, alone)) else _NO_CRON


def _with_star(fields: list[str], place: int) -> list[str]:
    return [*fields[:place], "*", *fields[place + 1 :]]


def _occurs(fields: list[str]) -> bool:
    try:
        return next(CronSim(" ".join(fields), _ANY_TIME), None) is not None
    except (CronSimError, AssertionError, TypeError):
        # The library raises the last two of steps of what is no number, such as 5L/2.
        return False
