"""How much of a response is read, and where it is kept."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core.api import response_body
from singer_rest_core.api.response_body import body_file, body_start
from singer_rest_core.errors import AnswerTooLarge, OutcomeUnknown, RequestFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_api import LocalApi

_MIB = 1 << 20


def _bomb(size: int) -> bytes:
    """Return gzip of a JSON document of many zeros."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"[")]
    parts += [packer.compress(b"0," * (_MIB // 2)) for _ in range(size // _MIB)]
    return b"".join([*parts, packer.compress(b"0]"), packer.flush()])


def _peak(work: Callable[[], object]) -> int:
    """Return how many bytes Python held at once, beyond those before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def bomb(api: LocalApi) -> bytes:
    """200 MiB of JSON in some 200 KB, as the answer of the API."""
    packed = _bomb(200 * _MIB)
    api.respond(Response(packed, headers={"Content-Encoding": "gzip"}, content_type="application/json"))
    return packed


def test_a_gzip_bomb_is_not_read_to_its_end_nor_requested_again(api: LocalApi, bomb: bytes) -> None:
    assert len(bomb) < _MIB
    client = api.client()

    def fail() -> None:
        with pytest.raises(AnswerTooLarge) as failure:
            client.send(api.things())
        line = "GET /things answered 200 with more than 128 MiB, which is not read. A smaller page_size may help"
        assert str(failure.value) == line

    assert _peak(fail) < 140 * _MIB
    assert len(api.received) == 1


@pytest.mark.usefixtures("bomb")
def test_a_bomb_in_answer_to_a_request_that_costs_money_leaves_its_outcome_unknown(api: LocalApi) -> None:
    with pytest.raises(OutcomeUnknown, match="more than 128 MiB"):
        api.client().send_once(api.things())
    assert len(api.received) == 1


@pytest.mark.usefixtures("bomb")
def test_a_large_document_does_not_pass_through_memory(api: LocalApi) -> None:
    client = api.client()

    def fetch() -> None:
        answer = client.send_for_document(api.things())
        assert sum(map(len, answer.iter_content(1 << 16))) == 200 * _MIB + 3

    assert _peak(fetch) < 8 * _MIB


def test_an_error_with_an_endless_message_is_still_an_error(api: LocalApi) -> None:
    packed = gzip.compress(b'{"message":"' + b"x" * (3 * _MIB) + b'"}')
    api.respond(Response(packed, status=404, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(RequestFailed, match=r"^GET /things answered 404: NOT FOUND$"):
        api.get()


@pytest.mark.parametrize("size", [0, 1, response_body._MAX_IN_MEMORY, response_body._MAX_IN_MEMORY + 1, 3 * _MIB])  # noqa: SLF001 - the borders
def test_a_document_comes_whole_in_each_way_of_reading_it(api: LocalApi, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    api.respond(Response(content, content_type="application/octet-stream"))
    answer = api.client().send_for_document(api.things())
    assert body_start(answer) == content[:4096]
    assert body_file(answer).read() == content
    assert body_start(answer) == content[:4096]
    assert b"".join(answer.iter_content(1000)) == content


def test_a_document_that_breaks_off_is_fetched_again_from_its_beginning(api: LocalApi) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    with api.raw_responses(head + b"%PDF", head + b"%PDF-1.7") as url:
        answer = api.client(api_url=url).send_for_document(HTTPRequest(f"{url}/4711.pdf"))
    assert body_file(answer).read() == b"%PDF-1.7"


def test_the_api_is_not_asked_for_encodings_that_cannot_be_unpacked_in_pieces(api: LocalApi) -> None:
    api.respond({})
    api.get()
    assert api.received[0].headers["Accept-Encoding"] == "gzip, deflate"
