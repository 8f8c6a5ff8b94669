"""Paging by numbers: to the last page that the latest answer names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import requests

from singer_rest_core import NumberedPaginator
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from singer_rest_core import Page

_DECODER = RecordDecoder(lambda _, body: body["data"], FlatRows("data", envelope=("last",)), lambda row: row["id"])


def _page(last: int | None) -> Page:
    answer = requests.Response()
    vars(answer)["_content"] = json.dumps({"data": [{"id": 1}], "last": last}).encode()
    return _DECODER.decode(answer)


def _paginator() -> NumberedPaginator:
    return NumberedPaginator("page", last_page=lambda page: page.envelope.get("last"))


def test_a_list_ends_where_its_latest_answer_says() -> None:
    paginator = _paginator()
    numbers = []
    for last in (2, 3, 3):
        numbers.append(paginator.current_value["page"])
        paginator.advance_past(_page(last))

    assert numbers == ["1", "2", "3"]
    assert paginator.finished


def test_a_list_whose_answers_name_no_last_page_has_one_page() -> None:
    paginator = _paginator()
    paginator.advance_past(_page(None))

    assert paginator.finished


def test_pages_are_known_ahead_up_to_the_last_and_no_more_than_asked() -> None:
    paginator = _paginator()

    assert paginator.ahead(_page(3), 10) == [{"page": "2"}, {"page": "3"}]
    assert paginator.ahead(_page(100), 2) == [{"page": "2"}, {"page": "3"}]
    assert paginator.ahead(_page(1), 10) == []
