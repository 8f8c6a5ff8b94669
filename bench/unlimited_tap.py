"""tap-productive without the vendor's documented limits.

At 100 requests per 10 s, 500 pages take 40 s whatever the tap does.
"""

from __future__ import annotations

from types import MappingProxyType

from tap_productive.tap import TapProductive


class UnlimitedTap(TapProductive):
    """tap-productive for an API without rate limits; requests still pass through the rate limiter."""

    rate_limits = MappingProxyType({})
