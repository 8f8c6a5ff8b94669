"""The list of mutants is current: what it replaces is there, and so are its tests. `make mutants` tries them."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from scripts.local_world import ROOT
from tests.mutants.__main__ import PACKAGES
from tests.mutants.catalogue import Mutant, NotApplicable, mutants

MUTANTS = mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_can_be_applied_and_its_test_exists(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text(encoding="utf-8")

    assert ast.dump(ast.parse(mutant.applied(source))) != ast.dump(ast.parse(source))
    tests = ast.parse((ROOT / mutant.test_file).read_text(encoding="utf-8"))
    names = {each.name for each in tests.body if isinstance(each, ast.FunctionDef)}
    assert mutant.test_function in names | {""}


def test_every_mutant_is_in_code_that_is_taken_from_the_copy() -> None:
    assert [
        mutant.name for mutant in MUTANTS if not mutant.file.startswith(tuple(f"{each}/" for each in PACKAGES))
    ] == []


def test_a_mutant_that_is_out_of_date_is_an_error() -> None:
    mutant = Mutant("name", "file", "a", "b", "test")

    assert mutant.applied("xay") == "xby"
    for source in ("x", "aa"):
        with pytest.raises(NotApplicable):
            mutant.applied(source)


def test_most_mutants_are_where_lists_are_read() -> None:
    places = Counter(mutant.file.split("/")[2] for mutant in MUTANTS if mutant.file.startswith("core/"))

    assert len(MUTANTS) == len({mutant.name for mutant in MUTANTS})
    assert len(MUTANTS) >= 25
    assert places["paging"] + places["api"] + places["streams"] >= 15
