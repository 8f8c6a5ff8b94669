"""The message that is posted where a run has failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from invoicing_orchestrate.errors import PostFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from invoicing_orchestrate.record import RunRecord

_TIMEOUT = 10.0
_ATTEMPTS_AGAIN = 2
_TRANSIENT = (429, 500, 502, 503, 504)


def post(url: str, record: RunRecord) -> None:
    """Post a run as JSON: `text`, one line for people, which chat webhooks show, and `run`, the record.

    Args:
        url: Where to. Credentials that it may hold are sent there and shown nowhere.
        record: The record, without secrets.

    Raises:
        PostFailed: If it was not taken, after three attempts.
    """
    post_message(url, {"text": record.line(), "run": record.as_json()})


def post_message(url: str, message: Mapping[str, Any]) -> None:
    """Post a message as JSON.

    Args:
        url: Where to. Credentials that it may hold are sent there and shown nowhere.
        message: The message, without secrets.

    Raises:
        PostFailed: If it was not taken, after three attempts.
    """
    again = Retry(
        _ATTEMPTS_AGAIN,
        backoff_factor=0.5,
        status_forcelist=_TRANSIENT,
        allowed_methods=None,
        respect_retry_after_header=False,
        raise_on_status=False,
    )
    host = urlsplit(url).hostname or "no host"
    with requests.Session() as session:
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=again))
        try:
            answer = session.post(url, json=dict(message), timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise PostFailed(f"{host} took no message of this run ({type(error).__name__})") from None
    if not answer.ok:
        raise PostFailed(f"{host} answered {answer.status_code} to the message of this run")
