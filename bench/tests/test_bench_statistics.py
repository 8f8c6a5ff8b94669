"""Medians, shares of a quota, tables, and when two outputs are the same."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bench.outputs import contents, differing_columns, rows_of, same_value, sampled
from bench.pages import FIRST_ID, Answers, expected_sum, rows_before
from bench.processes import Cost, Request, count_in
from bench.report import Section, Target, at_least, below, in_markdown, in_terminal, number
from bench.runs import expected, stream_counts
from bench.statistics import Measured, RateLimiter, burst_share, measured, medians, steady_share
from sandbox.gateway import ApiError

if TYPE_CHECKING:
    from pathlib import Path

QUOTA = RateLimiter(100, 10)


def run_of(wall: float, cpu: float = 1.0, *, records: int = 1000, refused: int = 0) -> Measured:
    return Measured("ours", records, wall, cpu, 50.0, refused=refused)


def log_of(*times: float, status: int = 200) -> list[Request]:
    return [Request(time, "/invoices", status) for time in times]


def test_medians_are_taken_of_each_number_by_itself() -> None:
    found = medians([run_of(3, 1), run_of(1, 2), run_of(2, 9)])
    assert (found.wall, found.cpu, found.rounds) == (2, 2, 3)


def test_of_refusals_the_most_is_told() -> None:
    assert medians([run_of(1), run_of(1, refused=2), run_of(1)]).refused == 2


def test_there_is_no_median_of_lists_of_different_length() -> None:
    with pytest.raises(ValueError, match="different"):
        medians([run_of(1), run_of(1, records=5)])


def test_what_an_empty_list_takes_is_taken_off() -> None:
    found = medians([run_of(3, 2)], [run_of(1, 0.5, records=0)])
    assert found.rate == pytest.approx(1000 / 3)
    assert found.steady_rate == pytest.approx(500)
    assert found.cpu_a_record_whole == pytest.approx(2000)
    assert found.cpu_a_record == pytest.approx(1500)


def test_a_run_that_took_no_longer_than_an_empty_list_has_no_rate() -> None:
    assert medians([run_of(1)], [run_of(1, records=0)]).steady_rate == 0


def test_answers_and_refusals_are_counted_apart() -> None:
    found = measured("ours", 200, Cost(1, 0.5, 0.25, 40), [*log_of(1, 2), *log_of(3, status=429)])
    assert (found.requests, found.refused, found.cpu) == (2, 1, 0.75)


def test_an_even_pace_at_the_limit_uses_the_whole_quota() -> None:
    log = log_of(*(place / 10 for place in range(1000)))
    assert steady_share(log, QUOTA, minute=60) == pytest.approx(1, abs=0.002)


def test_bursts_at_the_start_of_each_window_use_the_whole_quota() -> None:
    log = log_of(*(window * 10 + place / 100 for window in range(9) for place in range(100)))
    assert steady_share(log, QUOTA, minute=60) == pytest.approx(1, abs=0.002)


def test_a_reader_that_waits_for_each_answer_uses_what_the_latency_leaves() -> None:
    log = log_of(*(place / 4 for place in range(400)))
    assert steady_share(log, QUOTA, minute=60) == pytest.approx(0.4, abs=0.005)


def test_the_first_window_does_not_count() -> None:
    log = log_of(*(place / 100 for place in range(100)), *(10 + place for place in range(70)))
    assert steady_share(log, QUOTA, minute=60) == pytest.approx(0.1, abs=0.002)


def test_refused_requests_use_nothing() -> None:
    log = [*log_of(*range(100)), *log_of(*range(100), status=429)]
    assert steady_share(log, QUOTA, minute=60) == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("times", [(), (1.0,), (1.0, 2.0)])
def test_a_log_without_a_second_window_has_no_steady_share(times: tuple[float, ...]) -> None:
    assert steady_share(log_of(*times), QUOTA, minute=60) == 0


def test_a_burst_is_held_against_an_even_pace() -> None:
    assert burst_share(log_of(*(place / 20 for place in range(101))), QUOTA) == pytest.approx(2)
    assert burst_share(log_of(1.0), QUOTA) == 0


def test_the_quota_is_written_as_the_server_takes_it() -> None:
    assert str(QUOTA) == "100/10"


def test_targets_say_whether_they_are_met() -> None:
    assert at_least("rate", 8.0, 8).met
    assert not at_least("rate", 7.9, 8).met
    assert at_least("rate", None, 8).met is None
    assert below("peak", 89.9, 90, unit=" MB").met
    assert not below("peak", 90, 90, unit=" MB").met
    assert at_least("rate", 7.96, 2.5).wanted == "at least 2.5 times"


def test_a_number_that_was_not_measured_is_a_dash() -> None:
    assert number(None) == "-"
    assert number(1234.56, 1) == "1,234.6"


def section() -> Section:
    rows = [("ours", "1,000", "2.5"), ("a longer name", "10", "-")]
    return Section("A title", ("reader", "records", "ratio"), [*rows], ["a note"], [Target("x", "y", "z", met=False)])


def test_the_table_in_the_terminal_is_aligned() -> None:
    assert in_terminal(section()).splitlines() == [
        "A title",
        "=======",
        "reader         records  ratio",
        "-------------  -------  -----",
        "ours             1,000    2.5",
        "a longer name       10      -",
        "* a note",
        "",
        "target  wanted  measured",
        "------  ------  --------  -------",
        "x       y       z         NOT MET",
    ]


def test_the_results_hold_targets_first_and_then_every_table() -> None:
    lines = in_markdown([section()], ["on a machine"]).splitlines()
    assert "- on a machine" in lines
    assert lines.index("| x | y | z | NOT MET |") < lines.index("## A title") < lines.index("| ours | 1,000 | 2.5 |")
    assert "| --- | ---: | ---: |" in lines
    assert "- a note" in lines


def test_contents_do_not_depend_on_order() -> None:
    assert contents([("1", 5), ("2", None)]) == contents([("2", None), ("1", 5)])


def test_contents_tell_a_repeated_a_lost_and_a_changed_record() -> None:
    there = contents([("1", 5), ("2", 6)])
    assert contents([("1", 5), ("2", 6), ("2", 0)]) != there
    assert contents([("1", 11)]) != there
    assert contents([("1", 5), ("2", 7)]) != there
    assert contents([("1", 5), ("3", 6)]) != there


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "x"),
        (None, None),
        ("2026-03-16T08:00:00+01:00", "2026-03-16T07:00:00.000Z"),
        ("1.50", Decimal("1.5")),
        (5, "5"),
        ([1, {"a": 2}], [1, {"a": 2}]),
    ],
)
def test_values_that_mean_the_same(one: object, other: object) -> None:
    assert same_value(one, other)
    assert same_value(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x", "X"),
        (None, ""),
        (None, 0),
        (True, 1),
        (True, "True"),
        ("2026-03-16T08:00:00+01:00", "2026-03-16T08:00:00Z"),
        ("2026-03-16T08:00:00", "2026-03-16T08:00:00Z"),
        ("1.5", Decimal("1.51")),
        ([1], ["1"]),
    ],
)
def test_values_that_do_not(one: object, other: object) -> None:
    assert not same_value(one, other)
    assert not same_value(other, one)


def test_all_columns_are_compared_and_one_that_is_not_there_is_null() -> None:
    assert differing_columns({"1": {"a": 1, "b": None}}, {"1": {"a": 1, "c": None}}) == set()
    assert differing_columns({"1": {"a": 1, "b": 2}}, {"1": {"a": 2, "b": 2}}) == {"a"}
    assert differing_columns({"1": {"a": 1, "b": 2}}, {"1": {"a": 1, "c": 3}}) == {"b", "c"}
    assert differing_columns({"1": {"a": 1}}, {}) == {"id"}


def test_a_word_across_two_reads_is_counted_once() -> None:
    class Halves(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    assert count_in(Halves(b'{"RECORD"},{"RECORD"},{"RECORD'), b'"RECORD"') == 2


def test_records_are_counted_by_stream() -> None:
    lines = [b'{"type":"RECORD","stream":"a"}', b'{"type":"STATE"}', b'{"type":"RECORD","stream":"a"}']
    assert stream_counts(lines) == {"a": 2}


def test_every_form_of_output_gives_the_same_rows(tmp_path: Path) -> None:
    nested = {"id": "1", "type": "invoices", "attributes": {"amount_with_tax": 5, "other": None}}
    flat = {"id": "1", "amount_with_tax": 5, "other": None}
    singer = {"type": "RECORD", "stream": "invoices", "record": flat}
    foreign = {"type": "RECORD", "stream": "payments", "record": {"id": "9"}}
    log = {"type": "LOG", "log": {"level": "INFO", "message": "x"}}
    airbyte = {"type": "RECORD", "record": {"stream": "invoices", "data": flat, "emitted_at": 1}}
    rows = [("1", 5)]
    for form, messages in (("singer", [singer, foreign]), ("airbyte", [log, airbyte]), ("rows", [nested])):
        (tmp_path / "out").write_text("".join(f"{json.dumps(message)}\n" for message in messages))
        assert list(rows_of(form, tmp_path)) == rows  # type: ignore[arg-type] # a loop widens the literals
        if form != "rows":
            assert sampled(form, tmp_path, {"1"}) == {"1": flat}  # type: ignore[arg-type] # as above
    extracted = tmp_path / "dlt" / "new_jobs"
    extracted.mkdir(parents=True)
    (extracted / "invoices.1.typed-jsonl").write_text(f"{json.dumps([flat, {'id': '2'}])}\n")
    assert list(rows_of("dlt", tmp_path)) == [*rows, ("2", None)]
    assert sampled("dlt", tmp_path, {"1"}) == {"1": flat}


def test_a_sample_holds_decimals_to_the_digit(tmp_path: Path) -> None:
    (tmp_path / "out").write_text('{"type":"RECORD","stream":"invoices","record":{"id":"1","rate":1.10}}\n')
    assert str(sampled("singer", tmp_path, {"1"})["1"]["rate"]) == "1.10"


@pytest.fixture(scope="module")
def answers() -> Answers:
    return Answers(invoices=1250)


def pages(answers: Answers, *query: tuple[str, str]) -> list[dict[str, Any]]:
    """All pages, as links lead from one to the next."""
    found: list[dict[str, Any]] = []
    asked = list(query)
    while True:
        found.append(json.loads(answers.answer("invoices", "http://here/invoices", asked)))
        link = found[-1]["links"].get("next")
        if link is None:
            return found
        asked = parse_qsl(urlsplit(link).query, keep_blank_values=True)


@pytest.mark.parametrize("size", [30, 200])
def test_the_server_gives_every_row_once_and_in_order(answers: Answers, size: int) -> None:
    found = pages(answers, ("sort", "last_activity_at"), ("page[size]", str(size)))
    rows = [row for page in found for row in page["data"]]
    moments = [row["attributes"]["last_activity_at"] for row in rows]
    assert [row["id"] for row in rows] == [str(FIRST_ID + index) for index in range(1250)]
    assert moments == sorted(moments)
    assert len(set(moments)) == 1250
    assert found[0]["meta"]["total_count"] == 1250


def test_the_sum_that_is_expected_is_that_of_the_rows(answers: Answers) -> None:
    rows = [row for page in pages(answers, ("page[size]", "200")) for row in page["data"]]
    assert expected_sum(1250) == sum(row["attributes"]["amount_with_tax"] or 0 for row in rows)
    assert expected(1250) == contents((row["id"], row["attributes"]["amount_with_tax"]) for row in rows)


def test_the_cursor_and_the_numbers_lead_to_the_same_rows(answers: Answers) -> None:
    numbered = answers.answer("invoices", "http://here", [("page[number]", "3"), ("page[size]", "200")])
    walked = answers.answer("invoices", "http://here", [("page[after]", "400"), ("page[size]", "200")])
    assert json.loads(numbered)["data"] == json.loads(walked)["data"]


def test_what_is_included_is_what_the_rows_relate_to(answers: Answers) -> None:
    query = [("include", "company,creator"), ("fields[people]", "id"), ("page[size]", "50")]
    page = json.loads(answers.answer("invoices", "http://here", query))
    refs = {
        (row["relationships"][name]["data"]["type"], row["relationships"][name]["data"]["id"])
        for row in page["data"]
        for name in ("company", "creator")
    }
    assert {(record["type"], record["id"]) for record in page["included"]} == refs


def test_a_bound_leaves_out_what_is_older() -> None:
    first = datetime(2024, 1, 1, tzinfo=UTC)
    assert rows_before(None, 100) == 0
    assert rows_before(first, 100) == 0
    assert rows_before(first + timedelta(seconds=1), 100) == 1
    assert rows_before(first + timedelta(seconds=18), 100) == 1
    assert rows_before(first + timedelta(days=400), 100) == 100


def test_a_filter_that_is_not_understood_is_refused(answers: Answers) -> None:
    with pytest.raises(ApiError):
        answers.answer("invoices", "http://here", [("filter[company_id]", "3")])


def test_other_lists_are_the_sandboxs_and_unknown_ones_are_empty(answers: Answers) -> None:
    query = [("page[size]", "200")]
    payments = answers.answer("payments", "http://here/payments", query)
    assert len(json.loads(payments)["data"]) > 1
    assert json.loads(answers.answer("nothing", "http://here/nothing", query))["data"] == []
