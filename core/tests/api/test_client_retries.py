"""What the client retries, how long it waits, and when it gives up, against a local server."""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from conftest import CONCURRENCY
from singer_rest_core import RequestFailed, body_of
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.api.rate_limit_rules import Window
from singer_rest_core.clock import Clock
from singer_rest_core.errors import ApiUnreachable, WaitTooLong

if TYPE_CHECKING:
    from local_api import LocalApi
    from werkzeug import Request

    from conftest import FakeClock

_OK: dict[str, Any] = {"data": [1]}


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_retried_with_growing_waits(api: LocalApi, clock: FakeClock, status: int) -> None:
    api.respond(*[Response("oops", status=status)] * 3, _OK)
    assert body_of(api.get()) == _OK
    assert len(api.received) == 4
    assert clock.waits == [1.0, 2.0, 4.0]


def test_a_lasting_server_error_ends_the_stream_and_not_the_run(api: LocalApi) -> None:
    api.respond(api.json(500, {"errors": [{"title": "Broken"}]}))
    with pytest.raises(RequestFailed, match=r"^GET /things answered 500: Broken \(6 tries\)$") as failure:
        api.get()
    assert failure.value.status == 500
    assert len(api.received) == 6


def test_waits_of_our_own_after_server_errors_are_not_limited_by_max_wait(api: LocalApi) -> None:
    api.respond(Response("", status=500))
    with pytest.raises(RequestFailed, match="6 tries"):
        api.get(max_wait=0.0)


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "RateLimit-Reset"])
def test_a_429_is_retried_after_the_time_the_api_asks_for(api: LocalApi, clock: FakeClock, header: str) -> None:
    api.respond(api.json(429, {}, **{header: "30"}), _OK)
    assert body_of(api.get()) == _OK
    (wait,) = clock.waits
    assert 30 <= wait <= 31


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "RateLimit-Reset"])
def test_the_reset_of_a_limit_may_be_an_epoch(api: LocalApi, clock: FakeClock, header: str) -> None:
    api.respond(api.json(429, {}, **{header: str(int(time.time()) + 30)}), _OK)
    api.get()
    (wait,) = clock.waits
    assert 25 <= wait <= 31


@pytest.mark.parametrize("apart", [-3600, 3600])
def test_the_epoch_of_a_reset_is_compared_with_the_clock_of_the_server(
    api: LocalApi, clock: FakeClock, apart: int
) -> None:
    clock.advance(apart)
    api.respond(api.json(429, {}, X_RateLimit_Reset=str(int(time.time()) + 30)), _OK)
    api.get()
    (wait,) = clock.waits
    assert 25 <= wait <= 31


@pytest.mark.parametrize("headers", [{"RateLimit": '"burst";r=0;t=1800'}, {"X-Rate-Limit-Reset": "1800"}])
def test_a_long_wait_is_understood_in_every_form(api: LocalApi, headers: dict[str, str]) -> None:
    api.respond(api.json(429, {}, **headers))
    with pytest.raises(WaitTooLong, match="means waiting 30 min 1 s, more"):
        api.get()


def test_stop_ends_a_wait_and_the_request_is_not_sent_again(api: LocalApi, clock: FakeClock) -> None:
    api.respond(api.json(500, {}))
    client = api.client()
    clock.on_advance = lambda _: client.stop()
    assert api.error(client) == "GET /things is not sent: the run is ending"
    assert len(api.received) == 1


def test_stop_ends_a_wait_for_the_limits_at_once(api: LocalApi) -> None:
    api.respond(_OK)
    limiter = RateLimiter({"": [Window(1, 3600)]}, clock=Clock())
    limiter.acquire()
    client = api.client(rate_limiter=limiter, max_wait=7200)
    threading.Timer(0.1, client.stop).start()
    assert api.error(client) == "GET /things is not sent: the run is ending"
    assert api.received == []


def test_a_429_is_retried_more_often_than_a_server_error(api: LocalApi, clock: FakeClock) -> None:
    api.respond(*[api.json(429, {}, Retry_After="10")] * 20, _OK)
    api.get()
    assert len(api.received) == 21
    assert len(clock.waits) == 20


def _any_fault(api: LocalApi, kind: str) -> Response:
    return {
        "429": api.json(429, {}, Retry_After="1"),
        "503": api.json(503, {}),
        # From an iterator: of bytes, werkzeug would correct the length.
        "cut": Response(iter([b'{"data":']), headers={"Content-Length": "100"}, content_type="application/json"),
        "html": Response("<html></html>"),
    }[kind]


