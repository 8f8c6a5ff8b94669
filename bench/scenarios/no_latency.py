"""0 ms and no rate limit: what a record costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.comparison import differing_columns
from bench.measurement import measurement, medians
from bench.outputs import records_by_id
from bench.processes import ReaderFailed, run
from bench.readers import AIRBYTE, BOUND, DLT, DLT_TUNED, FASTEST, PLAIN, our_label
from bench.report import Section, at_least, number, ratio
from bench.scenarios.reader_table import HEADER, NOTE_ON_START, cells
from bench.server.invoice_rows import FIRST_ID, LARGEST_PAGE
from bench.session import LONGEST_RUN

if TYPE_CHECKING:
    from bench.measurement import Measurement
    from bench.readers import Reader
    from bench.report import Target
    from bench.session import Session

_CONCURRENCIES = (1, 8)
_ROUNDS_OF_BARE_CLIENT = 3
_TIMES_LESS_CPU = {PLAIN: 5, FASTEST: 2.5, DLT: 5, AIRBYTE: 5, DLT_TUNED: 3}
_SHARE_OF_BOUND = 0.6
_LEAD_OF_SERVER = 3.0


def no_latency(session: Session) -> Section:
    """Measure our tap, its peers and the bound on the same list.

    Args:
        session: The session.
    """
    size = session.options.size(100_000, 10_000)
    section = Section(f"0 ms, no rate limit: {size:,} invoices", [*HEADER, "CPU, plain / this", "rate / bound"])
    readers = [session.readers.our_tap(concurrency) for concurrency in _CONCURRENCIES]
    readers += [*session.readers.peers(), session.readers.bound()]
    comparison = _ColumnComparison(session, size)
    found = session.compare([(reader, size) for reader in readers], latency_ms=0, notes=section.notes, check=comparison)
    server = medians([_run_bare_client(session, size) for _ in range(_ROUNDS_OF_BARE_CLIENT)])
    plain, bound = found.get(PLAIN), found.get(BOUND)
    for each in found.values():
        cpu_ratio = ratio(plain.cpu_per_record_without_start, each.cpu_per_record_without_start) if plain else None
        rate_ratio = ratio(each.rate_without_start, bound.rate_without_start) if bound else None
        section.rows.append([*cells(each), number(cpu_ratio, 2), number(rate_ratio, 2)])
    rate_ratio = ratio(server.rate, bound.rate_without_start) if bound else None
    section.rows.append([*cells(server), "-", number(rate_ratio, 2)])
    section.notes += [NOTE_ON_START, comparison.note, "the bound writes rows nested; all others make them flat"]
    for concurrency in _CONCURRENCIES:
        section.targets += _targets_of_our_tap(our_label(concurrency), found)
    fastest = max((each.rate_without_start for each in found.values()), default=0.0)
    lead = ratio(server.rate, fastest)
    section.targets.append(at_least("rate of the server compared with the fastest reader", lead, _LEAD_OF_SERVER))
    return section


def _targets_of_our_tap(label: str, found: dict[str, Measurement]) -> list[Target]:
    ours, bound = found.get(label), found.get(BOUND)
    targets = []
    for peer, minimum in _TIMES_LESS_CPU.items():
        other = found.get(peer)
        value = ratio(other.cpu_per_record_without_start, ours.cpu_per_record_without_start) if ours and other else None
        targets.append(at_least(f"0 ms: CPU per record without start, {peer} / {label}", value, minimum))
    value = ratio(ours.rate_without_start, bound.rate_without_start) if ours and bound else None
    targets.append(at_least(f"0 ms: rate without start, {label} / bound", value, _SHARE_OF_BOUND, digits=2))
    return targets


class _ColumnComparison:
    """Compares the columns that our tap and every peer write, on the first, a middle and the last page."""

    def __init__(self, session: Session, size: int) -> None:
        self._folder = session.readers.folder
        pages = size // LARGEST_PAGE
        starts = {FIRST_ID + page * LARGEST_PAGE for page in (0, pages // 2, pages - 1)}
        self._ids = {str(start + row) for start in starts for row in range(LARGEST_PAGE)}
        self._ours: dict[str, dict[str, object]] = {}
        self._same: list[str] = []

    def __call__(self, reader: Reader) -> None:
        """Compare what a reader has just written with what our tap, the first of them, wrote."""
        if reader.output_format == "rows" or reader.label in self._same:
            return
        records = records_by_id(reader.output_format, self._folder, self._ids)
        self._ours = self._ours or records
        differing = differing_columns(self._ours, records)
        if differing:
            raise ReaderFailed(f"{reader.label} and our tap differ in {', '.join(sorted(differing))}")
        self._same.append(reader.label)

    @property
    def note(self) -> str:
        """Return what was compared."""
        if not self._same:
            return "NOT compared: the columns of our tap and of its peers"
        columns = len({name for record in self._ours.values() for name in record})
        return f"the same values in all {columns} columns of {len(self._ids)} records: {', '.join(self._same)}"


def _run_bare_client(session: Session, invoices: int) -> Measurement:
    """Measure the server by a client that parses nothing."""
    session.server.reset(invoices=invoices)
    command = session.readers.bare_client_command()
    cost, _ = run(command, folder=session.readers.folder, variables={}, seconds=LONGEST_RUN)
    return measurement("(the server, with a bare client)", invoices, cost, session.server.log())
