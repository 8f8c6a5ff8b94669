"""Rows whose own request fails: the others are read first, and they are requested last and less and less often."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from conftest import CONCURRENCY, warnings_of
from singer_rest_core import RunIncomplete
from singer_rest_core.streams import failed_rows
from singer_rest_core.streams.failed_rows import FailedRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from thing_world import World

    from conftest import FakeClock

NOW = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
DAY = 86_400.0
ERROR = ('{"error": "Server error"}', 500)

ORDERS: dict[str, Callable[[list[str], list[str]], list[str]]] = {
    "first": lambda good, bad: bad + good,
    "last": lambda good, bad: good + bad,
    "in the middle": lambda good, bad: good[:120] + bad + good[120:],
    "scattered": lambda good, bad: random.Random(6).sample(good + bad, k=len(good) + len(bad)),  # noqa: S311 - no secret
}
"""Where the rows that fail are in the list."""


def rows(*keys: str, failed: int = 1) -> FailedRows:
    """Rows that failed in some runs in a row, each as soon as it was requested again."""
    found = FailedRows()
    for key in keys:
        moment = NOW
        for _ in range(failed):
            found.add(key, None, moment)
            moment = found.rows[key].next_attempt
    return found


def test_rows_that_failed_come_behind_the_others() -> None:
    assert list(rows("a", "c").in_turn("abcd", NOW)) == list("bdac")


def test_rows_whose_time_has_not_come_are_left_out_and_counted() -> None:
    failed = rows("a", "c", failed=2)

    assert list(failed.in_turn("abcd", NOW + timedelta(days=1.9))) == list("bd")
    assert failed.waiting == 2


def test_a_row_is_requested_by_the_next_run_and_then_after_twice_as_many_days_each_time() -> None:
    pauses = []
    for failures in range(1, 9):
        last = rows("a", failed=failures - 1).rows["a"].next_attempt if failures > 1 else NOW
        pauses.append((rows("a", failed=failures).rows["a"].next_attempt - last).days)

    assert pauses == [0, 2, 4, 8, 16, 32, 32, 32]


def test_no_more_than_ten_thousand_rows_are_remembered_the_oldest_ones() -> None:
    failed = FailedRows()
    for number in range(10_050):
        failed.add(str(number), None, NOW)

    assert list(failed.rows) == [str(number) for number in range(10_000)]
    assert failed.has_overflowed
    assert list(failed.in_turn(["10020", "5", "new"], NOW)) == ["10020", "new", "5"]


def test_what_the_state_holds_is_read_again() -> None:
    failed = rows("a", "b", failed=3)
    failed.add("c", ["digest", "2026-05-01"], NOW)

    assert FailedRows.in_state(failed.as_state()).rows == failed.rows


@pytest.mark.parametrize(
    "held", [None, ["a"], {"a": None}, {"a": [1]}, {"a": [1, "soon", None]}, {"a": ["x", "2026-05-01T00:00:00Z", 1]}]
)
def test_a_state_of_another_form_is_not_trusted(held: object) -> None:
    assert FailedRows.in_state(held).rows == {}


@CONCURRENCY
@pytest.mark.parametrize("order", ORDERS)
def test_six_rows_that_fail_for_good_hold_up_none_of_the_others(
    world: World, caplog: pytest.LogCaptureFixture, clock: FakeClock, order: str, concurrency: int
) -> None:
    good, bad = [f"g{number}" for number in range(244)], [f"b{number}" for number in range(6)]
    world.things = dict.fromkeys(ORDERS[order](good, bad), "thing")
    world.answers = dict.fromkeys(bad, ERROR)

    world.read("a_thing", concurrency=concurrency)
    assert world.error.startswith("1 of 1 streams failed: a_thing")
    assert sorted(world.records()) == world.remembered == sorted(good)
    assert world.failed == bad

    clock.advance(DAY)
    world.things["new"] = "thing"
    world.read("a_thing", concurrency=concurrency)
    assert world.error.startswith("1 of 1 streams failed: a_thing")
    assert world.records() == ["new"]
    assert {*world.asked} == {"list", "new", *bad}
    if concurrency == 1:
        assert world.asked[:2] == ["list", "new"]

    clock.advance(DAY)
    caplog.clear()
    world.read("a_thing", concurrency=concurrency)
    assert world.error == ""
    assert world.asked == ["list"]
    assert warnings_of(caplog) == [
        "a_thing: 6 rows failed in earlier runs and are not requested in this one: their requests become rarer"
    ]

    clock.advance(DAY)
    world.answers = {}
    world.read("a_thing", concurrency=concurrency)
    assert world.error == ""
    assert sorted(world.records()) == bad
    assert world.failed == []


def test_rows_that_fail_for_good_are_requested_a_few_times_a_quarter(world: World, clock: FakeClock) -> None:
    world.answers["b"] = ERROR
    nights_with_requests, nights_that_failed = [], []

    for night in range(90):
        if "b" in world.read("a_thing"):
            nights_with_requests.append(night)
        if world.error:
            nights_that_failed.append(night)
        clock.advance(DAY)

    assert nights_with_requests == nights_that_failed
    assert nights_with_requests == [0, 1, 3, 7, 15, 31, 63]


@pytest.mark.parametrize("text", ["[]", '{"id": ', '{"id": "broken" "name"}'])
def test_a_row_whose_answer_cannot_be_read_holds_up_none_of_the_others(world: World, text: str) -> None:
    """It is valid JSON of another form, no JSON at its end, or none in its middle."""
    world.answers["b"] = (text, 200)

    world.read("a_thing")

    assert world.error.startswith("1 of 1 streams failed: a_thing")
    assert world.records() == list("acdef")
    assert world.failed == ["b"]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_with_nothing_but_failures_the_stream_ends_and_the_others_come_first_next_time(
    world: World, concurrency: int
) -> None:
    bad = [f"b{number:02}" for number in range(25)]
    world.things = dict.fromkeys([*bad, "good"], "thing")
    world.answers = dict.fromkeys(bad, ('{"error": "no"}', 400))

    world.read("a_thing", concurrency=concurrency)
    assert "a_thing" in world.error
    assert world.records() == []
    assert world.failed == bad[:20]
    world.read("a_thing", concurrency=concurrency)

    assert world.records() == ["good"]
    assert world.failed == bad


@CONCURRENCY
def test_a_row_whose_request_always_times_out_holds_up_none_of_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    send = requests.Session.send

    def send_but_b(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        if request.path_url.endswith("/b"):
            raise requests.ReadTimeout("read timed out")
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", send_but_b)

    world.read("a_thing", concurrency=concurrency)
    assert "a_thing: failed: GET /things/b: response timed out (6 tries)" in caplog.text
    assert world.records() == world.remembered == list("acdef")

    world.things |= {"g": "G"}
    world.read("a_thing", concurrency=concurrency)
    assert world.records() == ["g"]


@pytest.mark.parametrize("concurrency", [1, 2])
def test_two_rows_side_by_side_that_always_time_out_hold_up_the_others_for_one_run(
    world: World, monkeypatch: pytest.MonkeyPatch, concurrency: int
) -> None:
    """Two requests in a row that are never answered may also mean that the API is gone: that ends the run."""
    send = requests.Session.send

    def send_but_two(session: requests.Session, request: requests.PreparedRequest, **how: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        if request.path_url.endswith(("/b", "/c")):
            raise requests.ReadTimeout("read timed out")
        return send(session, request, **how)

    monkeypatch.setattr(requests.Session, "send", send_but_two)

    world.read("a_thing", concurrency=concurrency)
    world.read("a_thing", concurrency=concurrency)

    assert world.tables.live("a_thing").keys() == {*"adef"}
    assert world.failed == ["b", "c"]


def test_a_row_that_failed_and_is_gone_is_forgotten(world: World) -> None:
    world.answers["b"] = ERROR
    world.read("a_thing")
    del world.things["b"]

    world.read("a_thing")

    assert world.error == ""
    assert world.asked == ["list"]
    assert world.failed == []


@pytest.mark.parametrize("is_certain", [True, False])
def test_a_row_that_failed_stays_due_though_an_incremental_list_does_not_show_it_any_more(
    world: World, clock: FakeClock, *, is_certain: bool
) -> None:
    """Also if it had been read before it changed and failed: what is remembered of it is forgotten with its row."""
    settings = {"list_has_all_rows": False, "list_is_certain": is_certain}
    world.read("a_thing", **settings)
    world.things["b"] = "changed"
    world.answers["b"] = ('{"error": "Not found"}', 404)
    world.read("a_thing", **settings)
    assert world.error == ""
    del world.things["b"]
    for _ in range(5):
        clock.advance(DAY)
        world.read("a_thing", **settings)
    assert world.failed == ["b"]
    assert world.gone() == []
    world.answers = {}
    clock.advance(4 * DAY)

    world.read("a_thing", **settings)

    assert world.records() == ["b"]
    assert world.failed == []


def test_more_rows_fail_than_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those are requested in their turn: the state stays small, and none is lost."""
    monkeypatch.setattr(failed_rows, "_MOST", 10)
    bad = [f"b{number:02}" for number in range(15)]
    world.things |= dict.fromkeys(bad, "thing")
    world.answers = dict.fromkeys(bad, ('{"error": "Not found"}', 404))
    world.read("a_thing")
    assert world.failed == bad[:10]
    world.answers = {}

    world.read("a_thing")

    assert world.error == ""
    assert world.asked == ["list", *bad[10:], *bad[:10]]
    assert world.records() == [*bad[10:], *bad[:10]]
    assert world.failed == []


def test_a_run_that_was_killed_does_not_forget_what_failed(world: World) -> None:
    world.things = dict.fromkeys([f"{number:03}" for number in range(250)], "thing")
    world.answers = {"007": ERROR}
    world.read("a_thing")
    states = [message["value"] for message in world.reading.of("STATE")]
    midway = next(state for state in states if len(state["bookmarks"]["a_thing"].get("remembered", {})) == 100)
    world.state = midway
    assert world.failed == ["007"]

    world.read("a_thing")

    assert world.asked[-1] == "007"
    assert isinstance(world.reading.error, RunIncomplete)
