"""Requests and responses of the client, against a local server."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from singer_rest_core import AccessRefused, RequestFailed, StreamUnavailable, body_of
from singer_rest_core.api.client import ApiClient

if TYPE_CHECKING:
    import requests
    from local_api import LocalApi

    from conftest import FakeClock

_OK: dict[str, Any] = {"data": [1]}


def test_a_request_carries_credentials_user_agent_and_parameters(api: LocalApi) -> None:
    api.respond(_OK)
    response = api.client().send(api.things(**{"page[after]": "é&="}))
    assert body_of(response) == _OK
    (request,) = api.received
    assert request.headers["X-Auth-Token"] == api.token
    assert request.headers["User-Agent"] == "tap-x/1"
    assert request.headers["Accept"] == "application/json"
    assert request.args.to_dict() == {"page[after]": "é&="}


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
def test_a_refusal_is_final_and_quotes_the_api(
    api: LocalApi, clock: FakeClock, status: int, kind: type[Exception]
) -> None:
    body = {"errors": [{"title": "No", "detail": f"because\nof {api.token}\x1b[31m."}]}
    api.respond(api.json(status, body))
    with pytest.raises(kind) as failure:
        api.get()
    line = f"GET /things answered {status}: No: because of *** [31m"
    assert str(failure.value) == (f"{line}. Check auth_token" if status == 401 else line)
    assert len(api.received) == 1
    assert clock.waits == []
    if isinstance(failure.value, RequestFailed):
        assert (failure.value.status, failure.value.body) == (status, body)
    if isinstance(failure.value, StreamUnavailable):
        assert failure.value.body == body


def test_a_refusal_without_a_message_is_named_by_its_status(api: LocalApi) -> None:
    api.respond(Response("<html>nope</html>", status=404))
    line = api.error()
    assert line == "GET /things answered 404: NOT FOUND"


def test_the_meaning_of_a_status_follows_the_message_of_the_api(api: LocalApi) -> None:
    api.respond(api.json(402, {"message": "No."}), api.json(409, {"message": "No."}))
    client = api.client(status_meanings={402: "Pay first"})
    assert api.error(client) == "GET /things answered 402: No. Pay first"
    assert api.error(client) == "GET /things answered 409: No"


def test_credentials_count_as_right_once_anything_was_accepted(api: LocalApi) -> None:
    api.respond(api.json(403, {}), _OK, api.json(403, {}))
    client = api.client()
    api.error(client)
    assert not client.accepted
    client.send(api.things())
    api.error(client)
    assert client.accepted


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_no_token_reaches_a_log_even_if_the_api_repeats_it(
    api: LocalApi, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    api.respond(api.json(status, {"message": f"{'.' * 290}{api.token}"}, Retry_After="30"))
    api.error()
    assert api.token[:6] not in caplog.text


def test_every_thread_has_a_connection_of_its_own(api: LocalApi) -> None:
    api.respond(_OK)
    client = api.client()
    sessions: list[object] = []

    def work() -> None:
        client.send(api.things())
        sessions.append(client._sender._connection._session)  # noqa: SLF001 - it can be seen nowhere else

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, sessions))) == 3


def test_secrets_are_not_in_the_repr_of_the_options(api: LocalApi) -> None:
    assert api.token not in repr(api.options)


def test_a_document_may_have_any_content(api: LocalApi) -> None:
    api.respond(Response(b"%PDF-1.7", 200, content_type="application/pdf"))
    assert api.client().send_for_document(api.things()).content == b"%PDF-1.7"


def test_expired_credentials_are_renewed_and_the_request_is_sent_once_more(api: LocalApi) -> None:
    api.respond(api.json(401, {"detail": "expired"}), _OK)
    refused: list[str] = []

    def renew(request: requests.PreparedRequest) -> bool:
        refused.append(request.headers["X-Auth-Token"])
        return True

    assert body_of(api.get(renew_credentials=renew)) == _OK
    assert refused == [api.token]
    assert len(api.received) == 2


class _AnotherRequestEnds(ApiClient):
    """Another request, which has used up the new credentials, is accepted and ends just when requests are counted."""

    _counted = 0

    @property
    def _accepted(self) -> int:
        before, self._counted = self._number, self._counted + 1
        if self._counted == 2:
            ending = threading.Thread(target=self._end_the_other, daemon=True)
            ending.start()
            ending.join(0.2)  # it waits for as long as the requests are being counted
        return before

    @_accepted.setter
    def _accepted(self, number: int) -> None:
        self._number = number

    def _end_the_other(self) -> None:
        with self._lock:
            self._number += 1
        with self._lock:
            self._in_flight -= 1


def test_credentials_are_renewed_again_where_another_request_that_just_ended_has_used_them_up(api: LocalApi) -> None:
    api.respond(api.json(401, {}), api.json(401, {}), _OK)
    client = api.client(_AnotherRequestEnds, renew_credentials=lambda _: True)
    client._in_flight = 1  # noqa: SLF001 - the other request

    assert body_of(client.send(api.things())) == _OK


@pytest.mark.parametrize("renewed", [True, False])
def test_new_credentials_that_are_refused_end_the_run(api: LocalApi, *, renewed: bool) -> None:
    api.respond(api.json(401, {"detail": "no"}))
    with pytest.raises(AccessRefused, match="answered 401"):
        api.get(renew_credentials=lambda _: renewed)
    assert len(api.received) == 1 + renewed


def test_on_response_gets_every_response_whatever_its_status(api: LocalApi) -> None:
    seen: list[int] = []
    api.respond(api.json(500, {}), api.json(429, {}, Retry_After="1"), _OK)
    api.get(on_response=lambda response: seen.append(response.status_code))
    assert seen == [500, 429, 200]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_the_request_id_of_an_error_is_named(api: LocalApi, status: int) -> None:
    api.respond(api.json(status, {"message": "No"}, X_Request_Id="8f3a-12"))
    assert api.error().startswith(f"GET /things answered {status} (x-request-id 8f3a-12): No")


@pytest.mark.parametrize("request_id", ["a b", "<script>", "x" * 101, ""])
def test_a_request_id_that_is_none_is_left_out(api: LocalApi, request_id: str) -> None:
    api.respond(api.json(404, {"message": "No"}, X_Request_Id=request_id))
    assert api.error() == "GET /things answered 404: No"


def test_the_request_id_of_a_body_that_is_not_json_is_named(api: LocalApi) -> None:
    api.respond(Response("<html>", headers={"X-Request-Id": "8f3a-12"}))
    assert api.error() == "GET /things answered 200 (x-request-id 8f3a-12) with a body that is not JSON (6 tries)"


def test_a_403_that_refuses_the_account_says_what_to_do(api: LocalApi) -> None:
    api.respond(api.json(403, {"message": "No"}), api.json(403, {"message": "Gone", "account": True}))
    client = api.client(
        account_refusal=lambda body: "Check account_id" if isinstance(body, dict) and "account" in body else ""
    )

    with pytest.raises(StreamUnavailable, match=r"^GET /things answered 403: No$"):
        client.send(api.things())
    with pytest.raises(AccessRefused, match=r"^GET /things answered 403: Gone\. Check account_id$"):
        client.send(api.things())


def test_an_answer_that_any_account_would_get_proves_no_access(api: LocalApi) -> None:
    api.respond(_OK)
    client = api.client(proves_access=lambda request: "own" in request.params)

    client.send(api.things())
    assert client.accepted
    assert not client.access_is_proven
    client.send(api.things(own="1"))
    client.send(api.things())
    assert client.access_is_proven