@pytest.mark.parametrize(
    "faults",
    [
        ["429"] * 20 + ["503"],
        ["429"] * 5 + ["503"] * 5 + ["429"] * 20 + ["cut"] * 5,
        ["503", "html", "cut", "429"] * 2 + ["503"] * 3,
        ["cut"] * 3 + ["503"] * 5 + ["html"] * 2,
    ],
)
def test_each_kind_of_fault_has_its_own_budget(api: LocalApi, faults: list[str]) -> None:
    api.respond(*[_any_fault(api, kind) for kind in faults], _OK)
    assert body_of(api.get()) == _OK
    assert len(api.received) == len(faults) + 1


@CONCURRENCY
def test_requests_side_by_side_each_survive_a_mix_of_faults(api: LocalApi, concurrency: int) -> None:
    dice = random.Random(concurrency)  # noqa: S311 - no secret
    faults = {
        str(number): dice.sample(["429"] * 9 + ["503"] * 5 + ["cut"] * 2 + ["html"] * 3, 12)
        for number in range(2 * concurrency)
    }

    def respond(request: Request) -> Response:
        mine = faults[request.args["n"]]
        return _any_fault(api, mine.pop()) if mine else api.json(200, {"n": request.args["n"]})

    api.server.expect_request("/things").respond_with_handler(respond)
    client = api.client()
    with ThreadPoolExecutor(concurrency) as pool:
        answers = list(pool.map(lambda number: client.send(api.things(n=number)), faults))
    assert [body_of(answer)["n"] for answer in answers] == list(faults)


def test_a_body_that_is_always_cut_short_fails_its_stream_and_does_not_make_the_api_unreachable(api: LocalApi) -> None:
    api.respond(_any_fault(api, "cut"))
    client = api.client()
    for _ in range(3):
        assert "GET /things answered 200 with a body that is cut short or broken" in api.error(client)
    assert len(api.received) == 18


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"X-RateLimit-Reset": "0"}, {"Retry-After": "1"}])
def test_a_lasting_429_ends_the_run_and_is_never_retried_without_a_pause(
    api: LocalApi, clock: FakeClock, headers: dict[str, str]
) -> None:
    api.respond(api.json(429, {}, **headers))
    with pytest.raises(WaitTooLong):
        api.get()
    assert min(clock.waits) > 0
    assert sum(clock.waits) <= 600


def test_the_reset_of_a_window_is_not_waited_for_after_a_server_error(api: LocalApi, clock: FakeClock) -> None:
    api.respond(api.json(500, {}, X_RateLimit_Reset="1800"), _OK)
    assert body_of(api.get()) == _OK
    assert clock.waits == [1.0]


def test_a_503_is_retried_after_the_time_the_api_asks_for(api: LocalApi, clock: FakeClock) -> None:
    api.respond(api.json(503, {}, Retry_After="20"), _OK)
    api.get()
    assert 20 <= clock.waits[0] <= 21


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_longer_than_the_user_allows_ends_the_run_and_says_when_to_come_back(
    api: LocalApi, clock: FakeClock, status: int
) -> None:
    api.respond(api.json(status, {"message": "Too much"}, Retry_After="7200"))
    with pytest.raises(WaitTooLong) as failure:
        api.get()
    line = str(failure.value)
    assert line.startswith(f"GET /things answered {status}: Too much. That means waiting 2 h 0 min, more than")
    moment = datetime.fromisoformat(line.partition("run again after ")[2].partition(";")[0])
    assert 7200 <= (moment - clock.now()).total_seconds() <= 7262
    assert clock.waits == []


@pytest.mark.parametrize(("seconds", "span"), [("20", "21 s"), ("90", "1 min 31 s"), ("5400", "1 h 30 min")])
def test_a_wait_is_given_in_fitting_units(api: LocalApi, seconds: str, span: str) -> None:
    api.respond(api.json(429, {}, Retry_After=seconds))
    with pytest.raises(WaitTooLong, match=f"That means waiting {span}, more than max_wait_minutes allows"):
        api.get(max_wait=10)


@pytest.mark.parametrize("seconds", [0.3, 5, 59, 61, 590])
def test_the_time_to_run_again_after_a_short_wait_is_given_to_the_second(
    api: LocalApi, clock: FakeClock, seconds: float
) -> None:
    api.respond(api.json(429, {}, Retry_After=str(seconds)))
    with pytest.raises(WaitTooLong) as failure:
        api.get(max_wait=0.1)
    moment = datetime.fromisoformat(str(failure.value).partition("run again after ")[2].partition(";")[0])
    assert seconds <= (moment - clock.now()).total_seconds() <= seconds + 2


