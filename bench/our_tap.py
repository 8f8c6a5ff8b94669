"""`python -m bench.our_tap`: tap-productive, with its rate limits removed if a measurement asks for it.

`BENCH_NO_RATE_LIMIT=1` removes the vendor's documented limits: at 100 requests per 10 s, 500 pages take 40 s whatever
the tap does.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from tap_productive.tap import TapProductive


class UnlimitedTap(TapProductive):
    """tap-productive for an API without rate limits; requests still pass through the rate limiter."""

    rate_limits = MappingProxyType({})


def main() -> None:
    """Run the tap."""
    (UnlimitedTap if os.environ.get("BENCH_NO_RATE_LIMIT") == "1" else TapProductive).cli()


if __name__ == "__main__":
    main()
