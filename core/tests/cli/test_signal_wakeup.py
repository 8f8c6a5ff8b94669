"""A signal that another thread receives ends whatever the main thread waits for."""

from __future__ import annotations

import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests
from singer_sdk.streams.rest import HTTPRequest

from singer_rest_core.cli.signal_wakeup import waking_main_thread
from singer_rest_core.clock import Clock
from singer_rest_core.paging.prefetch import Pending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONG = 20.0
"""Seconds that each wait takes if nothing ends it."""


class _Arrived(BaseException):
    pass


def _an_answer() -> None:
    pending = Pending(HTTPRequest("/things"), lambda _: requests.Response())
    timer = threading.Timer(_LONG, pending.settle)
    timer.start()
    try:
        pending.result()
    finally:
        timer.cancel()
        timer.join()


def _a_socket() -> None:
    ours, _theirs = socket.socketpair()
    ours.settimeout(_LONG)
    ours.recv(1)


def _a_lock() -> None:
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=_LONG)


_WAITS: list[Callable[[], object]] = [
    _an_answer,
    _a_socket,
    _a_lock,
    lambda: Clock().wait(threading.Event(), _LONG),
    lambda: time.sleep(_LONG),
]


@pytest.fixture(autouse=True)
def _handler() -> Iterator[None]:
    def handler(*_: object) -> None:
        raise _Arrived

    before = signal.signal(signal.SIGALRM, handler)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("wait", _WAITS, ids=["an answer", "a socket", "a lock", "the clock", "sleep"])
def test_a_wait_ends_with_a_signal_that_another_thread_receives(wait: Callable[[], object]) -> None:
    def receive() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGALRM)

    threading.Timer(0.2, receive).start()
    began = time.monotonic()
    with waking_main_thread(), pytest.raises(_Arrived):
        wait()
    assert time.monotonic() - began < _LONG / 2


def test_everything_is_as_before_after_the_block() -> None:
    before = signal.getsignal(signal.SIGURG)
    with waking_main_thread():
        assert signal.getsignal(signal.SIGURG) is not before
    assert signal.getsignal(signal.SIGURG) is before
    assert signal.set_wakeup_fd(-1) == -1
    deadline = time.monotonic() + _LONG
    while any(thread.name == "signals" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread has not ended"
        threading.Event().wait(0.05)


def test_another_thread_may_run_the_block() -> None:
    entered = threading.Event()

    def run() -> None:
        with waking_main_thread():
            entered.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert entered.is_set()
