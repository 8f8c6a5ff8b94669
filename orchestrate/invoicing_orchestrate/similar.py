"""What a name that is not known may be meant for."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def similar(name: str, known: Iterable[str]) -> str:
    """Return a question after the known name that is most like another one; empty if none is.

    Args:
        name: A name that is not known.
        known: Those that are.
    """
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f" (did you mean {found[0]}?)" if found else ""
