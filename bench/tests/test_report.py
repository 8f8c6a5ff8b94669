"""Targets and tables, in the terminal and in RESULTS.md."""

from __future__ import annotations

from bench.report import Section, Target, at_least, below, number, to_markdown, to_terminal


def section() -> Section:
    rows = [("ours", "1,000", "2.5"), ("a longer name", "10", "-")]
    return Section("A title", ("reader", "records", "ratio"), [*rows], ["a note"], [Target("x", "y", "z", met=False)])


def test_a_target_shows_whether_it_is_met() -> None:
    assert at_least("rate", 8.0, 8).met
    assert not at_least("rate", 7.9, 8).met
    assert below("peak", 89.9, 90, unit=" MB").met
    assert not below("peak", 90, 90, unit=" MB").met


def test_a_target_that_was_not_measured_is_neither_met_nor_missed() -> None:
    assert at_least("rate", None, 8).met is None
    assert below("peak", None, 90, unit=" MB").met is None


def test_a_target_names_what_is_required() -> None:
    assert at_least("rate", 7.96, 2.5).required == "at least 2.5 times"
    assert below("peak", 7.96, 90, unit=" MB").required == "below 90 MB"


def test_a_number_that_was_not_measured_is_a_dash() -> None:
    assert number(None) == "-"
    assert number(1234.56, 1) == "1,234.6"


def test_the_table_in_the_terminal_is_aligned() -> None:
    assert to_terminal(section()).splitlines() == [
        "A title",
        "=======",
        "reader         records  ratio",
        "-------------  -------  -----",
        "ours             1,000    2.5",
        "a longer name       10      -",
        "* a note",
        "",
        "target  required  measured",
        "------  --------  --------  -------",
        "x       y         z         NOT MET",
    ]


def test_the_results_hold_the_targets_first_and_then_every_table() -> None:
    lines = to_markdown([section()], ["on a machine"]).splitlines()
    assert "- on a machine" in lines
    assert lines.index("| x | y | z | NOT MET |") < lines.index("## A title") < lines.index("| ours | 1,000 | 2.5 |")
    assert "| --- | ---: | ---: |" in lines
    assert "- a note" in lines
