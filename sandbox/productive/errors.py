"""The API's error answers.

Live errors have `status` as a string, `code`, `title`, `detail`, `meta` and `source`; those in the guides have a number
and fewer fields (README 1). Codes that no source shows are the title in snake case. The status in the body need not be
that of the answer: with an unsupported sort it is a word (newer evidence, 5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.gateway import ApiError

if TYPE_CHECKING:
    from sandbox.json_types import JsonObject
    from sandbox.limits import Exceeded
    from sandbox.productive.server_time import SpentBudget


def refusal(status: int, error: JsonObject, headers: dict[str, str] | None = None) -> ApiError:
    """Return an answer with one error."""
    return ApiError(status, {"errors": [error]}, headers)


def live_error(  # noqa: PLR0913 - each is a member of the error
    status: int, title: str, detail: str, *, code: str = "", parameter: str = "", word: str = ""
) -> ApiError:
    """Return an error in the format of live answers.

    Args:
        status: The HTTP status.
        title: The kind of error.
        detail: What is wrong.
        code: Its code, if it is not the title in snake case.
        parameter: The invalid query parameter, as in JSON:API.
        word: The status in the body, if it is not that of the answer.
    """
    return refusal(
        status,
        {
            "status": word or str(status),
            "code": code or title.lower().replace(" ", "_"),
            "title": title,
            "detail": detail,
            "meta": {},
            "source": {"parameter": parameter} if parameter else {},
        },
    )


def unsupported_content_type() -> ApiError:
    """Return the error for a missing Content-Type or one other than JSON:API's."""
    detail = "Content-Type must be application/vnd.api+json"
    return live_error(415, "Unsupported Media Type", detail, code="unsupported_content_type")


def unauthenticated() -> ApiError:
    """Return the error for a missing or a wrong token, measured to be the same."""
    return live_error(401, "Unauthenticated", "You are not authenticated", code="invalid_auth_token")


ORGANIZATION_CODES = {
    "no_organization_id": "Organization ID is missing or cannot be reached with this token",
    "no_person": "The token has no person in this organization",
    "subscription_expired": "The subscription of this organization has expired",
}
"""The codes of a 403 that refuses the organization (newer evidence, 5); the details are ours."""


def organization_refused(code: str) -> ApiError:
    """Return the 403 for an organization that the token may not read."""
    return live_error(403, "Access Denied", ORGANIZATION_CODES[code], code=code)


def feature_unavailable(feature: str) -> ApiError:
    """Return the error for a paid feature that is off, as documented for tax rates."""
    code = f"{feature}_unavailable"
    detail = f"Feature {feature} unavailable"
    return refusal(403, {"status": "403", "code": code, "title": "Access Denied", "detail": detail, "source": {}})


def record_not_found() -> ApiError:
    """Return the error for an unknown record, as recorded live."""
    return live_error(404, "Record Not Found", "The requested record was not found")


def route_not_found() -> ApiError:
    """Return the error for an unknown path."""
    return live_error(404, "Route Not Found", "The requested route was not found")


def method_not_allowed() -> ApiError:
    """Return the error for a write, as the sandbox is read-only. It is not the vendor's answer."""
    return live_error(405, "Method Not Allowed", "The sandbox only answers GET")


def too_many_requests(exceeded: Exceeded) -> ApiError:
    """Return the error for an exceeded request window."""
    error: JsonObject = {
        "status": 429,
        "title": "Too many requests",
        "detail": "Rate limit reached. Try again later",
        "limit": exceeded.window.limit,
        "period": exceeded.window.period,
    }
    return refusal(429, error, {"X-RateLimit-Reset": str(exceeded.reset_after)})


def server_time_exceeded(spent: SpentBudget) -> ApiError:
    """Return the error for a spent budget of server time, verbatim."""
    error: JsonObject = {
        "status": 429,
        "title": "Server time limit exceeded",
        "detail": "Server time limit reached. Try again later",
        "limit": spent.budget.limit,
        "period": spent.budget.period,
    }
    return refusal(429, error, {"X-RateLimit-Reset": str(spent.reset_after)})


def unsupported_filter(name: str) -> ApiError:
    """Return the error for a filter that is not documented for the resource."""
    return live_error(400, "Unsupported Filter", f"Filter {name} is not supported", parameter=f"filter[{name}]")


def unsupported_filter_operation(name: str, operation: str) -> ApiError:
    """Return the error for an operation that a filter does not have; its title is not known."""
    detail = f"Operation {operation} is not supported on filter {name}"
    return live_error(400, "Unsupported Filter Operation", detail, parameter=f"filter[{name}]")


def unsupported_filter_value(name: str, detail: str) -> ApiError:
    """Return the error for a filter value that cannot be parsed."""
    return live_error(400, "Unsupported Filter Value", detail, parameter=f"filter[{name}]")


def unsupported_sort(name: str, detail: str = "") -> ApiError:
    """Return the error for a sort that is not documented for the resource, as recorded live but for its detail."""
    return live_error(
        400,
        "Sort param unsupported",
        detail or f"Sort {name} is not supported",
        code="sort_param_unsupported",
        parameter="sort",
        word="unprocessable_content",
    )


def unsupported_group(name: str, detail: str = "") -> ApiError:
    """Return the error for a group that is not documented for the report."""
    return live_error(400, "Unsupported Group", detail or f"Group {name} is not supported", parameter="group")


def unsupported_include(path: str) -> ApiError:
    """Return the error for an include that is not a relationship of the resource, or that the admin refuses."""
    return live_error(400, "Unsupported Include", f"Include {path} is not supported", parameter="include")


def invalid_page(parameter: str, detail: str) -> ApiError:
    """Return the error for an invalid page."""
    return live_error(400, "Invalid Page", detail, parameter=parameter)


def keyset_conflict() -> ApiError:
    """Return the error for a cursor together with a page number."""
    detail = "page[after] cannot be combined with page[number]"
    return live_error(400, "Keyset Conflict", detail, parameter="page[after]")


def keyset_unsupported_sort(sort: str) -> ApiError:
    """Return the error for a list or a sort without cursor paging."""
    detail = f"Cursor paging is not supported with sort {sort or '(default)'}"
    return live_error(400, "Keyset Unsupported Sort", detail, parameter="sort")


def keyset_invalid_cursor() -> ApiError:
    """Return the error for a cursor that this list did not issue."""
    return live_error(400, "Keyset Invalid Cursor", "The cursor is invalid", parameter="page[after]")
