"""Random generators that repeat for the same seed."""

from __future__ import annotations

import random


def seeded_random(seed: int, subject: str) -> random.Random:
    """Return a generator for one subject, e.g. one row, so that other subjects do not affect it."""
    return random.Random(f"{seed}:{subject}")  # noqa: S311 - generated data, not cryptography
