"""The environments of Invoicetronic: the API key selects one, on the same host."""

from __future__ import annotations

from typing import Literal

Environment = Literal["live", "test", "unknown"]

_PREFIXES: dict[str, Environment] = {"ik_live_": "live", "ik_test_": "test"}


def environment_of(api_key: str) -> Environment:
    """Return the environment that an API key selects.

    Args:
        api_key: The setting `api_key`.

    Returns:
        The environment; `unknown` if the key has neither documented prefix.
    """
    return next((name for prefix, name in _PREFIXES.items() if api_key.startswith(prefix)), "unknown")
