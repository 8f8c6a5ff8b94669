"""`python -m bench.our_tap`: tap-productive, as its program starts it.

`BENCH_NO_RATE_LIMIT=1` removes its rate limits, if a measurement asks for it.
"""

from __future__ import annotations

import os

from singer_rest_core.program import run_tap
from tap_productive.__main__ import TAP

_UNLIMITED = "bench.unlimited_tap:UnlimitedTap"


def main() -> None:
    """Run the tap."""
    run_tap("tap-productive", _UNLIMITED if os.environ.get("BENCH_NO_RATE_LIMIT") == "1" else TAP)


if __name__ == "__main__":
    main()
