"""What a run over all lists takes at least, from the sandbox's log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.scenarios.all_lists import bounds_of

if TYPE_CHECKING:
    from sandbox.admin_client import LoggedRequest


def _request(at: float, path: str, *query: str, status: int = 200) -> LoggedRequest:
    return {
        "method": "GET",
        "path": path,
        "query": [[name, "1"] for name in query],
        "authenticated": True,
        "organization": "1",
        "user_agent": None,
        "feature_flags": None,
        "status": status,
        "content_length": 2,
        "account": "",
        "at": at,
    }


def test_the_bounds_are_those_of_the_limit_and_of_the_longest_list_that_is_walked() -> None:
    log = [_request(100 + n, "/lines", "page[after]") for n in range(4)]
    log += [_request(100.5, "/tasks", "page[after]", "filter[created_at][gt_eq]") for _ in range(9)]
    log += [_request(101, "/tasks", "page[number]"), _request(102, "/lines", "page[after]", status=429)]
    bounds = bounds_of(log, latency=2.0)
    assert bounds.seconds == 5.0
    assert bounds.by_limit == pytest.approx(1.4)
    assert (bounds.pages_walked, bounds.by_walk) == (4, 8.0)
    assert bounds.refused == 1
    assert bounds.percent == pytest.approx(160)
