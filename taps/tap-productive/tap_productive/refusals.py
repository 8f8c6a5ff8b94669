"""What the API says when it refuses a part of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def refused_names(names: Sequence[str], accepted: Callable[[Sequence[str]], bool]) -> set[str]:
    """Find which of several names an API refuses, by halves.

    Args:
        names: Names that are refused together.
        accepted: Tries some of them.

    Returns:
        Those that are refused by themselves.
    """
    if len(names) == 1:
        return set(names)
    middle = len(names) // 2
    return {
        name
        for half in (names[:middle], names[middle:])
        if not accepted(half)
        for name in refused_names(half, accepted)
    }


def refusal_words(body: object, *members: str) -> str:
    """Give what the errors of an answer say.

    Args:
        body: The decoded body.
        members: Which members of an error; its code and title if none.

    Returns:
        Their words in lower case.
    """
    errors: Iterable[Any] = body.get("errors", []) if isinstance(body, dict) else []
    return " ".join(str(error.get(name, "")).lower() for error in errors for name in members or ("code", "title"))
