"""Fixtures of the proof suite."""

from __future__ import annotations

import pytest

from tests.proof.case_record import CaseRecord


@pytest.fixture(scope="session")
def case_record() -> CaseRecord:
    """Where the cases that were tried are recorded."""
    return CaseRecord()