def test_waits_add_up_to_what_the_user_allows(api: LocalApi, clock: FakeClock) -> None:
    api.respond(api.json(429, {}, Retry_After="250"))
    with pytest.raises(WaitTooLong):
        api.get()
    assert [round(seconds) for seconds in clock.waits] == [251, 251]


@pytest.mark.parametrize("value", ["1e999", "nan", "99999999999999999999", "soon"])
def test_a_nonsensical_wait_is_replaced_by_one_of_our_own(api: LocalApi, clock: FakeClock, value: str) -> None:
    api.respond(api.json(429, {}, Retry_After=value), _OK)
    assert body_of(api.get()) == _OK
    assert clock.waits == [1.0]


def test_a_truncated_body_is_requested_again(api: LocalApi, clock: FakeClock) -> None:
    cut = Response(b'{"data":', headers={"Content-Length": "100"}, content_type="application/json")
    api.respond(cut, _OK)
    assert body_of(api.get()) == _OK
    assert len(api.received) == 2
    assert clock.waits == [1.0]


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"", b'{"data":[', b"\xff\xfe\xfd"])
def test_a_body_that_is_not_json_is_requested_again_and_ends_the_stream(api: LocalApi, body: bytes) -> None:
    api.respond(Response(body), Response(body), _OK)
    assert body_of(api.get()) == _OK
    assert len(api.received) == 3
    api.server.clear()
    api.respond(Response(body))
    line = api.error()
    assert line == "GET /things answered 200 with a body that is not JSON (6 tries)"


def test_an_unreachable_api_ends_the_run_after_a_few_tries(api: LocalApi, clock: FakeClock) -> None:
    host = f"127.0.0.1:{_closed_port()}"
    with pytest.raises(ApiUnreachable) as failure:
        api.client(api_url=f"http://{host}/v1").send(
            HTTPRequest(url=f"http://{host}/v1/things", params={"q": api.token})
        )
    assert str(failure.value) == f"{host} cannot be reached: Connection refused. Check api_url and the network"
    assert clock.waits == [1.0, 2.0]


def test_a_connection_lost_during_the_run_fails_one_stream_and_then_the_run(api: LocalApi, clock: FakeClock) -> None:
    with HTTPServer() as server:
        api.respond(_OK, server=server)
        request = HTTPRequest(server.url_for("/things"))
        client = api.client(api_url=server.url_for("/"))
        client.send(request)
    with pytest.raises(RequestFailed, match=r"^GET /things: .+ \(6 tries\)$"):
        client.send(request)
    assert clock.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    with pytest.raises(ApiUnreachable, match="can no longer be reached"):
        client.send(request)


def test_a_response_between_two_lost_requests_keeps_the_run_alive(api: LocalApi) -> None:
    port = _closed_port()
    url = f"http://127.0.0.1:{port}"
    client = api.client(api_url=url)
    request = HTTPRequest(url=f"{url}/things")
    for _ in range(2):
        with HTTPServer(port=port) as server:
            api.respond(_OK, server=server)
            client.send(request)
        with pytest.raises(RequestFailed):
            client.send(request)


def test_a_request_that_times_out_is_retried(api: LocalApi, clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = api.error(api.client(api_url=url, request_timeout=0.05), HTTPRequest(url=f"{url}/things"))
    assert "cannot be reached: response timed out" in line
    assert len(clock.waits) == 2
    assert api.server.log == []


def test_an_api_may_ask_for_a_wait_in_the_body(api: LocalApi, clock: FakeClock) -> None:
    api.respond(api.json(429, {"wait": 40}), api.json(429, {"wait": 40}, Retry_After="20"), _OK)
    api.get(retry_after=lambda response: body_of(response)["wait"])
    first, second = clock.waits
    assert 40 <= first <= 44
    assert 20 <= second <= 22


def test_a_truncated_document_is_requested_again(api: LocalApi, clock: FakeClock) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    with api.raw_responses(head + b"%PDF", head + b"%PDF-1.7") as url:
        assert api.client(api_url=url).send_for_document(HTTPRequest(url=f"{url}/4711.pdf")).content == b"%PDF-1.7"
    assert clock.waits == [1.0]


def test_a_retry_is_logged_with_its_reason(api: LocalApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="tap-x")
    api.respond(api.json(429, {"message": "Slow down"}, Retry_After="30"), _OK)
    api.get()
    assert [record.getMessage() for record in caplog.records if record.name == "tap-x"] == [
        "GET /things answered 429: Slow down; retrying in 31 s",
    ]
