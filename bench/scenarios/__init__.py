"""The scenarios by their names on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.scenarios.all_lists import all_lists
from bench.scenarios.growth import growth
from bench.scenarios.latency import latency
from bench.scenarios.model import model
from bench.scenarios.no_latency import no_latency
from bench.scenarios.nothing_new import nothing_new
from bench.scenarios.one_page_streams import one_page_streams
from bench.scenarios.postgres import into_postgres
from bench.scenarios.quiet_night import quiet_night
from bench.scenarios.quota import rate_limited
from bench.scenarios.run_cost import run_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.report import Section
    from bench.session import Session

SCENARIOS: Mapping[str, Callable[[Session], Section]] = {
    "0ms": no_latency,
    "100ms": latency,
    "quota": rate_limited,
    "all-lists": all_lists,
    "streams": one_page_streams,
    "postgres": into_postgres,
    "nothing-new": nothing_new,
    "quiet-night": quiet_night,
    "run-cost": run_cost,
    "growth": growth,
    "model": model,
}
