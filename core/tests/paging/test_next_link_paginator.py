"""Paging by links: of a link only the paging parameters are used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import requests

from singer_rest_core import NextLinkPaginator, RequestFailed
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from singer_rest_core import Page, PageParams

_DECODER = RecordDecoder(lambda _, body: body["data"], FlatRows("data", envelope=("links",)), str)


def _page(next_link: str | None, rows: int = 1) -> Page:
    answer = requests.Response()
    vars(answer)["_content"] = json.dumps({"data": [{}] * rows, "links": {"next": next_link}}).encode()
    return _DECODER.decode(answer)


def _paginator() -> NextLinkPaginator:
    return NextLinkPaginator(
        {"page[after]": ""},
        next_link=lambda page: page.envelope["links"]["next"],
        takes=lambda name: name.startswith("page["),
    )


def _tokens(*links: str | None) -> list[PageParams]:
    paginator = _paginator()
    tokens = [paginator.current_value]
    for link in links:
        paginator.advance_past(_page(link))
        if not paginator.finished:
            tokens.append(paginator.current_value)
    return tokens


def test_a_list_is_read_to_the_page_without_a_next_link() -> None:
    assert _tokens("/x?page[after]=b", "/x?page%5Bafter%5D=c", None) == [
        {"page[after]": ""},
        {"page[after]": "b"},
        {"page[after]": "c"},
    ]


def test_of_a_link_to_another_host_only_the_paging_parameters_are_taken() -> None:
    assert _tokens("https://evil.example/steal?page[after]=b&token=x&page[size]=3&filter[a]=1") == [
        {"page[after]": ""},
        {"page[after]": "b", "page[size]": "3"},
    ]


def test_an_empty_parameter_is_kept() -> None:
    paginator = _paginator()
    paginator.advance_past(_page("/x?page[before]="))
    assert paginator.current_value == {"page[before]": ""}


@pytest.mark.parametrize("none", [None, ""])
def test_no_link_ends_the_list(none: str | None) -> None:
    paginator = _paginator()
    paginator.advance_past(_page(none))
    assert paginator.finished


def test_a_link_back_to_a_page_already_read_is_refused() -> None:
    paginator = _paginator()
    for cursor in "bcd":
        paginator.advance_past(_page(f"/x?page[after]={cursor}"))
    with pytest.raises(RequestFailed, match="repeats a page"):
        paginator.advance_past(_page("/x?page[after]=b"))


def test_a_link_to_the_first_page_is_refused() -> None:
    with pytest.raises(RequestFailed, match="repeats a page"):
        _paginator().advance_past(_page("/x?page[after]="))


def test_a_next_link_without_a_paging_parameter_is_not_taken_for_the_end() -> None:
    with pytest.raises(RequestFailed, match="next page"):
        _paginator().advance_past(_page("https://api.example/x?cursor=b"))
