"""Streams that send a request for each row of a list: what they spare, remember, and report as gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from thing_world import World

    from conftest import FakeClock

HOUR = 3600.0


def test_the_list_is_read_once_before_what_is_derived_from_it(world: World) -> None:
    assert world.read() == ["list", *"abcdef"]
    assert world.records("things") == world.records() == list("abcdef")
    assert world.activated() == {"things", "a_thing"}


def test_a_row_that_comes_twice_is_written_once(world: World) -> None:
    world.read("things")

    assert world.records("things") == list("abcdef")


def test_a_row_that_comes_again_with_other_values_is_written_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It changed between two pages; or what is taken for its key is none, and nothing may be lost of it."""
    world.more = [{"id": "b", "name": "other"}]

    world.read()

    assert world.records("things") == [*"abcdef", "b"]
    assert world.records() == list("abcdef")
    assert "things: 1 rows have the id of another row, but other values: a loader keeps the last of them" in caplog.text


def test_the_list_is_read_for_its_details_alone(world: World) -> None:
    assert world.read("a_thing") == ["list", *"abcdef"]
    assert world.records("things") == []


def test_with_nothing_new_the_list_alone_is_requested(world: World) -> None:
    world.read()

    assert world.read() == ["list"]
    assert world.activated() == {"things"}
    assert world.gone() == []


def test_only_changed_and_new_rows_are_requested(world: World) -> None:
    world.read()
    world.things |= {"c": "changed", "g": "new"}

    assert world.read() == ["list", "c", "g"]
    assert world.records() == ["c", "g"]
    assert world.remembered == list("abcdefg")


def test_a_row_that_is_gone_is_reported_by_its_key_and_forgotten(world: World) -> None:
    world.read()
    del world.things["b"], world.things["e"]

    world.read()

    assert world.gone() == ["b", "e"]
    assert world.activated() == {"things"}
    schema = world.reading.of("SCHEMA")[-1]
    assert list(schema["schema"]["properties"]) == ["id", "_sdc_deleted_at"]
    assert schema["key_properties"] == ["id"]
    assert world.remembered == list("acdf")
    assert world.read() == ["list"]
    assert world.gone() == []


def test_a_row_that_is_gone_is_not_reported_where_the_version_does(world: World) -> None:
    world.read()
    world.things = {"c": "changed"}

    world.read()

    assert world.activated() == {"things", "a_thing"}
    assert world.gone() == []
    assert world.remembered == ["c"]


