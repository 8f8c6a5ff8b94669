"""Origins, redirects, and the URLs that settings may hold."""

from __future__ import annotations

import pytest

from singer_rest_core.api.urls import has_origin_of, origin, redirect_target, url_error


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
def test_plain_http_beyond_this_machine_must_be_allowed(url: str) -> None:
    assert "is not encrypted" in (url_error(url, allow_plain_http=False) or "")
    assert url_error(url, allow_plain_http=True) is None


@pytest.mark.parametrize(
    "url",
    ["api.example.com", "ftp://a.example.com", "https://", "https:///v1", "https://[bad", "https://a:port/", "//a"],
)
def test_what_is_not_a_url_is_refused_with_an_example(url: str) -> None:
    assert "is not an http(s) URL such as https://" in (url_error(url, allow_plain_http=True) or "")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        (" https://api.example.com", "contains a blank or a line break"),
        ("https://api.example.com\n", "contains a blank or a line break"),
        ("https://api.exa\tmple.com", "contains a blank or a line break"),
        ("https://api.example.com/a b", "contains a blank or a line break"),
        ("https://api.example.com/\x00", "contains a blank or a line break"),
        ("https://api.example.com?x=1", "must not contain a query or a fragment"),
        ("https://api.example.com/v1?", "must not contain a query or a fragment"),
        ("https://api.example.com/v1#part", "must not contain a query or a fragment"),
        ("https://api.example.com\\@evil.example", "must not contain a backslash"),
    ],
)
def test_a_url_that_requests_cannot_be_made_from_is_refused_with_the_reason(url: str, fault: str) -> None:
    assert (url_error(url, allow_plain_http=True) or "").startswith(fault)


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    fault = url_error("https://user:hunter2@api.example.com", allow_plain_http=False)
    assert fault == "must not contain a user name or password"


@pytest.mark.parametrize(
    "url",
    ["http://api.example.com/v1", "https://evil.example\\@api.example.com", "https://api.example.com@evil.example/"],
)
def test_a_url_of_another_origin_or_with_a_backslash_gets_no_token(url: str) -> None:
    assert not has_origin_of(url, "https://api.example.com/v1")


def test_a_url_of_the_same_origin_gets_the_token() -> None:
    assert has_origin_of("https://API.example.com:443/v2?page=2", "https://api.example.com/v1")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/v2/things", "https://api.example.com/v2/things"),
        ("more?page=2", "https://api.example.com/v1/more?page=2"),
        ("//evil.example/things", "https://evil.example/things"),
    ],
)
def test_a_redirect_is_relative_to_the_url_that_was_requested(location: str, target: str) -> None:
    assert redirect_target("https://api.example.com/v1/things", location) == target


@pytest.mark.parametrize("location", ["https://localhost:99999/", "http://localhost:abc/"])
def test_a_redirect_to_an_invalid_url_is_an_error(location: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)port"):
        redirect_target("https://api.example.com/v1/things", location)
