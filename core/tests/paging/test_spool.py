"""Pages that wait for their turn: in order, in memory and in files, and not more than there is space for."""

from __future__ import annotations

import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from singer_rest_core.paging.background import BackgroundPages
from singer_rest_core.paging.page import RecordDecoder
from singer_rest_core.paging.spool import Spool, SpoolMemory
from singer_rest_core.records.row_layout import FlatRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_rest_core.paging.page import Page

_PATIENCE = 10.0
_MOMENT = 0.2
"""Seconds in which a thread that does not have to wait would have gone on."""
_DECODER = RecordDecoder(lambda _, body: body, FlatRows(None), lambda row: row["id"])
_SIZE = len(b'[{"id":0}]')


def _page(number: int) -> Page:
    answer = requests.Response()
    vars(answer)["_content"] = b'[{"id":%d}]' % number
    return _DECODER.decode(answer)


def _pages(*numbers: int) -> Iterator[Page]:
    return map(_page, numbers)


def _ids(pages: Iterator[Page]) -> list[object]:
    return [each for page in pages for each in page.ids]


@pytest.mark.parametrize("in_memory", [0, 1, 3, 9])
def test_pages_come_in_order_wherever_they_wait(in_memory: int) -> None:
    spool = Spool(SpoolMemory(in_memory * _SIZE))
    for page in _pages(*range(9)):
        spool.put(page)
    spool.close()
    assert _ids(spool.pages()) == list(range(9))


def test_the_error_that_ended_the_reading_is_raised_after_the_last_page() -> None:
    spool = Spool(SpoolMemory(0))
    for page in _pages(1, 2):
        spool.put(page)
    spool.close(OSError("the disk is full"))
    pages = spool.pages()
    assert [next(pages).ids, next(pages).ids] == [[1], [2]]
    with pytest.raises(OSError, match="the disk is full"):
        next(pages)


def test_the_file_has_no_name_and_is_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spool = Spool(SpoolMemory(0))
    spool.put(_page(1))
    assert list(tmp_path.iterdir()) == []
    opened = [each for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    modes = [
        each.stat().st_mode & 0o777 for each in opened if each.exists() and each.readlink().is_relative_to(tmp_path)
    ]
    assert modes == [0o600]
    assert _ids(iter([next(spool.pages())])) == [1]


def test_a_list_is_read_no_further_while_too_much_waits_unless_nothing_of_it_does() -> None:
    space = SpoolMemory(2 * _SIZE, most_waiting=3 * _SIZE)
    long = BackgroundPages("long", _pages(*range(6)), space)
    read: list[int] = []

    def other() -> Iterator[Page]:
        for page in _pages(*range(10, 13)):
            read.extend(page.ids)  # type: ignore[arg-type] # the ids of these pages are numbers
            yield page

    _let_threads_go_on()
    late = BackgroundPages("late", other(), space)
    _let_threads_go_on()
    # One page of it waits, though there is no space; the second was read and waits for space.
    assert read == [10, 11]
    assert _ids(late.pages()) == [10, 11, 12]
    assert _ids(long.pages()) == list(range(6))


def test_pages_that_use_no_files_are_read_no_further_than_memory_goes_and_one_of_each_may_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("tempfile.TemporaryFile")
    decoded = 3 * _SIZE
    space = SpoolMemory(2 * decoded)
    read: list[int] = []

    def window(*numbers: int) -> Iterator[Page]:
        for page in _pages(*numbers):
            read.extend(page.ids)  # type: ignore[arg-type] # as above
            yield page

    first = BackgroundPages("first", window(*range(6)), space, uses_files=False)
    _let_threads_go_on()
    assert read == [0, 1, 2], "two in memory, and one that waits for it"
    second = BackgroundPages("second", window(*range(10, 13)), space, uses_files=False)
    _let_threads_go_on()
    assert read == [0, 1, 2, 10, 11], "one in memory nevertheless, and one that waits for it"
    # A page of each in turn, as windows are taken.
    taken = [ids for pages in zip(first.pages(), second.pages(), strict=False) for page in pages for ids in page.ids]
    assert taken == [0, 10, 1, 11, 2, 12]


@pytest.mark.parametrize("uses_files", [True, False])
def test_a_read_that_waits_for_space_ends_when_it_is_dropped(*, uses_files: bool) -> None:
    space = SpoolMemory(0, most_waiting=_SIZE)
    ended = threading.Event()

    asked: list[int] = []

    def pages() -> Iterator[Page]:
        try:
            for number in range(5):
                asked.append(number)
                yield _page(number)
        finally:
            ended.set()

    read = BackgroundPages("read", pages(), space, uses_files=uses_files)
    _let_threads_go_on()
    assert not ended.is_set()
    asked_before = list(asked)
    read.drop()
    assert ended.wait(_PATIENCE)
    assert asked == asked_before
    # All the space is there again.
    assert not space.take(_SIZE, at_once=lambda: False, uses_files=True)


def test_a_page_that_was_taken_is_not_kept_while_the_next_one_is_waited_for() -> None:
    may_go_on = threading.Event()
    answers: list[weakref.ref[requests.Response]] = []

    def pages() -> Iterator[Page]:
        page = _page(1)
        answers.append(weakref.ref(page.answer))
        yield page
        del page
        may_go_on.wait(_PATIENCE)

    read = BackgroundPages("read", pages(), SpoolMemory()).pages()
    page: Page | None = next(read)
    assert page is not None
    _let_threads_go_on()
    page = None
    assert answers[0]() is None
    may_go_on.set()


def _let_threads_go_on() -> None:
    threading.Event().wait(_MOMENT)
