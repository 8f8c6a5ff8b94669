"""Secrets are recognized in every form in which they travel."""

from __future__ import annotations

import base64
import html
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singer_rest_core.cli.log_lines import RedactingFormatter
from singer_rest_core.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable

_SECRET = "pä ss&wo/rd+<1>\"x\\'😀"


def _basic(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


_FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda secret: secret,
    "in a path": quote,
    "in a query": lambda secret: quote(secret, safe=""),
    "in a query, in lower case": lambda secret: quote(secret, safe="").replace("%C3%A4", "%c3%a4"),
    "in a form": quote_plus,
    "quoted twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON beyond ASCII": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in JSON with escaped slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in HTML": html.escape,
    "in repr": lambda secret: repr(secret)[1:-1],
    "in repr of bytes": lambda secret: repr(secret.encode())[2:-1],
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "as a password": lambda secret: _basic("user", secret),
    "as a password of another user": lambda secret: _basic("users", secret),
    "as a password of a third user": lambda secret: _basic("user.s", secret),
    "as a user without a password": lambda secret: _basic(secret, ""),
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(f"user:{secret}".encode()).decode(),
    "in base64, in a query": lambda secret: quote(_basic("user", secret), safe=""),
}


@pytest.mark.parametrize("secret", [_SECRET, "tok-5ecret-0123456789", "ik_live_??>>~~", "four"])
@pytest.mark.parametrize("form", _FORMS)
def test_a_secret_is_redacted_in_every_form(form: str, secret: str) -> None:
    assert redact(f"<{_FORMS[form](secret)}>", [secret]) == "<***>"


@given(
    st.text(min_size=4, max_size=30).filter(lambda text: "*" not in text),
    st.text(max_size=10),
    st.sampled_from(sorted(_FORMS)),
)
def test_no_form_of_any_secret_survives(secret: str, user: str, form: str) -> None:
    written = _FORMS[form](secret)
    line = f"{user} {written} was refused, {_basic(user, secret)} too"
    assert written not in redact(line, [secret])


def test_a_text_without_secrets_stays_as_it_is() -> None:
    line = "GET /things?cursor=dXNlcjpwYXNzd29yZA%3D%3D answered 500 (x-request-id 8f3a)"
    assert redact(line, ["tok-5ecret-0123456789"]) == line


def test_every_occurrence_of_a_secret_is_redacted() -> None:
    assert redact("a one b two one", ["one", "two"]) == "a *** b *** ***"


def test_a_secret_that_begins_with_another_is_redacted_completely() -> None:
    assert redact("wrong: abcdef", ["abc", "abcdef"]) == "wrong: ***"


def test_an_empty_secret_changes_nothing() -> None:
    assert redact("text", ["", ""]) == "text"


def test_a_traceback_in_the_log_is_redacted() -> None:
    formatter = RedactingFormatter(logging.Formatter("%(message)s"), lambda: [_SECRET])
    error = ValueError(f"Authorization: Basic {_basic('user', _SECRET)}")
    fault = (type(error), error, None)
    record = logging.LogRecord("x", logging.DEBUG, __file__, 1, "token=%s", (quote(_SECRET),), fault)
    lines = formatter.format(record).splitlines()
    assert lines[0] == "token=***"
    assert lines[-1] == "ValueError: Authorization: Basic ***"


def test_a_secret_of_one_or_two_characters_does_not_make_the_text_unreadable() -> None:
    assert redact("a page that repeats", ["p", "at", "eats"]) == "a page that rep***"
