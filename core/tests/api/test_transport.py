"""The one door to the API, against a real local server."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pytest_httpserver import HTTPServer
from singer_sdk.streams.rest import HTTPRequest
from werkzeug import Response

from singer_rest_core import AccessRefused, RequestFailed, RunEnded, StreamUnavailable, body_of
from singer_rest_core.api import client as door
from singer_rest_core.api.client import ApiClient, ClientOptions, origin, url_error
from singer_rest_core.api.rate_limit import RateLimiter, Window
from singer_rest_core.clock import Clock
from singer_rest_core.errors import ApiUnreachable, ForeignOrigin, WaitTooLong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import requests
    from werkzeug import Request

    from conftest import FakeClock

_TOKEN = "tok-5ecret-0123456789"
_FINE: dict[str, Any] = {"data": [1]}


class _Longest:
    """Stands in for the module `random`: jitter is always at its most."""

    def uniform(self, low: float, high: float) -> float:
        assert low <= high
        return high


@pytest.fixture(autouse=True)
def _longest_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "random", _Longest())


@pytest.fixture(scope="module")
def second_server() -> Iterator[HTTPServer]:
    with HTTPServer() as server:
        yield server


@pytest.fixture
def other_server(second_server: HTTPServer) -> HTTPServer:
    second_server.clear()
    return second_server


def _authenticate(request: requests.PreparedRequest) -> requests.PreparedRequest:
    request.headers["X-Auth-Token"] = _TOKEN
    return request


def _options(url: str, clock: Clock) -> ClientOptions:
    return ClientOptions(
        api_url=url,
        authenticate=_authenticate,
        user_agent="tap-x/1",
        request_timeout=5,
        max_wait=600,
        secrets=[_TOKEN],
        refusal_hint="Check auth_token",
        rate_limiter=RateLimiter({}, clock=clock),
        group_of=lambda _request: "",
        renew_credentials=lambda _refused: False,
    )


def _door(url: str, clock: Clock, **changes: Any) -> ApiClient:  # noqa: ANN401 - any option
    return ApiClient(replace(_options(url, clock), **changes), logging.getLogger("tap-x"), clock=clock)


def _answers(server: HTTPServer, *answers: Response | dict[str, Any]) -> list[Request]:
    """Give these answers in turn, the last one for ever; the requests are kept."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        given = answers[min(len(asked), len(answers)) - 1]
        return _json(200, given) if isinstance(given, dict) else given

    server.expect_request("/things").respond_with_handler(answer)
    return asked


