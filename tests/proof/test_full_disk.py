"""The disk of documents is full: what is stored is whole, all else is loaded, and the rest comes once there is room."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from tests.proof.case_record import FULL_DISK
from tests.proof.processes import Pipe, PostgresLoader
from tests.proof.small_disk import small_disk
from tests.proof.world import FACTS, Source, World, small_sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.conftest import Pipeline
    from tests.proof.case_record import CaseRecord
    from tests.proof.small_disk import SmallDisk

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

FEW, ENOUGH = 24, 4096
"""Kilobytes: of a disk for some documents, and of one for all."""

SENT, RECEIVED = 4, 9
"""So many invoices of the live account keep the run short; each received one costs."""


@dataclass(kw_only=True)
class PipeWithDisk(Pipe):
    """A pipe whose tap has a disk of its own.

    Args:
        disk: The disk.
    """

    disk: SmallDisk

    @property
    def tap_command(self) -> list[str]:
        return self.disk.inside(super().tap_command)

    def stored(self, stream: str) -> dict[str, str]:
        """Return the digests of the files that the rows of a stream name, after checking that they are whole."""
        assert isinstance(self.loader, PostgresLoader)
        files: dict[str, str] = {}
        for row in self.loader.live(stream):
            content = (self.disk.seen_from_outside / row["name"]).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (row["size"], row["sha256"]), row["name"]
            files[row["name"]] = row["sha256"]
        return files

    @property
    def files(self) -> set[str]:
        """The paths of all files on the disk."""
        place = self.disk.seen_from_outside
        return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("meltano_world")
@pytest.mark.parametrize("tap", ["tap-invobi", "tap-covage"])
def test_documents_that_find_no_room_come_with_a_later_run(
    pipeline: Pipeline, tmp_path: Path, case_record: CaseRecord, tap: str
) -> None:
    lists: Sequence[str] = ("invoices", "quotes", "prompts")
    sources = {name: source for name, source in FACTS[tap].sources.items() if name in lists}
    sources["invoice_documents"] = Source(resource="invoices", actions=(), key=sources["invoices"].key)
    facts = replace(FACTS[tap], sources=sources)
    with small_sandbox() as sandbox, small_disk(tmp_path / "documents", FEW) as disk:
        loader = PostgresLoader(pipeline.database_url, tmp_path)
        pipe = PipeWithDisk(World(sandbox, facts), loader, tmp_path, {"documents_url": str(disk.folder)}, disk=disk)
        with case_record.case(tap, FULL_DISK, seed=f"{FEW} KB"):
            ended = pipe.run()

            assert ended.codes == (1, 0), f"{ended.log}{ended.loader_log}"
            assert "cannot be written: No space left on device" in ended.log
            assert "Traceback" not in ended.log
            for name in sources.keys() - {"invoice_documents"}:
                keys = {str(row[sources[name].key]) for row in loader.live(name)}
                assert keys == pipe.world.rows(name).keys(), name
            some = pipe.stored("invoice_documents")
            assert 0 < len(some) < len(pipe.world.rows("invoices"))
            assert pipe.files == some.keys(), "half a file, or one without a row"

            disk.resize(ENOUGH)
            ended = pipe.run()

            assert ended.codes == (0, 0), f"{ended.log}{ended.loader_log}"
            every = pipe.stored("invoice_documents")
            assert {str(row[sources["invoices"].key]) for row in loader.live("invoice_documents")} == (
                pipe.world.rows("invoices").keys()
            )
            assert every.items() >= some.items()
            assert pipe.files == every.keys()


@pytest.mark.usefixtures("meltano_world")
def test_a_document_that_was_paid_for_and_found_no_room_is_the_only_one_that_is_paid_for_again(
    pipeline: Pipeline, tmp_path: Path, case_record: CaseRecord
) -> None:
    tap = "tap-invoicetronic"
    facts = replace(FACTS[tap], sources={"document": Source(), "fattura": Source()})
    facts = replace(facts, sources={name: replace(each, resource="receive") for name, each in facts.sources.items()})
    with small_sandbox() as sandbox, small_disk(tmp_path / "documents", FEW) as disk:
        world = World(sandbox, facts)
        live = sandbox.admin.system("invoicetronic/live")
        for direction, count in (("send", SENT), ("receive", RECEIVED)):
            for row in sorted(live.records(direction), key=lambda row: str(row["created"]))[count:]:
                live.delete(direction, row["id"])
        settings = {"documents_url": str(disk.folder), "payloads": "both", "api_key": "ik_live_sandbox"}
        pipe = PipeWithDisk(world, PostgresLoader(pipeline.database_url, tmp_path), tmp_path, settings, disk=disk)

        def paid() -> int:
            return sum(live.get("reads")["payloads"]["receive"].values())

        with case_record.case(tap, FULL_DISK, seed=f"{FEW} KB"):
            ended = pipe.run()

            assert ended.codes == (1, 0), f"{ended.log}{ended.loader_log}"
            assert "cannot be written: No space left on device" in ended.log
            some = pipe.stored("document")
            assert pipe.files == some.keys()
            assert paid() <= len(some) + 1

            disk.resize(ENOUGH)
            ended = pipe.run()

            assert ended.codes == (0, 0), f"{ended.log}{ended.loader_log}"
            assert len(pipe.stored("document")) == SENT + RECEIVED
            assert paid() <= RECEIVED + 1
