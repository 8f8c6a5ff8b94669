"""Every input that fuzzing has collected keeps the promises that fuzzing checks; `make fuzz` looks for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "fuzz" / "corpus"


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_no_collected_input_breaks_a_promise(target: str) -> None:
    inputs = sorted((CORPUS / target).iterdir())
    assert inputs
    broken = {}
    for path in inputs:
        try:
            TARGETS[target](path.read_bytes())
        except Exception as error:  # noqa: BLE001 - whatever it is, the input that causes it is named
            broken[path.name] = repr(error)[:200]
    assert broken == {}


def test_every_folder_of_the_corpus_has_its_target() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)
