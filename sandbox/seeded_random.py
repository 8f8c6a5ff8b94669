"""Chance that is the same for the same seed."""

from __future__ import annotations

import random


def seeded_random(seed: int, subject: str) -> random.Random:
    """The chance of one subject, e.g. of one row: what happens to others does not change it."""
    return random.Random(f"{seed}:{subject}")  # noqa: S311 - made-up data, no cryptography