def _json(status: int, body: object, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(json.dumps(body), status=status, headers=named, content_type="application/json")


def _things(server: HTTPServer, path: str = "/things", **params: str) -> HTTPRequest:
    return HTTPRequest(url=server.url_for(path), params=dict(params), headers={"Accept": "application/json"})


@contextmanager
def _raw_answers(*answers: bytes) -> Iterator[str]:
    """Give these bytes in turn, a connection each, and the URL they come from: werkzeug corrects what it is given."""

    def serve(listener: socket.socket) -> None:
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=[listener], daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.join()


def _failing(transport: ApiClient, request: HTTPRequest) -> str:
    """Send and give the line it ends in."""
    with pytest.raises((RequestFailed, RunEnded, StreamUnavailable)) as ended:
        transport.send(request)
    line = str(ended.value)
    assert "\n" not in line
    assert _TOKEN not in line
    return line


def test_a_request_carries_the_credentials_who_we_are_and_its_parameters(
    httpserver: HTTPServer, clock: FakeClock
) -> None:
    asked = _answers(httpserver, _FINE)
    answer = _door(httpserver.url_for("/"), clock).send(_things(httpserver, **{"page[after]": "é&="}))
    assert body_of(answer) == _FINE
    (request,) = asked
    assert request.headers["X-Auth-Token"] == _TOKEN
    assert request.headers["User-Agent"] == "tap-x/1"
    assert request.headers["Accept"] == "application/json"
    assert request.args.to_dict() == {"page[after]": "é&="}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_sent_again_with_growing_waits(httpserver: HTTPServer, clock: FakeClock, status: int) -> None:
    asked = _answers(httpserver, *[Response("oops", status=status)] * 3, _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert len(asked) == 4
    assert clock.waits == [1.0, 2.0, 4.0]


def test_a_server_error_for_ever_ends_the_stream_and_not_the_run(httpserver: HTTPServer, clock: FakeClock) -> None:
    asked = _answers(httpserver, _json(500, {"errors": [{"title": "Broken"}]}))
    with pytest.raises(RequestFailed, match=r"^GET /things answered 500: Broken \(6 tries\)$") as ended:
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert ended.value.status == 500
    assert len(asked) == 6


def test_our_own_waits_after_server_errors_do_not_count_as_waits_the_api_asks_for(
    httpserver: HTTPServer, clock: FakeClock
) -> None:
    _answers(httpserver, Response("", status=500))
    with pytest.raises(RequestFailed, match="6 tries"):
        _door(httpserver.url_for("/"), clock, max_wait=0.0).send(_things(httpserver))


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "RateLimit-Reset"])
def test_a_limit_is_waited_for_as_long_as_the_api_asks(httpserver: HTTPServer, clock: FakeClock, header: str) -> None:
    _answers(httpserver, _json(429, {}, **{header: "30"}), _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    (slept,) = clock.waits
    assert 30 <= slept <= 31


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "RateLimit-Reset"])
def test_the_reset_of_a_limit_may_be_an_epoch(httpserver: HTTPServer, clock: FakeClock, header: str) -> None:
    _answers(httpserver, _json(429, {}, **{header: str(int(time.time()) + 30)}), _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    (slept,) = clock.waits
    assert 25 <= slept <= 31


@pytest.mark.parametrize("apart", [-3600, 3600])
def test_the_epoch_of_a_reset_is_of_the_servers_clock(httpserver: HTTPServer, clock: FakeClock, apart: int) -> None:
    clock.advance(apart)
    _answers(httpserver, _json(429, {}, X_RateLimit_Reset=str(int(time.time()) + 30)), _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    (slept,) = clock.waits
    assert 25 <= slept <= 31


@pytest.mark.parametrize("headers", [{"RateLimit": '"burst";r=0;t=1800'}, {"X-Rate-Limit-Reset": "1800"}])
def test_a_long_wait_is_heeded_in_whatever_form_it_is_asked_for(
    httpserver: HTTPServer,
    headers: dict[str, str],
    clock: FakeClock,
) -> None:
    _answers(httpserver, _json(429, {}, **headers))
    with pytest.raises(WaitTooLong, match="asks to wait 30 min"):
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))


def test_a_run_at_its_end_sends_nothing_again(httpserver: HTTPServer, clock: FakeClock) -> None:
    asked = _answers(httpserver, _json(500, {}))
    transport = _door(httpserver.url_for("/"), clock)
    clock.on_advance = lambda _: transport.stop()
    assert _failing(transport, _things(httpserver)) == "GET /things is not sent: the run is ending"
    assert len(asked) == 1


def test_a_run_at_its_end_does_not_wait_for_the_limits(httpserver: HTTPServer, clock: FakeClock) -> None:
    asked = _answers(httpserver, _FINE)
    quota = RateLimiter({"": [Window(1, 3600)]}, clock=Clock())
    quota.acquire()
    transport = _door(httpserver.url_for("/"), clock, rate_limiter=quota, max_wait=7200)
    threading.Timer(0.1, transport.stop).start()
    assert _failing(transport, _things(httpserver)) == "GET /things is not sent: the run is ending"
    assert asked == []


def test_a_limit_is_asked_again_more_often_than_a_server_error(httpserver: HTTPServer, clock: FakeClock) -> None:
    asked = _answers(httpserver, *[_json(429, {}, Retry_After="10")] * 20, _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert len(asked) == 21
    assert len(clock.waits) == 20


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "0"}, {"X-RateLimit-Reset": "0"}, {"Retry-After": "1"}])
def test_a_limit_for_ever_ends_the_run_and_is_never_asked_without_a_pause(
    httpserver: HTTPServer,
    clock: FakeClock,
    headers: dict[str, str],
) -> None:
    _answers(httpserver, _json(429, {}, **headers))
    with pytest.raises(WaitTooLong):
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert min(clock.waits) > 0
    assert sum(clock.waits) <= 600


