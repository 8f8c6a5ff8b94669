"""What a person who watches a run sees: how far it is every few seconds, and a summary at the end."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from singer_rest_core.quota import Window
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    import pytest
    import requests

    from conftest import ReadProductive


def take_three_seconds_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answered: list[requests.Response] = []
    heed = TapProductive.heed

    def note(tap: TapProductive, answer: requests.Response) -> None:
        answered.append(answer)
        heed(tap, answer)

    monkeypatch.setattr(TapProductive, "clock", staticmethod(lambda: 3.0 * len(answered)))
    monkeypatch.setattr(TapProductive, "heed", note)


def test_a_person_who_watches_sees_how_far_the_run_is(
    read_productive: ReadProductive, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    take_three_seconds_an_answer(monkeypatch)
    monkeypatch.setattr(TapProductive, "quota_rules", {"": (Window(100, 60),)})
    caplog.set_level(logging.INFO)

    reading = read_productive("invoices tasks", page_size=50, concurrency=1)

    assert reading.error is None
    lines = [record.getMessage() for record in caplog.records]
    # Pages take three seconds, and a line comes after five.
    assert "invoices: 200 of 300 rows, 22 a second, 4 s left, 4% of the quota used" in lines
    assert any(re.match(r"tasks: 200 of 420 rows", line) for line in lines)
    (summary,) = [line for line in lines if "rows with" in line]
    assert summary.startswith("720 rows with 15 requests in 45 s: 2 streams read to their end; ")
