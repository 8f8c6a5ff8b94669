"""The sandbox's Productive, called in this process, and how its rows are written as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox.clock import Clock
from sandbox.gateway import ApiRequest
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD, ProductiveApi

if TYPE_CHECKING:
    from collections.abc import Sequence

Query: TypeAlias = "Sequence[tuple[str, str]]"

_HEADERS = {"x-auth-token": TOKEN, "x-organization-id": WORLD, "content-type": CONTENT_TYPE}
_SEED = 1


def unlimited_api(scale: float) -> ProductiveApi:
    """Return the sandbox's Productive without rate limits: the server counts requests by its own.

    Args:
        scale: How many rows it has, as a multiple of its usual number.
    """
    api = ProductiveApi(Clock(), _SEED, scale)
    api.windows.replace(())
    return api


def fetch(api: ProductiveApi, route: str, query: Query) -> dict[str, Any]:
    """Return the body of the response to a GET request.

    Args:
        api: The sandbox's Productive.
        route: The path, with a leading slash.
        query: The decoded query.

    Raises:
        TypeError: If the body is no JSON object.
        sandbox.gateway.ApiError: If the response is not a 200.
    """
    body = api.answer(ApiRequest("GET", route, f"http://127.0.0.1{route}", query, _HEADERS)).body
    if not isinstance(body, dict):
        raise TypeError(f"the response to {route} is no JSON object")
    return body


def to_json(value: object) -> bytes:
    """Return compact JSON.

    Args:
        value: Anything that JSON can hold.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