def test_the_reset_of_a_window_is_no_wait_after_a_server_error(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(500, {}, X_RateLimit_Reset="1800"), _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert clock.waits == [1.0]


def test_a_server_that_is_down_for_a_while_is_waited_for_as_it_asks(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(503, {}, Retry_After="20"), _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert 20 <= clock.waits[0] <= 21


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_longer_than_the_user_allows_ends_the_run_and_says_when_to_come_back(
    httpserver: HTTPServer,
    clock: FakeClock,
    status: int,
) -> None:
    _answers(httpserver, _json(status, {"message": "Too much"}, Retry_After="7200"))
    with pytest.raises(WaitTooLong) as ended:
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    line = str(ended.value)
    assert line.startswith(f"GET /things answered {status}: Too much. It asks to wait 12")
    moment = datetime.fromisoformat(line.partition("run again after ")[2].partition(";")[0])
    assert 7100 < (moment - datetime.now(UTC)).total_seconds() < 7300
    assert clock.waits == []


def test_waits_add_up_to_what_the_user_allows(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(429, {}, Retry_After="250"))
    with pytest.raises(WaitTooLong):
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert [round(seconds) for seconds in clock.waits] == [251, 251]


@pytest.mark.parametrize("value", ["1e999", "nan", "99999999999999999999", "soon"])
def test_a_nonsensical_wait_is_replaced_by_one_of_ours(httpserver: HTTPServer, clock: FakeClock, value: str) -> None:
    _answers(httpserver, _json(429, {}, Retry_After=value), _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert clock.waits == [1.0]


def test_a_truncated_body_is_asked_for_again(httpserver: HTTPServer, clock: FakeClock) -> None:
    cut = Response(b'{"data":', headers={"Content-Length": "100"}, content_type="application/json")
    asked = _answers(httpserver, cut, _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert len(asked) == 2
    assert clock.waits == [1.0]


@pytest.mark.parametrize("body", [b"<html>Please log in</html>", b"", b'{"data":[', b"\xff\xfe\xfd"])
def test_a_body_that_is_no_json_is_asked_for_again_and_ends_the_stream(
    httpserver: HTTPServer, body: bytes, clock: FakeClock
) -> None:
    asked = _answers(httpserver, Response(body), Response(body), _FINE)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert len(asked) == 3
    httpserver.clear()
    _answers(httpserver, Response(body))
    line = _failing(_door(httpserver.url_for("/"), clock), _things(httpserver))
    assert line == "GET /things answered 200 with a body that is no JSON (6 tries)"


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_an_api_that_cannot_be_reached_ends_the_run_after_a_few_tries(clock: FakeClock) -> None:
    host = f"127.0.0.1:{_closed_port()}"
    with pytest.raises(ApiUnreachable) as ended:
        _door(f"http://{host}/v1", clock).send(HTTPRequest(url=f"http://{host}/v1/things", params={"q": _TOKEN}))
    assert str(ended.value) == f"{host} cannot be reached: Connection refused. Check api_url and the network"
    assert clock.waits == [1.0, 2.0]


def test_a_connection_lost_mid_run_fails_one_stream_and_then_the_run(clock: FakeClock) -> None:
    with HTTPServer() as server:
        _answers(server, _FINE)
        request = _things(server)
        transport = _door(server.url_for("/"), clock)
        transport.send(request)
    with pytest.raises(RequestFailed, match=r"^GET /things: .+ \(6 tries\)$"):
        transport.send(request)
    assert clock.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    with pytest.raises(ApiUnreachable, match="cannot be reached any more"):
        transport.send(request)


def test_an_answer_between_two_lost_requests_keeps_the_run_alive(clock: FakeClock) -> None:
    port = _closed_port()
    url = f"http://127.0.0.1:{port}"
    transport = _door(url, clock)
    request = HTTPRequest(url=f"{url}/things")
    for _ in range(2):
        with HTTPServer(port=port) as server:
            _answers(server, _FINE)
            transport.send(request)
        with pytest.raises(RequestFailed):
            transport.send(request)


def test_a_server_that_does_not_answer_in_time_is_asked_again(httpserver: HTTPServer, clock: FakeClock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        line = _failing(_door(url, clock, request_timeout=0.05), HTTPRequest(url=f"{url}/things"))
    assert "cannot be reached: no answer in time" in line
    assert len(clock.waits) == 2
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestFailed),
        (401, AccessRefused),
        (402, RequestFailed),
        (403, StreamUnavailable),
        (404, RequestFailed),
        (410, RequestFailed),
        (422, RequestFailed),
    ],
)
def test_a_refusal_is_final_and_in_the_words_of_the_api(
    httpserver: HTTPServer,
    clock: FakeClock,
    status: int,
    kind: type[Exception],
) -> None:
    body = {"errors": [{"title": "No", "detail": f"because\nof {_TOKEN}\x1b[31m."}]}
    asked = _answers(httpserver, _json(status, body))
    with pytest.raises(kind) as ended:
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    line = f"GET /things answered {status}: No: because of *** [31m"
    assert str(ended.value) == (f"{line}. Check auth_token" if status == 401 else line)
    assert len(asked) == 1
    assert clock.waits == []
    if isinstance(ended.value, RequestFailed):
        assert (ended.value.status, ended.value.body) == (status, body)
    if isinstance(ended.value, StreamUnavailable):
        assert ended.value.body == body


def test_a_refusal_without_words_is_named_by_its_status(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, Response("<html>nope</html>", status=404))
    line = _failing(_door(httpserver.url_for("/"), clock), _things(httpserver))
    assert line == "GET /things answered 404: NOT FOUND"


def test_what_a_status_means_to_an_api_is_said_beside_its_words(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(402, {"message": "No."}), _json(409, {"message": "No."}))
    transport = _door(httpserver.url_for("/"), clock, status_meanings={402: "Pay first"})
    assert _failing(transport, _things(httpserver)) == "GET /things answered 402: No. Pay first"
    assert _failing(transport, _things(httpserver)) == "GET /things answered 409: No"


def test_credentials_count_as_right_once_anything_was_accepted(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(403, {}), _FINE, _json(403, {}))
    transport = _door(httpserver.url_for("/"), clock)
    _failing(transport, _things(httpserver))
    assert not transport.accepted
    transport.send(_things(httpserver))
    _failing(transport, _things(httpserver))
    assert transport.accepted


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_no_token_reaches_a_log_even_if_the_api_repeats_it(
    httpserver: HTTPServer,
    caplog: pytest.LogCaptureFixture,
    status: int,
    clock: FakeClock,
) -> None:
    caplog.set_level(logging.DEBUG)
    _answers(httpserver, _json(status, {"message": f"{'.' * 290}{_TOKEN}"}, Retry_After="30"))
    _failing(_door(httpserver.url_for("/"), clock), _things(httpserver))
    assert _TOKEN[:6] not in caplog.text


def test_a_wait_is_announced_with_its_reason(
    httpserver: HTTPServer, caplog: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    caplog.set_level(logging.INFO, logger="tap-x")
    _answers(httpserver, _json(429, {"message": "Slow down"}, Retry_After="30"), _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert [record.getMessage() for record in caplog.records if record.name == "tap-x"] == [
        "GET /things answered 429: Slow down; GET /things is sent again in 31 s",
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_the_credentials(
    httpserver: HTTPServer, status: int, clock: FakeClock
) -> None:
    _answers(httpserver, Response(status=status, headers={"Location": "/moved?page=2"}))
    seen: list[Request] = []

    def moved(request: Request) -> Response:
        seen.append(request)
        return _json(200, _FINE)

    httpserver.expect_request("/moved").respond_with_handler(moved)
    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver, page="1"))) == _FINE
    assert [request.args.to_dict() for request in seen] == [{"page": "2"}]
    assert seen[0].headers["X-Auth-Token"] == _TOKEN


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused_and_its_server_never_asked(
    httpserver: HTTPServer,
    other_server: HTTPServer,
    status: int,
    clock: FakeClock,
) -> None:
    other_server.expect_request("/things").respond_with_json(_FINE)
    _answers(httpserver, Response(status=status, headers={"Location": other_server.url_for("/things")}))
    with pytest.raises(ForeignOrigin, match=f"leads to localhost:{other_server.port}: the token only goes to"):
        _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert other_server.log == []


@pytest.mark.parametrize(
    "location",
    [
        "//{host}:{port}/things",
        "https://localhost:{own}/things",
        "http://{token}@x/",
        "http://{host}:{port}#@localhost:{own}/things",
    ],
)
def test_no_spelling_of_a_redirect_leads_out_or_repeats_the_token(
    httpserver: HTTPServer,
    other_server: HTTPServer,
    location: str,
    clock: FakeClock,
) -> None:
    target = location.format(host=other_server.host, port=other_server.port, own=httpserver.port, token=_TOKEN)
    _answers(httpserver, Response(status=302, headers={"Location": target}))
    assert "leads to" in _failing(_door(httpserver.url_for("/"), clock), _things(httpserver))
    assert other_server.log == []


def test_a_proxy_of_the_environment_sees_nothing_of_loopback(
    httpserver: HTTPServer,
    other_server: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    clock: FakeClock,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other_server.url_for("/"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    _answers(httpserver, _FINE)

    assert body_of(_door(httpserver.url_for("/"), clock).send(_things(httpserver))) == _FINE
    assert other_server.log == []


def test_every_thread_has_a_connection_of_its_own(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _FINE)
    door_ = _door(httpserver.url_for("/"), clock)
    sessions: list[object] = []

    def work() -> None:
        door_.send(_things(httpserver))
        sessions.append(door_._session[0])  # noqa: SLF001 - which one it is can be seen nowhere else

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, sessions))) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://{host}:{other}/things",
        # Our parser reads the last host, the one of requests the first.
        "http://{host}:{other}\\@{host}:{own}/things",
        "http://{host}:{other}#@{host}:{own}/things",
        "http://{host}:{own}@{host}:{other}/things",
    ],
)
def test_a_request_to_another_origin_is_not_sent(
    httpserver: HTTPServer, other_server: HTTPServer, url: str, clock: FakeClock
) -> None:
    spelled = url.format(host=httpserver.host, own=httpserver.port, other=other_server.port)
    with pytest.raises(ForeignOrigin):
        _door(httpserver.url_for("/"), clock).send(HTTPRequest(spelled))
    assert other_server.log == []


