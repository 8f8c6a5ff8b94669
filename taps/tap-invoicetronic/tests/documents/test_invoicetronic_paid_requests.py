"""Requests that cost money are completed, and their answer is stored, however the run ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from singer_rest_core.errors import RunInterrupted
from tap_invoicetronic.documents.balance import OperationsBudget
from tap_invoicetronic.documents.failures import Failures
from tap_invoicetronic.documents.paid_requests import PaidRequest, PaidRequests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from documents.conftest import Account
    from tap_invoicetronic.api import InvoicetronicApi


TAP = str(Path(sys.executable).with_name("tap-invoicetronic"))


def test_a_run_that_is_killed_and_resumed_costs_no_more_in_total(account: Account, tmp_path: Path) -> None:
    with started(account.settings | {"payloads": "receive", "payload_limit": 25}, tmp_path) as child:
        _wait_until(lambda: len(account.paid()) >= 7)
        child.kill()
    paid_before = account.paid()
    assert 7 <= len(paid_before) < 25

    resumed = account.read(payloads="receive", payload_limit=25 - len(paid_before))

    paid = account.paid()
    # SIGKILL may strike between an answer and its file: then that one document is asked for again, and no other.
    lost = sum(paid.values()) - len(paid)
    assert lost <= 1
    assert 950 - account.balance() == 25
    assert [record["id"] for record in resumed.records["document"]] == account.oldest("receive", 25 - lost)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_document_that_is_being_fetched_when_a_signal_arrives_is_stored(
    account: Account, tmp_path: Path, signum: signal.Signals
) -> None:
    account.sandbox.admin.add_fault(f"*/receive/{account.oldest('receive', 4)[-1]}", delay_ms=1500)
    with started(account.settings | {"payloads": "receive", "payload_limit": 10}, tmp_path) as child:
        _wait_until(lambda: len(account.files()) == 3)
        time.sleep(0.3)  # the fourth is being waited for
        child.send_signal(signum)
        assert child.wait(timeout=10) == 128 + signum

    assert "Traceback" not in (tmp_path / "log").read_text(encoding="utf-8")
    paid = account.paid()
    assert {int(row_id) for row_id in paid} == set(account.oldest("receive", 4))
    assert len(account.files()) == 4
    lines = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    state = [json.loads(line)["value"] for line in lines if '"type":"STATE"' in line][-1]

    resumed = account.read(payloads="receive", payload_limit=6, state=state)
    assert sum(account.paid().values()) == 10
    assert {record["id"] for record in resumed.records["document"]} >= set(account.oldest("receive", 10)[4:])


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_paid_request_that_was_refused_and_waits_is_given_up_when_a_signal_comes(
    account: Account, tmp_path: Path, concurrency: int
) -> None:
    account.sandbox.admin.add_fault("*/receive/*", status=429, headers={"Retry-After": "60"}, times=20)
    more = {"payloads": "receive", "payload_limit": 3, "concurrency": concurrency}
    with started(account.settings | more, tmp_path) as child:
        _wait_until(lambda: any(path.startswith("/receive/") for path in account.requested()))
        time.sleep(0.3)
        before = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 128 + signal.SIGTERM
        assert time.monotonic() - before < 10
    assert "postponed" not in _last_state(tmp_path)["bookmarks"]["document"]["receive"]


@pytest.mark.slow
def test_a_paid_request_without_an_answer_does_not_outlast_the_patience_of_a_container(
    account: Account, tmp_path: Path
) -> None:
    lost = account.oldest("receive", 1)[0]
    account.sandbox.admin.add_fault(f"*/receive/{lost}", delay_ms=40_000)
    more = {"payloads": "receive", "payload_limit": 3, "request_timeout": 60}
    with started(account.settings | more, tmp_path) as child:
        _wait_until(lambda: any(path.startswith("/receive/") for path in account.requested()))
        time.sleep(0.3)
        before = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 128 + signal.SIGTERM
        assert 15 < time.monotonic() - before < 28
    postponed = _last_state(tmp_path)["bookmarks"]["document"]["receive"]["postponed"]
    assert postponed[str(lost)]["paid"] == 1


@pytest.mark.parametrize("concurrency", [1, 8])
def test_an_answer_that_is_lost_while_a_signal_ends_the_run_is_remembered(
    account: Account, tmp_path: Path, concurrency: int
) -> None:
    lost = account.oldest("receive", 2)[-1]
    account.sandbox.admin.add_fault(f"*/receive/{lost}", delay_ms=4000)
    more = {"payloads": "receive", "payload_limit": 10, "concurrency": concurrency, "request_timeout": 2}
    with started(account.settings | more, tmp_path) as child:
        _wait_until(lambda: f"/receive/{lost}" in account.requested())
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 128 + signal.SIGTERM
    entry = _last_state(tmp_path)["bookmarks"]["document"]["receive"]["postponed"][str(lost)]
    assert (entry["failures"], entry["paid"]) == (1, 1), "the balance could not be looked at any more"


def _last_state(folder: Path) -> dict[str, Any]:
    """The last message, which is STATE."""
    last = json.loads((folder / "out").read_text(encoding="utf-8").splitlines()[-1])
    assert last["type"] == "STATE"
    state: dict[str, Any] = last["value"]
    return state


@contextmanager
def started(config: dict[str, Any], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The tap in a process of its own, which is gone at the end."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        child = subprocess.Popen([TAP, "--config", str(folder / "config.json")], stdout=out, stderr=log)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_signal_at_the_moment_a_paid_request_begins_loses_no_charge(
    monkeypatch: pytest.MonkeyPatch, *, is_sent: bool
) -> None:
    sent = threading.Event()

    class InterruptedThread(threading.Thread):
        """A thread whose start is interrupted: as it begins to run, or before."""

        def start(self) -> None:
            if is_sent:
                super().start()
                assert sent.wait(10)
            raise RunInterrupted(signal.SIGTERM)

    class Api:
        """What `PaidRequests` stops."""

        stopped = threading.Event()

        def stop(self) -> None:
            self.stopped.set()

    def send() -> bytes:
        sent.set()
        assert Api.stopped.wait(10)
        return b"content"

    stored: list[bytes] = []
    failures = Failures([], environment="live", now=datetime.now(UTC))
    api = cast("InvoicetronicApi", Api())
    budget = OperationsBudget(api, limit=10, is_charged=True)
    monkeypatch.setattr(threading, "Thread", InterruptedThread)
    with pytest.raises(RunInterrupted):
        PaidRequests(api, budget=budget, failures=failures).complete(
            PaidRequest(
                key="receive/1",
                what="document",
                path="receive/1.xml",
                is_costly=True,
                cost=1,
                is_cost_exact=True,
                send=send,
                store=stored.append,
            )
        )
    assert stored == ([b"content"] if is_sent else [])
    assert budget.remaining == (9 if is_sent else 10)
    assert failures.get("receive/1") is None
