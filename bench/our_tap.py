"""`python -m bench.our_tap`: tap-productive as it is, but for one thing that a measurement may ask for.

`BENCH_NO_QUOTA=1` takes the vendor's quota out: without, 500 pages at 100 requests per 10 s take 40 s whatever the tap
does.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_rest_core.api import Rule


class WithoutQuota(TapProductive):
    """The same for an API that has no quota; requests still pass the limiter."""

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = MappingProxyType({})


def main() -> None:
    """Run the tap."""
    (WithoutQuota if os.environ.get("BENCH_NO_QUOTA") == "1" else TapProductive).cli()


if __name__ == "__main__":
    main()