@pytest.mark.parametrize("location", ["https://localhost:99999/", "http://localhost:abc/"])
def test_a_redirect_to_no_url_ends_the_stream(location: str, clock: FakeClock) -> None:
    with _raw_answers(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()) as url:
        line = _failing(_door(url, clock), HTTPRequest(url=f"{url}/things"))
    assert line == "GET /things is redirected to no URL"


def test_redirects_in_circles_end_the_stream(httpserver: HTTPServer, clock: FakeClock) -> None:
    asked = _answers(httpserver, Response(status=302, headers={"Location": "/things"}))
    assert (
        _failing(_door(httpserver.url_for("/"), clock), _things(httpserver)) == "GET /things is redirected in circles"
    )
    assert len(asked) == 6


def test_a_netrc_file_does_not_replace_the_credentials(
    httpserver: HTTPServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    clock: FakeClock,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    asked = _answers(httpserver, _FINE)
    _door(httpserver.url_for("/"), clock).send(_things(httpserver))
    assert "Authorization" not in asked[0].headers


def test_secrets_are_not_in_the_printed_form_of_the_options() -> None:
    assert _TOKEN not in repr(_options("https://api.example.com", Clock()))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/v1", "https://A.EXAMPLE:443/v2", True),
        ("http://a.example", "http://a.example:80", True),
        ("https://a.example", "http://a.example", False),
        ("https://a.example", "https://a.example:8443", False),
        ("https://a.example", "https://a.example.evil.example", False),
        ("https://a.example", "https://a.example@evil.example", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, other: str, *, same: bool) -> None:
    assert (origin(one) == origin(other)) is same


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com/v1", "http://localhost:8000", "http://127.0.0.1", "http://127.8.8.8", "http://[::1]:80"],
)
def test_https_and_loopback_may_be_used(url: str) -> None:
    assert url_error(url, allow_plain_http=False) is None


