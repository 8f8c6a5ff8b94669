"""What a run with nothing new costs: `meltano run` of each tap, with this repository's own meltano.yml.

Each is measured as it was before kept catalogs, `skip_unchanged` and compiled environments, and with them, in turn.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measurement import measurement, medians
from bench.memory import MemoryWatch
from bench.processes import run
from bench.report import Section, below, number, ratio
from bench.session import LONGEST_RUN
from sandbox.admin_client import AdminClient
from scripts.all_taps import tap_names
from scripts.local_world import local_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measurement import Measurement
    from bench.session import Session
    from scripts.local_world import LocalWorld

_MELTANO = Path(sys.executable).with_name("meltano")
_PREFIXES = ("MELTANO_", "SANDBOX_")
_SCALE = 0.05
_CPU_SECONDS = 4.0
_BEFORE, _NOT_COMPILED, _NOW = "before", "not compiled", "now"


def run_cost(session: Session) -> Section:
    """Measure each tap.

    Args:
        session: The session.

    Raises:
        RuntimeError: If the plugins cannot be installed.
    """
    section = Section(
        "A run with nothing new: meltano run of each tap, 0 ms, no rate limit",
        ("tap", "run", "CPU s", "wall s", "peak MB, all processes", "CPU, before / this"),
    )
    with local_world(scale=_SCALE) as world, AdminClient(world.sandbox_url) as admin:
        if world.run("meltano", "install", "--clean", quiet=True):
            raise RuntimeError("meltano install failed")
        admin.set_limits([])
        runs = [_QuietRun(session, world, tap, how) for tap in tap_names() for how in (_BEFORE, _NOT_COMPILED, _NOW)]
        for each in runs:
            # A list by number tells what it has lost in the second run, and a third one is quiet.
            for _ in range({_BEFORE: 1, _NOT_COMPILED: 0, _NOW: 3}[each.how]):
                each.once()
        found = session.in_turn([(each.label, each.once) for each in runs], notes=section.notes)
    peaks = {each.label: each.peak_mb for each in runs}
    medians_by = {label: medians(each) for label, each in found.items()}
    for each in runs:
        if (this := medians_by.get(each.label)) is None:
            continue
        before = medians_by.get(f"{each.tap}, {_BEFORE}")
        gain = ratio(before.cpu, this.cpu) if before else None
        cells = (each.tap, each.how, number(this.cpu, 2), number(this.wall, 1), number(peaks[each.label]))
        section.rows.append((*cells, number(gain, 1)))
        if each.how == _NOW:
            name = f"a run of {each.tap} with nothing new: CPU of all its processes"
            section.targets.append(below(name, this.cpu, _CPU_SECONDS, unit=" s", digits=2))
    section.notes += [
        f"{_BEFORE}: streams discovered in each run, every row written again, nothing compiled ahead",
        f"{_NOT_COMPILED}: kept catalogs and skip_unchanged, but nothing compiled, as where nothing may be written",
        f"{_NOW}: what `make install` installs; tap-2invoice is discovered in each run",
        "CPU is that of Meltano, tap and loader, without PostgreSQL; memory is the most that they held at one time",
    ]
    return section


@dataclass
class _QuietRun:
    """A way to run a tap. With `skip_unchanged` and without it has a state and tables of its own.

    Args:
        session: The session.
        world: Sandbox and PostgreSQL.
        tap: The tap.
        how: The way.
    """

    session: Session
    world: LocalWorld
    tap: str
    how: str
    peak_mb: float = 0.0

    @property
    def label(self) -> str:
        """Its name."""
        return f"{self.tap}, {self.how}"

    def once(self) -> Measurement:
        """Run it.

        Raises:
            ReaderFailed: If it fails.
        """
        schema = f"{self.tap.replace('-', '_')}_{'before' if self.how == _BEFORE else 'now'}"
        command: list[str | Path] = [_MELTANO, "run", f"--state-id-suffix={schema}", self.tap, "target-postgres"]
        variables = {
            **{name: text for name, text in self.world.environment.items() if name.startswith(_PREFIXES)},
            "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": schema,
            **self._variables(),
        }
        folder = self.session.readers.folder
        with MemoryWatch() as memory:
            cost, _ = run(command, folder=folder, variables=variables, seconds=LONGEST_RUN)
        self.peak_mb = max(self.peak_mb, memory.peak_mb)
        return measurement(self.label, 0, cost)

    def _variables(self) -> Mapping[str, str]:
        # Python looks for compiled files in this folder alone, and finds none.
        nowhere = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(self.session.readers.folder / "nothing")}
        setting = f"{self.tap.replace('-', '_').upper()}_SKIP_UNCHANGED"
        ways: Mapping[str, Mapping[str, str]] = {
            _BEFORE: {**nowhere, "MELTANO_RUN_REFRESH_CATALOG": "true", setting: "false"},
            _NOT_COMPILED: nowhere,
            _NOW: {"PYTHONDONTWRITEBYTECODE": "1"},
        }
        return ways[self.how]
