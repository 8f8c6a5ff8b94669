"""Requests ahead of their turn are bounded, and stop when the run ends."""

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

    from sandbox.server import RunningSandbox

_WORKERS = 2
_WINDOW = _WORKERS + 2
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


def _requested(sandbox: RunningSandbox) -> Counter[str]:
    return Counter(request["path"].rsplit("/", 1)[-1] for request in sandbox.admin.requests())


def test_a_slow_loader_has_no_more_pages_requested_than_fit_the_window(
    sandbox: RunningSandbox, productive_settings: dict[str, Any]
) -> None:
    requested: list[Counter[str]] = []

    def stall() -> None:
        time.sleep(_LONG_ENOUGH)
        requested.append(_requested(sandbox))

    _tap(productive_settings, stall).sync_all()

    # The page that is written, the window after it, and the first pages of two streams a worker.
    assert requested[0].pop("tasks") == 1 + _WINDOW
    assert set(requested[0].values()) == {1}
    assert len(requested[0]) == 2 * _WORKERS
    assert _requested(sandbox)["tasks"] == 21


@pytest.mark.parametrize("end", [RunInterrupted(signal.SIGTERM), AccessRefused("the token was revoked")])
def test_nothing_more_is_requested_when_a_run_ends_early(
    sandbox: RunningSandbox, productive_settings: dict[str, Any], end: BaseException
) -> None:
    """Requests under way are left to themselves; those that wait for a worker are not sent."""
    sandbox.admin.add_fault("*", query="page[number]=2", delay_ms=300)
    sandbox.admin.add_fault("*", query="page[number]=3", delay_ms=300)

    def stop() -> None:
        raise end

    with pytest.raises(type(end)):
        _tap(productive_settings, stop).sync_all()
    time.sleep(_LONG_ENOUGH)

    assert set(_requested(sandbox)) == {"tasks"}
    assert _requested(sandbox)["tasks"] <= 1 + _WORKERS
