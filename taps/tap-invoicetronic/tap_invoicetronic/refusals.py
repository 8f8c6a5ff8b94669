"""What a 403 of Invoicetronic means: a missing permission, or an empty balance."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from singer_rest_core import RequestFailed, StreamUnavailable

USAGE_LIMIT = "usage_limit_exceeded"
"""The code of a 403 that is not about permissions: the account has no operations left."""

NOT_PERMITTED = "subkey_not_allowed"
"""The code of a 403 for a restricted key."""


class BalanceExhausted(RequestFailed):
    """The API refuses a request because the account has no operations left."""


class Refusals:
    """What the API refused with 403 in this run, so that no other stream requests it again."""

    def __init__(self) -> None:
        """Start with nothing refused."""
        self._errors: dict[str, StreamUnavailable | RequestFailed] = {}
        self.balance: BalanceExhausted | None = None
        """The first refusal because the account has no operations left."""

    def check(self, path: str) -> None:
        """Check that the API has not refused a path in this run.

        Args:
            path: The path below `api_url`, with a leading slash.

        Raises:
            StreamUnavailable: If the key has no permission for it.
            BalanceExhausted: If it was refused because the account has no operations left.
        """
        error = self._errors.get(_route(path))
        if error is not None:
            raise error

    def note(self, path: str, refusal: StreamUnavailable) -> StreamUnavailable | RequestFailed:
        """Remember that the API refused a path.

        Args:
            path: The path below `api_url`, with a leading slash.
            refusal: The error that the client raised for the response.

        Returns:
            The error to raise, see `explain_forbidden`.
        """
        error = self._errors[_route(path)] = explain_forbidden(refusal)
        if isinstance(error, BalanceExhausted):
            self.balance = self.balance or error
        return error


def _route(path: str) -> str:
    """Return what is refused as one: a list, or all its single rows."""
    resource, separator, _ = path.strip("/").partition("/")
    return resource + separator


def explain_forbidden(refusal: StreamUnavailable) -> StreamUnavailable | RequestFailed:
    """Return the error that a 403 stands for, by its `code`: the API words its messages for people, in their language.

    Args:
        refusal: The error that the client raised for the response.

    Returns:
        The error to raise: a missing permission skips a stream; an empty balance fails it, because its rows are wanted
        and only the user can act.
    """
    code = problem_code(refusal.body)
    if code == USAGE_LIMIT:
        return BalanceExhausted(
            f"{refusal}: the account has no operations left ({code}). Buy operations, then run again",
            status=HTTPStatus.FORBIDDEN,
            body=refusal.body,
        )
    named = f" ({code})" if code else ""
    meaning = ": the API key has no permission for it" if code in {NOT_PERMITTED, None} else ""
    return StreamUnavailable(f"{refusal}{named}{meaning}", body=refusal.body)


def problem_code(body: object) -> str | None:
    """Return the `code` of problem details (RFC 7807).

    Args:
        body: The decoded body of an error: the problem itself, or the wrapper of API 1.5 and earlier, which has the
            problem under `problem_details`.

    Returns:
        The code, or None.
    """
    if not isinstance(body, Mapping):
        return None
    members: Mapping[str, Any] = body
    inner = members.get("problem_details")
    code = members.get("code") or (inner.get("code") if isinstance(inner, Mapping) else None)
    return code if isinstance(code, str) else None