@pytest.mark.parametrize("url", ["http://api.example.com", "http://10.0.0.1", "http://localhost.evil.example"])
def test_plain_http_beyond_loopback_needs_leave(url: str) -> None:
    assert "is not encrypted" in (url_error(url, allow_plain_http=False) or "")
    assert url_error(url, allow_plain_http=True) is None


@pytest.mark.parametrize(
    "url",
    ["", "api.example.com", "ftp://a.example.com", "https://", "https:///v1", "https://[bad", "https://a:port/", "//a"],
)
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    assert "is no http(s) URL; an example" in (url_error(url, allow_plain_http=True) or "")


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    fault = url_error("https://user:hunter2@api.example.com", allow_plain_http=False)
    assert fault == "must not hold a user name or password"


def test_a_document_may_hold_anything(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, Response(b"%PDF-1.7", 200, content_type="application/pdf"))
    assert _door(httpserver.url_for("/"), clock).send_for_document(_things(httpserver)).content == b"%PDF-1.7"


def test_a_document_that_breaks_off_is_asked_for_again(clock: FakeClock) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n"
    with _raw_answers(head + b"%PDF", head + b"%PDF-1.7") as url:
        assert _door(url, clock).send_for_document(HTTPRequest(url=f"{url}/4711.pdf")).content == b"%PDF-1.7"
    assert clock.waits == [1.0]


