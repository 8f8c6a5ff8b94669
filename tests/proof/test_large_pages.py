"""Pages of many megabytes: what is read needs bounded memory in tap and loader, and what is not fails alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.middleman import middleman
from tests.proof.case_record import LARGE_PAGES
from tests.proof.processes import Pipe, PostgresLoader
from tests.proof.world import FACTS, World, settings_of, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import Pipeline
    from tests.hostile.middleman import Answer
    from tests.proof.case_record import CaseRecord

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

MIB = 1 << 20
ROW = 20_000
"""Bytes of a text that each row gets."""
MOST_OF_A_TAP, MOST_OF_A_LOADER = 500 * MIB, 250 * MIB
"""Bytes of memory; 340 and 160 MiB were measured for a page of 100 MiB."""


class MeasuredPipe(Pipe):
    """A pipe whose processes write how much memory they had."""

    @property
    def tap_command(self) -> list[str]:
        return measured(self.folder, "tap", super().tap_command)

    def peak(self, name: str) -> int:
        """Return how many bytes a process had at most."""
        return int((self.folder / f"{name}.peak").read_text(encoding="utf-8"))


def measured(folder: Path, name: str, command: Sequence[str]) -> list[str]:
    """Return a command that writes how much memory another one had."""
    return [sys.executable, "-m", "tests.proof.peak_memory", str(folder / f"{name}.peak"), *command]


def large_page(content: bytes, size: int) -> bytes:
    """Return a page with so many rows that it has a size in bytes: copies of its first one, with keys of their own."""
    page: dict[str, Any] = json.loads(content)
    (name,) = (name for name, value in page.items() if isinstance(value, list))
    row, count = page[name][0], size // ROW
    page[name] = [
        {**row, "id": f"large-{number}", "prompt_text": f"{number} " + "ü" * (ROW // 2)} for number in range(count)
    ]
    return json.dumps(page, ensure_ascii=False).encode()


@pytest.mark.usefixtures("meltano_world")
@pytest.mark.parametrize("size", [100, 200])
def test_a_page_of_many_megabytes_is_loaded_or_refused_in_bounded_memory(
    pipeline: Pipeline, tmp_path: Path, case_record: CaseRecord, size: int
) -> None:
    tap, is_read = "tap-invobi", size <= 128
    sources = {name: FACTS[tap].sources[name] for name in ("invoices", "prompts")}

    def change(answer: Answer) -> None:
        if answer.path.partition("?")[0].endswith("/prompts"):
            answer.content = large_page(answer.content, size * MIB)

    with small_sandbox() as sandbox, middleman(sandbox.url) as between:
        between.change = change
        loader = PostgresLoader(pipeline.database_url, tmp_path)
        loader.command = measured(tmp_path, "loader", loader.command)
        world = World(sandbox, replace(FACTS[tap], sources=sources))
        pipe = MeasuredPipe(world, loader, tmp_path, settings_of(tap, between.url))
        with case_record.case(tap, LARGE_PAGES, seed=f"{size} MiB"):
            ended = pipe.run()

            said = f"{ended.log[-3000:]}{ended.loader_log[-3000:]}"
            assert ended.codes == (0 if is_read else 1, 0), said
            assert {str(row["id"]) for row in loader.live("invoices")} == world.rows("invoices").keys(), said
            assert len(loader.live("prompts")) == (size * MIB // ROW if is_read else 0)
            assert is_read or "more than 128 MiB, which is not read" in ended.log
            assert pipe.peak("tap") < MOST_OF_A_TAP
            assert pipe.peak("loader") < MOST_OF_A_LOADER
