"""Without rate limits our tap is the same tap."""

from __future__ import annotations

from bench.unlimited_tap import UnlimitedTap
from sandbox.productive.api import TOKEN, WORLD
from tap_productive.tap import TapProductive

CONFIG = {"auth_token": TOKEN, "organization_id": WORLD, "api_url": "https://localhost"}


def test_only_the_rate_limits_are_removed() -> None:
    assert TapProductive.rate_limits
    assert not UnlimitedTap.rate_limits
    assert UnlimitedTap(config=CONFIG).catalog_dict == TapProductive(config=CONFIG).catalog_dict