def test_credentials_that_ran_out_are_renewed_and_the_request_is_sent_once_more(
    httpserver: HTTPServer, clock: FakeClock
) -> None:
    asked = _answers(httpserver, _json(401, {"detail": "expired"}), _FINE)
    refused: list[str] = []

    def renew(request: requests.PreparedRequest) -> bool:
        refused.append(request.headers["X-Auth-Token"])
        return True

    assert body_of(_door(httpserver.url_for("/"), clock, renew_credentials=renew).send(_things(httpserver))) == _FINE
    assert refused == [_TOKEN]
    assert len(asked) == 2


@pytest.mark.parametrize("renewed", [True, False])
def test_credentials_that_are_refused_though_they_are_new_end_the_run(
    httpserver: HTTPServer, clock: FakeClock, *, renewed: bool
) -> None:
    asked = _answers(httpserver, _json(401, {"detail": "no"}))
    with pytest.raises(AccessRefused, match="answered 401"):
        _door(httpserver.url_for("/"), clock, renew_credentials=lambda _: renewed).send(_things(httpserver))
    assert len(asked) == 1 + renewed


def test_every_answer_is_shown_whatever_its_status(httpserver: HTTPServer, clock: FakeClock) -> None:
    seen: list[int] = []
    _answers(httpserver, _json(500, {}), _json(429, {}, Retry_After="1"), _FINE)
    _door(httpserver.url_for("/"), clock, on_response=lambda answer: seen.append(answer.status_code)).send(
        _things(httpserver)
    )
    assert seen == [500, 429, 200]


def test_an_api_may_say_elsewhere_than_in_headers_how_long_to_wait(httpserver: HTTPServer, clock: FakeClock) -> None:
    _answers(httpserver, _json(429, {"wait": 40}), _json(429, {"wait": 40}, Retry_After="20"), _FINE)
    asked = lambda answer: body_of(answer)["wait"]  # noqa: E731 - a stand-in for a tap's hook
    _door(httpserver.url_for("/"), clock, retry_after=asked).send(_things(httpserver))
    first, second = clock.waits
    assert 40 <= first <= 44
    assert 20 <= second <= 22
