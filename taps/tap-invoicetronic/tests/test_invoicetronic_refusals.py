"""A 403 means what its code says."""

from __future__ import annotations

import pytest

from singer_rest_core import RequestFailed, StreamUnavailable
from tap_invoicetronic.refusals import explain_forbidden, problem_code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"status": 403, "code": "usage_limit_exceeded", "detail": "Operazioni esaurite"}, "usage_limit_exceeded"),
        ({"problem_details": {"code": "subkey_not_allowed"}, "status_code": 403}, "subkey_not_allowed"),
        ({"problem_details": None}, None),
        ({"code": 7}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_code_of_a_problem_is_found_in_both_shapes(body: object, code: str | None) -> None:
    assert problem_code(body) == code


def test_a_refusal_is_what_its_code_says_and_not_what_its_words_say() -> None:
    spent = explain_forbidden(StreamUnavailable("Verboten", body={"code": "usage_limit_exceeded"}))
    refused = explain_forbidden(StreamUnavailable("Operazioni esaurite", body={"code": "subkey_not_allowed"}))
    other = explain_forbidden(StreamUnavailable("Verboten", body={"code": "signature_limit_exceeded"}))

    assert isinstance(spent, RequestFailed)
    assert isinstance(refused, StreamUnavailable)
    assert str(refused).endswith("the API key has no permission for it")
    assert isinstance(other, StreamUnavailable)
    assert str(other) == "Verboten (signature_limit_exceeded)"
