"""Draws cases from a seed and tries them: the same seed draws the same cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis import strategies as st

CaseT = TypeVar("CaseT")


def try_drawn(
    cases: st.SearchStrategy[CaseT],
    try_case: Callable[[CaseT], None],
    *,
    number: int,
    count: int,
    shrink: bool = False,
) -> None:
    """Draw cases and try each.

    Args:
        cases: Draws a case.
        try_case: Tries one; its AssertionError goes to the caller, with the case as a note.
        number: The seed.
        count: How many to draw.
        shrink: Whether to look for the smallest case that fails, which takes minutes.
    """

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(cases)
    def drawn(case: CaseT) -> None:
        try_case(case)

    drawn()
