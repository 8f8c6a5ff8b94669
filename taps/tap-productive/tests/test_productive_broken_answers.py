"""Answers that are broken or of another form than documented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from conftest import warnings_of
from singer_rest_core import RunIncomplete

if TYPE_CHECKING:
    from conftest import ReadProductive
    from sandbox.server import RunningSandbox


@pytest.mark.parametrize(
    "body", ['{"errors": ["no"]}', '{"errors": {"title": "no"}}', '{"errors": null}', '"no"', "no"]
)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refusal_of_another_form_ends_only_its_stream(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    status: int,
    body: str,
) -> None:
    sandbox.admin.add_fault("*/payments", status=status, body=body, times=100)

    reading = read_productive("payments prices")

    assert reading.ids("prices")
    assert (reading.error is None) == (status in {403, 404})
    assert "the tap is at fault" not in caplog.text


@pytest.mark.parametrize("body", ['{"data": [1]}', '{"data": {}}', '{"data": null}', "[]", '"x"'])
def test_an_answer_that_is_not_a_list_of_resources_ends_only_its_stream(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    caplog: pytest.LogCaptureFixture,
    body: str,
) -> None:
    sandbox.admin.add_fault("*/payments", status=200, body=body)

    reading = read_productive("payments prices")

    assert isinstance(reading.error, RunIncomplete)
    assert reading.ids("prices")
    assert [line for line in warnings_of(caplog) if line.startswith("payments: failed: GET /payments answered ")]


@pytest.mark.parametrize("kind", [{"truncate": True}, {"not_json": True}, {"drop": True}, {"status": 503}])
def test_a_broken_answer_is_requested_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    kind: dict[str, Any],
) -> None:
    sandbox.admin.add_fault("*/tasks", query="page[number]=2", times=2, **kind)

    reading = read_productive("organizations tasks")

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}


def test_an_answer_that_is_half_a_json_document_is_requested_again(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
) -> None:
    half = '{"data": [{"id": "1"}'
    headers = {"Content-Type": "application/vnd.api+json"}
    sandbox.admin.add_fault("*/tasks", query="page[number]=2", times=3, status=200, body=half, headers=headers)

    reading = read_productive("organizations tasks")

    assert reading.error is None
    assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}


@pytest.mark.parametrize("concurrency", [1, 8])
def test_lists_that_never_get_an_answer_keep_no_other_from_being_read(
    sandbox: RunningSandbox,
    read_productive: ReadProductive,
    concurrency: int,
) -> None:
    for path in ("*/payments", "*/people", "*/prices"):
        sandbox.admin.add_fault(path, times=10_000, drop=True)

    for _ in range(2):
        reading = read_productive("organizations payments people prices tasks", concurrency=concurrency)

        assert isinstance(reading.error, RunIncomplete)
        assert all(name in str(reading.error) for name in ("payments", "people", "prices"))
        assert set(reading.ids("tasks")) == {row["id"] for row in sandbox.admin.records("tasks")}


@pytest.mark.parametrize("body", ['{"errors": [{"title": "Server busy"}]}', '{"data": 5}', "[1]"])
def test_an_answer_to_a_count_that_is_no_page_fails_its_list_in_one_line(
    sandbox: RunningSandbox, read_productive: ReadProductive, caplog: pytest.LogCaptureFixture, body: str
) -> None:
    sandbox.admin.add_fault("*/line_items", query="page[number]=1", status=200, times=100, body=body)

    reading = read_productive("line_items prices")

    assert reading.ids("prices")
    assert reading.activated == ["prices"]
    (line,) = warnings_of(caplog)
    assert line.startswith("line_items: failed: GET /line_items answered (x-request-id sandbox-")
