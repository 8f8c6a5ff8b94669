"""Which tests run in one process: those of a file, and all that need this folder for themselves."""

from __future__ import annotations

import pytest

from conftest import process_of, pytest_itemcollected


class _Item:
    """A test, as pytest collects it."""

    nodeid = "tests/test_pipeline.py::test_it"
    fixturenames = ("meltano_world",)

    def __init__(self, mark: str | None) -> None:
        self._mark = mark

    def get_closest_marker(self, name: str) -> object | None:
        return name if name == self._mark else None


def test_all_that_need_this_folder_run_in_one_process() -> None:
    assert process_of("tests/test_demo.py::test_a") == process_of("tests/test_pipeline.py::test_b")


def test_other_files_run_apart() -> None:
    files = ["tests/test_docs.py", "core/tests/cli/test_command.py", "tests/test_demo.py"]
    assert len({process_of(f"{file}::test_it") for file in files}) == len(files)
    assert process_of(f"{files[0]}::test_a") == process_of(f"{files[0]}::test_b[1]")


def test_a_test_that_uses_meltano_here_has_to_say_so() -> None:
    with pytest.raises(pytest.UsageError, match="mark it one_at_a_time"):
        pytest_itemcollected(_Item(None))  # type: ignore[arg-type] # as much of an item as is asked for
    pytest_itemcollected(_Item("one_at_a_time"))  # type: ignore[arg-type]
