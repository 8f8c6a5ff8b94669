"""The plain tap sends the query that our tap sends."""

from __future__ import annotations

from pathlib import Path

from bench.tap_streams import description_for_plain_tap, first_streams, invoices_stream


def test_invoices_are_requested_in_the_order_of_their_replication_key() -> None:
    description = description_for_plain_tap(invoices_stream())
    assert description["name"] == "invoices"
    assert description["replication_key"] == description["query"]["sort"] == "last_activity_at"
    assert "creator" in description["query"]["include"].split(",")


def test_a_query_holds_no_page() -> None:
    queries = [description_for_plain_tap(stream)["query"] for stream in first_streams(40)]
    assert len(queries) == 40
    assert all(query["page[size]"] == "200" for query in queries)
    assert not any({"page[number]", "page[after]"} & query.keys() for query in queries)


def test_every_stream_has_its_schema() -> None:
    assert all(Path(description_for_plain_tap(stream)["schema"]).is_file() for stream in first_streams(100))
