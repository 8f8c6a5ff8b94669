"""The way every request takes, for an API of any kind; and what the systems share."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.admin_client import AdminError
from sandbox.app import create_app
from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.gateway import Api, ApiError, Gateway, Reply
from sandbox.limits import RequestWindows, Window
from sandbox.pdf import one_page_pdf
from sandbox.request_log import RequestLog
from sandbox.server import Server, listen, running_sandbox, url_of
from sandbox.tables import Tables, World

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.admin_client import WindowSettings
    from sandbox.gateway import ApiRequest
    from sandbox.json_types import JsonObject
    from sandbox.server import RunningSandbox


class Shelf(Api):
    """An API that answers what lies on it."""

    media_type = "application/json"
    server_error: JsonObject = {"oh": "no"}  # noqa: RUF012 - never changed

    def __init__(self) -> None:
        """Begin with an empty shelf."""
        self.replies: dict[str, JsonObject | Reply | ApiError] = {}
        self.asked: list[ApiRequest] = []

    def is_authenticated(self, headers: Mapping[str, str]) -> bool:
        return headers.get("x-key") == "key"

    def headers(self, request: ApiRequest, seconds: float) -> Mapping[str, str]:
        return {"x-own": request.route, "x-seconds": str(seconds >= 0)}

    def after_request(self, path: str) -> None:
        """Nothing waits for a request."""

    def answer(self, request: ApiRequest) -> JsonObject | Reply:
        self.asked.append(request)
        reply = self.replies[request.route]
        if isinstance(reply, ApiError):
            raise reply
        return reply


@contextmanager
def served(shelf: Shelf, faults: Faults, log: RequestLog) -> Iterator[str]:
    ready = threading.Event()
    server = Server(Starlette(routes=[Mount("/shelf", app=Gateway(shelf, Clock(), faults, log, 0))]), ready.set)
    with listen(0) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert ready.wait(10)
        yield f"{url_of(listener)}/shelf"
        server.should_exit = True
        thread.join(5)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def log() -> RequestLog:
    return RequestLog()


@pytest.fixture
def url(shelf: Shelf, faults: Faults, log: RequestLog) -> Iterator[str]:
    with served(shelf, faults, log) as address:
        yield address


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with running_sandbox(scale=0.02) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox) -> RunningSandbox:
    running.admin.reset()
    return running


@pytest.mark.parametrize("body", [{"a": 1}, [1, "é", None], "text", None, []])
def test_any_json_is_an_answer(shelf: Shelf, url: str, body: object) -> None:
    shelf.replies["/x"] = Reply(json.loads(json.dumps(body)))
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.json(), answer.headers["Content-Type"]) == (body, "application/json")


@pytest.mark.parametrize("media_type", ["application/pdf", "application/xml", "application/zip", None])
def test_bytes_are_sent_as_they_are(shelf: Shelf, url: str, media_type: str | None) -> None:
    shelf.replies["/x"] = Reply(b"\x00\xff<a/>", media_type=media_type)
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.content, answer.headers.get("Content-Type")) == (b"\x00\xff<a/>", media_type)


def test_an_answer_may_be_empty_and_has_headers_of_its_own(shelf: Shelf, url: str) -> None:
    shelf.replies["/x"] = Reply(b"", 204, {"X-Own": "mine", "X-More": "1"})
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (answer.headers["X-Own"], answer.headers["X-More"]) == ("mine", "1")


def test_a_refusal_may_have_another_media_type(shelf: Shelf, url: str) -> None:
    shelf.replies["/x"] = ApiError(403, {"code": 7}, media_type="application/problem+json")
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.json()) == (403, {"code": 7})
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_apis_headers_are_on_every_answer_but_give_way_to_a_faults(shelf: Shelf, faults: Faults, url: str) -> None:
    shelf.replies = {"/x": {}, "/y": ApiError(404, {})}
    assert requests.get(f"{url}/x", timeout=5).headers["x-own"] == "/x"
    assert requests.get(f"{url}/y", timeout=5).headers["x-own"] == "/y"
    faults.add(Fault("*/x", "status", status=503))
    faults.add(Fault("*/x", "status", status=503, headers={"X-Own": "fault"}))
    assert [requests.get(f"{url}/x", timeout=5).headers["x-own"] for _ in range(2)] == ["/x", "fault"]


def test_what_is_posted_arrives_and_is_not_logged(shelf: Shelf, log: RequestLog, url: str) -> None:
    shelf.replies["/x"] = {}
    requests.post(f"{url}/x?a=1", data={"password": "hidden words"}, headers={"X-Key": "key"}, timeout=5)
    (asked,), (entry,) = shelf.asked, log.as_json()
    assert (asked.method, asked.body, asked.query) == ("POST", b"password=hidden+words", [("a", "1")])
    assert "hidden" not in json.dumps(entry)
    assert (entry["authenticated"], entry["organization"], entry["feature_flags"]) == (True, None, None)


def test_a_defect_of_the_sandbox_is_a_500_in_the_apis_own_words(
    shelf: Shelf, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert shelf.replies == {}
    answer = requests.get(f"{url}/x", timeout=5)
    assert (answer.status_code, answer.json()) == (500, {"oh": "no"})
    assert "KeyError: '/x'" in capfd.readouterr().err


def test_a_bucket_takes_a_burst_and_is_refilled_evenly() -> None:
    clock = Clock()
    windows = RequestWindows(clock, [Window("list", 60, 60, burst=5), Window("token", 100, 1)])
    keys = {"list": "key", "token": "key"}
    assert [windows.take(keys) for _ in range(5)] == [None] * 5
    refused = windows.take(keys)
    assert refused
    assert (refused.window.scope, refused.reset_after) == ("list", 1)
    # What is no list takes nothing from the lists' bucket, nor is it stopped by it.
    assert windows.take({"token": "key"}) is None
    clock.advance(2)
    assert [windows.take(keys) is None for _ in range(3)] == [True, True, False]
    clock.advance(3600)
    assert [windows.take(keys) is None for _ in range(6)] == [True] * 5 + [False]


def test_the_standing_of_a_window_counts_nothing_and_the_tightest_is_first() -> None:
    windows = RequestWindows(Clock(), [Window("token", 100, 60), Window("organization", 3, 10)])
    keys = {"token": "a", "organization": "b"}
    windows.take(keys)
    for _ in range(3):
        statuses = windows.statuses(keys)
        assert [status.remaining for status in statuses] == [2, 99]
    assert 9 < statuses[0].reset_after <= 10
    assert [status.remaining for status in windows.statuses({"token": "other"})] == [100]


def test_windows_are_set_for_one_system_or_for_all(sandbox: RunningSandbox) -> None:
    def statuses(path: str) -> list[int]:
        headers = {"Authorization": "Bearer sandbox-token"}
        return [requests.get(f"{sandbox.url}/{path}", headers=headers, timeout=5).status_code for _ in range(3)]

    two: list[WindowSettings] = [{"scope": "token", "limit": 2, "period": 600}]
    sandbox.admin.set_limits(two, system="invobi")
    assert statuses("invobi/api/v1/prompts") == [200, 200, 429]
    assert statuses("2invoice/templates") == [200, 200, 200]
    sandbox.admin.set_limits(two)
    assert statuses("2invoice/templates") == [200, 200, 429]
    sandbox.admin.set_limits([])
    assert statuses("2invoice/templates") == statuses("invobi/api/v1/prompts") == [200, 200, 200]


def test_a_window_that_a_system_does_not_count_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(AdminError, match="counts per token"):
        sandbox.admin.set_limits([{"scope": "organization", "limit": 1, "period": 1}], system="invobi")
    with pytest.raises(AdminError, match="nothing here"):
        sandbox.admin.set_limits([{"scope": "token", "limit": 1, "period": 1}], system="covage")


class Numbers(World):
    """Three rows, and how often they were made."""

    def __init__(self) -> None:
        """Begin with nothing made."""
        self.keys = {"numbers": "id"}
        self.made = 0

    def rows(self) -> Mapping[str, Sequence[JsonObject]]:
        self.made += 1
        return {"numbers": [self.new_row("numbers", number) for number in (1, 2, 3)]}

    def new_row(self, resource: str, number: int) -> JsonObject:
        return {"id": number, "of": resource, "tags": []}


def test_rows_are_made_once_and_only_when_asked_for() -> None:
    world = Numbers()
    tables = Tables(world)
    tables.reset()
    assert world.made == 0
    tables.update("numbers", "1", {"tags": ["x"], "new": 1.5})
    assert tables.served_row("numbers", "1") == {"id": 1, "of": "numbers", "tags": ["x"], "new": 1.5}
    tables.reset()
    assert tables.served_row("numbers", "1") == {"id": 1, "of": "numbers", "tags": []}
    assert world.made == 1


def test_ids_are_never_given_twice_and_keys_never_change() -> None:
    tables = Tables(Numbers())
    tables.delete("numbers", "3")
    assert tables.create("numbers", {})["id"] == 4
    assert tables.create("numbers", {"id": "own"})["id"] == "own"
    assert [row["id"] for row in tables.stored_rows("numbers")] == [1, 2, 4, "own"]
    with pytest.raises(ValueError, match="has a row 4"):
        tables.create("numbers", {"id": 4})
    with pytest.raises(ValueError, match="cannot change its id"):
        tables.update("numbers", "4", {"id": 5})
    with pytest.raises(KeyError):
        tables.delete("numbers", "3")


def test_extra_attributes_are_shown_and_not_stored() -> None:
    tables = Tables(Numbers())
    tables.extra_attributes = {"numbers": {"of": 7, "more": {"a": 1}}}
    assert tables.served_rows("numbers")[0] == {"id": 1, "of": 7, "tags": [], "more": {"a": 1}}
    assert tables.stored_rows("numbers")[0] == {"id": 1, "of": "numbers", "tags": []}


def test_scripted_changes_wait_for_their_request() -> None:
    tables = Tables(Numbers())
    changes: list[JsonObject] = [
        {"action": "create", "resource": "numbers", "attributes": {"id": 9}},
        {"action": "update", "resource": "numbers", "id": "2", "attributes": {"tags": ["y"]}},
        {"action": "delete", "resource": "numbers", "id": "1"},
    ]
    tables.script_changes("/numbers", 2, changes)
    for path in ("/api/numbers", "/api/others"):
        tables.after_request(path)
    assert [row["id"] for row in tables.stored_rows("numbers")] == [1, 2, 3]
    tables.after_request("/api/numbers")
    assert tables.stored_rows("numbers") == [
        {"id": 2, "of": "numbers", "tags": ["y"]},
        {"id": 3, "of": "numbers", "tags": []},
        {"id": 9, "of": "numbers", "tags": []},
    ]
    with pytest.raises(ValueError, match="no action is called archive"):
        tables.script_changes("/numbers", 1, [{"action": "archive", "resource": "numbers"}])


def test_a_pdf_is_whole_and_the_same_for_the_same_text() -> None:
    file = one_page_pdf(["Invoice (1)", "50 € \\ ő"])
    assert file == one_page_pdf(["Invoice (1)", "50 € \\ ő"]) != one_page_pdf(["Invoice (2)"])
    assert b"(Invoice \\(1\\)) Tj" in file
    assert b"(50 \x80 \\\\ \\\\u0151) Tj" in file
    assert file.startswith(b"%PDF-1.4\n")
    assert file.endswith(b"%%EOF\n")
    table = int(file.split()[-2])
    assert file[table:].startswith(b"xref\n0 6\n")
    places = [int(line.split()[0]) for line in file[table:].splitlines()[3:8]]
    assert [file[place : place + 7] for place in places] == [b"%d 0 obj" % number for number in range(1, 6)]
    (length,) = (int(part.split()[0]) for part in file.split(b"/Length ")[1:])
    assert file.split(b"stream\n")[1][length:] == b"\nend"


def test_starting_all_systems_is_fast() -> None:
    started = time.process_time()
    create_app()
    assert time.process_time() - started < 2
