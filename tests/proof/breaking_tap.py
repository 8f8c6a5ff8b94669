"""A tap with a defect: it raises in the middle of a page. `python -m tests.proof.breaking_tap TAP PAGE [OPTION …]`."""

from __future__ import annotations

import sys
from unittest.mock import patch

from scripts.all_taps import tap_classes
from singer_rest_core.singer.writer import ExactWriter

_write_records = ExactWriter.write_records


class Defect(Exception):
    """What no code of ours expects."""


def break_at(page: int) -> None:
    """Let the n-th piece of records (from 1) be written to its middle, and then fail.

    Args:
        page: The number of the piece; a page is at least one.
    """
    left = page

    def write_records(writer: ExactWriter, lines: bytes, count: int) -> None:
        nonlocal left
        left -= 1
        if left:
            _write_records(writer, lines, count)
            return
        half = lines.splitlines(keepends=True)[: count // 2]
        _write_records(writer, b"".join(half), len(half))
        raise Defect("in the middle of a page")

    patch.object(ExactWriter, "write_records", write_records).start()


if __name__ == "__main__":
    name, number, *arguments = sys.argv[1:]
    break_at(int(number))
    tap_classes()[name].cli(arguments)