def test_stream_maps_do_not_get_rows_without_their_columns(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.read()
    del world.things["b"]

    world.read(stream_maps={"a_thing": {"id": "id", "loud": "name.upper()", "__else__": None}})

    assert world.gone() == []
    assert "1 deleted rows are not reported" in caplog.text


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_row_that_is_not_found_is_requested_again(
    world: World, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    world.answers["c"] = ('{"error": "gone"}', 404)

    world.read(concurrency=concurrency)

    assert world.records() == list("abdef")
    assert world.activated() == {"things"}
    assert "a_thing: 1 rows of the list were not found (404)" in caplog.text
    world.answers = {}
    assert world.read() == ["list", "c"]


def test_a_row_whose_answer_is_of_no_use_is_requested_again(world: World) -> None:
    world.answers["c"] = ('{"id": "x"}', 200)
    world.read()

    assert world.records() == list("abdef")
    assert world.activated() == {"things"}
    assert world.read() == ["list", "c"]


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("status", [400, 403])
def test_a_row_that_is_refused_does_not_hold_up_the_others(
    world: World, caplog: pytest.LogCaptureFixture, concurrency: int, status: int
) -> None:
    world.answers["b"] = world.answers["d"] = ('{"error": "no"}', status)
    world.read(concurrency=concurrency)
    assert "a_thing" in world.error
    assert world.records() == world.remembered == list("acef")
    assert world.activated() == {"things"}
    assert f"a_thing: failed: GET /things/b answered {status}: no; 1 more failed" in caplog.text

    world.answers = {}

    assert world.read() == ["list", "b", "d"]


def test_a_row_that_is_gone_is_reported_although_another_is_refused(world: World) -> None:
    world.read()
    del world.things["a"]
    world.things["d"] = "changed"
    world.answers["d"] = ('{"error": "no"}', 400)

    world.read()

    assert world.gone() == ["a"]
    assert world.remembered == list("bcdef")


def test_a_stream_whose_every_row_is_forbidden_is_skipped(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.answers = dict.fromkeys("abcdef", ('{"error": "not for you"}', 403))

    assert world.read() == ["list", *"abcdef"]
    assert "a_thing: skipped: GET /things/a answered 403: not for you" in caplog.text


def test_a_row_without_a_key_keeps_no_other_from_being_read_and_nothing_is_taken_as_gone(world: World) -> None:
    world.read()
    world.things = {"a": "A", None: "nameless"}  # type: ignore[dict-item] # on purpose

    assert world.read() == ["list"]
    assert "Records were left out, as they have no key that a loader can use: things (1)" in world.error
    assert world.records("things") == ["a"]
    assert world.gone() == []
    assert world.activated() == set()
    assert world.remembered == [*"abcdef"]


@pytest.mark.parametrize("remembered", [["a"], None, {"a": 1, "b": None, "c": "x"}])
def test_a_state_of_another_form_is_not_trusted(world: World, remembered: object) -> None:
    world.state = {"bookmarks": {"a_thing": {"remembered": remembered}}}

    assert world.read() == ["list", *"abcdef"]


def test_a_row_that_one_read_of_an_uncertain_list_missed_is_not_gone(world: World) -> None:
    world.read(list_is_certain=False)
    missed = world.things.pop("b")
    world.read(list_is_certain=False)
    assert world.gone() == []

    world.things["b"] = missed
    world.read(list_is_certain=False)
    del world.things["b"]
    world.read(list_is_certain=False)

    assert world.gone() == []
    assert world.remembered == list("abcdef")
    assert world.tables.deleted("a_thing") == set()


def test_a_row_that_two_reads_of_an_uncertain_list_missed_is_gone(world: World) -> None:
    world.read(list_is_certain=False)
    del world.things["b"]
    world.read(list_is_certain=False)

    world.read(list_is_certain=False)

    assert world.gone() == ["b"]
    assert world.remembered == list("acdef")
    assert world.tables.live("a_thing").keys() == {*"acdef"}


def test_a_row_that_is_gone_is_reported_though_all_others_had_to_be_read(world: World) -> None:
    """That an uncertain list was read with all its rows tells nothing of what it lacks."""
    world.read(list_is_certain=False)
    del world.things["b"]
    world.read(list_is_certain=False)
    world.things = {key: f"{name} again" for key, name in world.things.items()}

    world.read(list_is_certain=False)

    assert world.records() == list("acdef")
    assert world.tables.deleted("a_thing") == {"b"}


def test_after_the_state_was_cleared_two_reads_of_an_uncertain_list_tell_what_is_gone(
    world: World, clock: FakeClock
) -> None:
    world.read(list_is_certain=False)
    del world.things["b"]
    world.state = {}
    clock.advance(HOUR)
    world.read(list_is_certain=False)
    assert world.tables.deleted("a_thing") == set()

    clock.advance(HOUR)
    world.read(list_is_certain=False)

    assert world.asked == ["list"]
    assert world.tables.deleted("a_thing") == {"b"}
    clock.advance(HOUR)
    world.read(list_is_certain=False)
    assert world.activated() == {"things"}


def test_after_the_state_was_cleared_no_row_that_could_not_be_read_since_is_taken_for_gone(
    world: World, clock: FakeClock
) -> None:
    world.read(list_is_certain=False)
    world.state = {}
    missed = world.things.pop("b")
    clock.advance(HOUR)
    world.read(list_is_certain=False)
    world.things["b"] = missed
    world.answers["b"] = ("not now", 500)

    for _ in range(3):
        clock.advance(HOUR)
        world.read(list_is_certain=False)

    assert world.tables.deleted("a_thing") == set()


@pytest.mark.parametrize("is_certain", [True, False])
def test_a_list_that_falls_below_half_reports_no_row_as_gone_before_a_read_a_day_later_agrees(
    world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture, *, is_certain: bool
) -> None:
    every = world.things = {str(number): "thing" for number in range(50)}
    world.read("a_thing", list_is_certain=is_certain)
    world.things = {key: every[key] for key in list(every)[:24]}

    for _ in range(3):
        clock.advance(6 * HOUR)
        world.read("a_thing", list_is_certain=is_certain)
        assert world.error == ""
        assert world.tables.deleted("a_thing") == set()
        assert "the list has 24 rows; the last complete read found 50" in caplog.text
    clock.advance(20 * HOUR)
    world.read("a_thing", list_is_certain=is_certain)

    assert world.asked == ["list"]
    assert world.tables.live("a_thing").keys() == world.things.keys()
    assert len(world.tables.deleted("a_thing")) == 26


def test_a_list_that_lacked_most_rows_for_a_night_changes_nothing(world: World, clock: FakeClock) -> None:
    every = world.things = {str(number): "thing" for number in range(50)}
    world.read("a_thing")
    world.things = {}
    clock.advance(24 * HOUR)
    world.read("a_thing")
    assert world.error.startswith("1 of 1 streams failed: a_thing")
    world.things = every
    clock.advance(24 * HOUR)

    world.read("a_thing")

    assert world.error == ""
    assert world.asked == ["list"]
    assert world.tables.live("a_thing").keys() == every.keys()


def test_a_list_that_has_none_of_its_rows_any_more_fails_its_details_twice(
    world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    world.things = {str(number): "thing" for number in range(20)}
    world.read("a_thing")
    world.things = {}
    world.read("a_thing")
    assert world.error.startswith("1 of 1 streams failed: a_thing")
    assert world.tables.deleted("a_thing") == set()
    clock.advance(20 * HOUR)

    world.read("a_thing")

    assert world.error.startswith("1 of 1 streams failed: a_thing")
    assert "a_thing: failed: the list has 0 rows; the last complete read found 20" in caplog.text
    assert len(world.tables.deleted("a_thing")) == 20
    world.read("a_thing")
    assert world.error == ""


def test_after_the_state_was_cleared_a_load_in_several_runs_tells_what_is_gone(world: World, clock: FakeClock) -> None:
    world.read(list_is_certain=False)
    del world.things["b"]
    world.state = {}
    world.answers = {"c": ("not now", 500), "d": ("not now", 500)}
    for _ in range(2):
        clock.advance(HOUR)
        world.read(list_is_certain=False)
    assert world.tables.deleted("a_thing") == set()
    world.answers = {}

    for _ in range(2):
        clock.advance(72 * HOUR)
        world.read(list_is_certain=False)

    assert world.tables.live("a_thing").keys() == {*"acdef"}


def test_a_row_that_failed_before_the_list_missed_it_once_is_not_taken_for_gone(world: World, clock: FakeClock) -> None:
    world.read(list_is_certain=False)
    world.state = {}
    world.answers["b"] = ("not now", 500)
    clock.advance(HOUR)
    world.read(list_is_certain=False)
    missed = world.things.pop("b")
    clock.advance(HOUR)
    world.read(list_is_certain=False)
    world.things["b"] = missed
    clock.advance(HOUR)
    world.read(list_is_certain=False)

    assert world.tables.deleted("a_thing") == set()
