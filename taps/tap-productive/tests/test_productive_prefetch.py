"""Lists that are read ahead of their turn: how many, what the state says of them, and that they stop with the run."""

from __future__ import annotations

import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from conftest import CollectingWriter
from singer_rest_core.errors import AccessRefused, RunInterrupted
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import FakeClock, ReadProductive
    from sandbox.server import RunningSandbox

_WORKERS = 2
_LONG_ENOUGH = 1.0
"""Seconds in which the sandbox would answer many times as many requests."""


class _Loader(CollectingWriter):
    """Does something when the first record comes."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self._then: Callable[[], None] | None = then

    def write_lines(self, lines: bytes, *, flush: bool = False) -> None:
        super().write_lines(lines, flush=flush)
        if lines.startswith(b'{"type":"RECORD"') and self._then is not None:
            then, self._then = self._then, None
            then()


def _tap(settings: dict[str, Any], then: Callable[[], None]) -> TapProductive:
    tap = TapProductive(config=settings | {"page_size": 20, "concurrency": _WORKERS}, message_writer=_Loader(then))
    for stream in tap.streams.values():
        stream.selected = stream.name >= "tasks"
    return tap


def _written(tap: TapProductive) -> list[dict[str, Any]]:
    writer = tap.message_writer
    assert isinstance(writer, CollectingWriter)
    return writer.messages


def _requested(sandbox: RunningSandbox) -> Counter[str]:
    return Counter(request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests())


def test_every_list_is_begun_while_the_loader_is_slow_so_that_the_longest_is_known_early(
    sandbox: RunningSandbox, productive_settings: dict[str, Any]
) -> None:
    requested: list[Counter[str]] = []

    def stall() -> None:
        time.sleep(_LONG_ENOUGH)
        requested.append(_requested(sandbox))

    tap = _tap(productive_settings, stall)
    tap.sync_all()

    lists = {stream.path.rsplit("/", 1)[-1] for stream in tap.lists if stream.selected}
    assert lists == requested[0].keys()


def test_the_state_says_nothing_of_lists_that_were_read_but_not_written(
    sandbox: RunningSandbox, productive_settings: dict[str, Any]
) -> None:
    def stop() -> None:
        time.sleep(_LONG_ENOUGH)
        raise RunInterrupted(signal.SIGTERM)

    tap = _tap(productive_settings, stop)
    with pytest.raises(RunInterrupted):
        tap.sync_all()

    assert len(_requested(sandbox)) > 1
    states = [message for message in _written(tap) if message["type"] == "STATE"]
    assert states
    assert set(states[-1]["value"].get("bookmarks", {})) <= {"tasks"}


@pytest.mark.parametrize("end", [RunInterrupted(signal.SIGTERM), AccessRefused("the token was revoked")])
def test_nothing_more_is_requested_when_a_run_ends_early(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], end: BaseException
) -> None:
    """Requests under way are left to themselves; those that wait for a worker are not sent."""
    sandbox.admin.add_fault("*", times=10_000, delay_ms=100)

    def stop() -> None:
        raise end

    with pytest.raises(type(end)):
        _tap(productive_settings, stop).sync_all()
    requested = _requested(sandbox).total()
    time.sleep(_LONG_ENOUGH)

    assert _requested(sandbox).total() <= requested + _WORKERS


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_page_that_fails_for_good_is_asked_for_as_often_at_every_concurrency(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    sandbox.admin.add_fault("*/comments", skip=4, times=10_000, status=500)
    assert read_productive("comments", concurrency=concurrency, page_size=5).error is not None
    statuses = Counter(request["status"] for request in sandbox.admin.requests())
    assert statuses == {200: 4, 500: 6}
    assert sum(clock.waits) < 120


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_refused_page_is_waited_for_as_long_as_is_allowed_at_every_concurrency(
    sandbox: RunningSandbox, read_productive: ReadProductive, clock: FakeClock, concurrency: int
) -> None:
    sandbox.admin.add_fault("*/comments", skip=4, times=10_000, status=429)
    assert read_productive("comments", concurrency=concurrency, page_size=5, max_wait_minutes=10).error is not None
    assert sum(clock.waits) <= 600
