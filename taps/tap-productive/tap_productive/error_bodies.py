"""The errors in a body that Productive answers with (guide "Errors")."""

from __future__ import annotations

from typing import Any


def errors_in(body: object) -> list[dict[str, Any]]:
    """Return the errors in a body.

    Args:
        body: The decoded body.

    Returns:
        The error objects; none if the body has another form.
    """
    errors = body.get("errors") if isinstance(body, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []


def error_codes(body: object) -> set[str]:
    """Return the codes of the errors in a body.

    Args:
        body: The decoded body.

    Returns:
        Their `code`s in lower case. Their `status` is of no use: it may be a word, or another than the answer's.
    """
    return {str(error["code"]).lower() for error in errors_in(body) if error.get("code")}


def error_text(body: object, *members: str) -> str:
    """Return the text of the errors in a body.

    Args:
        body: The decoded body.
        members: Which members of an error; its code and title by default.

    Returns:
        Their values in lower case, joined by spaces.
    """
    return " ".join(
        str(error.get(name, "")).lower() for error in errors_in(body) for name in members or ("code", "title")
    )
