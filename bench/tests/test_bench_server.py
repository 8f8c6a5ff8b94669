"""The server refuses what the quota does not permit, and the launcher tells what a program cost."""

from __future__ import annotations

import http.client
import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from bench.processes import ReaderFailed, run, server
from sandbox.productive.api import CONTENT_TYPE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.processes import ServerAtWork

HEADERS = {"X-Auth-Token": TOKEN, "Content-Type": CONTENT_TYPE}


@pytest.fixture(scope="module")
def serving() -> Iterator[ServerAtWork]:
    with server() as started:
        yield started


def ask(serving: ServerAtWork, times: int, headers: dict[str, str]) -> list[tuple[int, str | None]]:
    connection = http.client.HTTPConnection(urlsplit(serving.url).netloc, timeout=30)
    answers = []
    for _ in range(times):
        connection.request("GET", "/productive/api/v2/invoices?page%5Bsize%5D=1", headers=headers)
        answer = connection.getresponse()
        answer.read()
        answers.append((answer.status, answer.headers.get("X-RateLimit-Reset")))
    connection.close()
    return answers


def test_what_the_quota_does_not_permit_is_refused_and_logged(serving: ServerAtWork) -> None:
    serving.reset(invoices=10, limit="3/10")
    answers = ask(serving, 5, HEADERS)
    assert [status for status, _ in answers] == [200, 200, 200, 429, 429]
    assert answers[0][1] is None
    assert 1 <= int(answers[3][1] or 0) <= 10
    assert [request.status for request in serving.log()] == [200, 200, 200, 429, 429]


def test_without_a_quota_nothing_is_refused(serving: ServerAtWork) -> None:
    serving.reset(invoices=10)
    assert {status for status, _ in ask(serving, 120, HEADERS)} == {200}


def test_a_request_takes_the_latency(serving: ServerAtWork) -> None:
    serving.reset(invoices=10, latency_ms=60)
    ask(serving, 3, HEADERS)
    first, _, last = (request.at for request in serving.log())
    assert 0.12 <= last - first < 1


def test_a_wrong_token_is_refused(serving: ServerAtWork) -> None:
    serving.reset(invoices=10)
    assert ask(serving, 1, HEADERS | {"X-Auth-Token": "wrong"})[0][0] == 401


def test_the_cost_of_a_program_is_its_own(tmp_path: Path) -> None:
    work = 'block = bytearray(120_000_000)\nfor _ in range(3_000_000): pass\nprint(\'{"type":"RECORD"}\')'
    cost, _ = run([sys.executable, "-c", work], folder=tmp_path, own_environment={}, seconds=60)
    small, _ = run([sys.executable, "-c", ""], folder=tmp_path, own_environment={}, seconds=60)
    assert cost.peak_mb > 120 > small.peak_mb
    assert cost.cpu > small.cpu
    assert not cost.stopped


def test_records_through_a_pipe_are_counted(tmp_path: Path) -> None:
    work = 'for _ in range(7): print(\'{"type":"RECORD"}\')'
    _, records = run([sys.executable, "-c", work], folder=tmp_path, own_environment={}, seconds=60, to_file=False)
    assert records == 7


def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(ReaderFailed, match="out of ink"):
        run([sys.executable, "-c", "raise SystemExit('out of ink')"], folder=tmp_path, own_environment={}, seconds=60)


def test_a_program_whose_time_is_over_is_ended(tmp_path: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    cost, _ = run(sleeper, folder=tmp_path, own_environment={}, seconds=0.5, may_stop=True)
    assert cost.stopped
    assert cost.wall < 10
    with pytest.raises(ReaderFailed, match="not done"):
        run(sleeper, folder=tmp_path, own_environment={}, seconds=0.5)
