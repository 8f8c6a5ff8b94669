"""The table of `--test`."""

from __future__ import annotations

from singer_rest_core.cli.access_table import TriedStream, access_table


def test_a_table_says_what_is_allowed_and_why_the_rest_is_not() -> None:
    table = access_table(
        [
            TriedStream("invoices", "allowed", "", 12_345, 0.31),
            TriedStream("time_entries", "refused", "403: the role may not read it", None, 0.0),
            TriedStream("tasks", "failed", "500", None, 12.04),
        ]
    )
    assert table.splitlines() == [
        "stream        access     rows  seconds  why",
        "invoices      allowed  12,345      0.3",
        "time_entries  refused              0.0  403: the role may not read it",
        "tasks         failed              12.0  500",
        "3 streams: 1 allowed, 1 refused, 1 failed",
    ]
