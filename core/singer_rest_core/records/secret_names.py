"""Names of fields that hold secrets: they are recognised by a pattern and removed from nested values."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

_CONTAINERS = frozenset({dict, list})
_MAX_CACHED_NAMES = 10_000
"""How many names known not to match are cached: most repeat from row to row, but some objects are keyed by ids."""


class SecretNames:
    """Recognises fields that must not be written, and removes them from objects and lists.

    Args:
        pattern: A field is secret if this is found in its name; None if no field is.
    """

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        """Start with an empty cache."""
        self._pattern = pattern
        self._not_secret: set[str] = set()

    def __bool__(self) -> bool:
        """Return whether any field can be secret."""
        return self._pattern is not None

    def match(self, name: str) -> bool:
        """Return whether a field is secret.

        Args:
            name: The field.
        """
        return self._pattern is not None and self._pattern.search(name) is not None

    def are_absent_from(self, values: Sequence[Any]) -> bool:
        """Check all values of a column at once.

        Args:
            values: Values of any JSON type.

        Returns:
            True if none of them can contain a secret field; False if each has to be checked with `without_secrets`.
        """
        objects = [value for value in values if type(value) is dict]
        lists = [value for value in values if type(value) is list]
        nested = chain.from_iterable([*lists, *map(dict.values, objects)])
        return self._not_secret.issuperset(set().union(*objects)) and _CONTAINERS.isdisjoint(map(type, nested))

    def without_secrets(self, value: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
        """Return a value without the secret fields inside it; the same object if it has none.

        Args:
            value: A value of any JSON type.
        """
        if type(value) is list:
            return value if _CONTAINERS.isdisjoint(map(type, value)) else [self.without_secrets(each) for each in value]
        if type(value) is not dict:
            return value
        if not value.keys() <= self._not_secret:
            value = {name: inner for name, inner in value.items() if not self.match(name)}
            if len(self._not_secret) < _MAX_CACHED_NAMES:
                self._not_secret |= value.keys()
        if _CONTAINERS.isdisjoint(map(type, value.values())):
            return value
        return {name: self.without_secrets(inner) for name, inner in value.items()}
