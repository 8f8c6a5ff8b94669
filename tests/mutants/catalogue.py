"""The list of mutants: what is replaced in which file, and which test finds it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

_LIST = Path(__file__).with_name("mutants.toml")


class NotApplicable(Exception):
    """The code that a mutant replaces does not occur in its file exactly once: the list is out of date."""


@dataclass(frozen=True)
class Mutant:
    """A fault.

    Args:
        name: What goes wrong.
        file: The file that is changed, from the root of the repository.
        old: The code that is replaced.
        new: What takes its place.
        test: The test that must fail: a file, or one of its functions.
    """

    name: str
    file: str
    old: str
    new: str
    test: str

    @property
    def test_file(self) -> str:
        """The file of the test."""
        return self.test.partition("::")[0]

    @property
    def test_function(self) -> str:
        """The name of the test's function; empty if all tests of the file are run."""
        return self.test.partition("::")[2]

    def applied(self, source: str) -> str:
        """Return a source with the fault.

        Args:
            source: The content of `file`.

        Raises:
            NotApplicable: If the code is not there exactly once.
        """
        found = source.count(self.old)
        if found != 1:
            raise NotApplicable(f"{self.name}: what it replaces occurs {found} times in {self.file}")
        return source.replace(self.old, self.new)


def mutants() -> list[Mutant]:
    """Return the mutants, in the order of the list."""
    return [Mutant(**entry) for entry in tomllib.loads(_LIST.read_text(encoding="utf-8"))["mutant"]]
