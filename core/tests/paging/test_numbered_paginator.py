"""Walking a list by page numbers: to the last page that the latest answer names."""

from __future__ import annotations

import requests

from singer_rest_core import NumberedPaginator


def _page(last: int | None) -> requests.Response:
    answer = requests.Response()
    answer.headers["last"] = str(last or "")
    return answer


def _walk() -> NumberedPaginator:
    return NumberedPaginator("page", last_page=lambda page: int(page.headers["last"] or 0) or None)


def test_a_list_ends_where_its_latest_answer_says() -> None:
    paginator = _walk()
    numbers = []
    for last in (2, 3, 3):
        numbers.append(paginator.current_value["page"])
        paginator.advance(_page(last))

    assert numbers == ["1", "2", "3"]
    assert paginator.finished


def test_a_list_whose_answers_name_no_last_page_has_one_page() -> None:
    paginator = _walk()
    paginator.advance(_page(None))

    assert paginator.finished


def test_pages_are_foretold_up_to_the_last_and_no_more_than_asked() -> None:
    paginator = _walk()

    assert paginator.ahead(_page(3), 10) == [{"page": "2"}, {"page": "3"}]
    assert paginator.ahead(_page(100), 2) == [{"page": "2"}, {"page": "3"}]
    assert paginator.ahead(_page(1), 10) == []
