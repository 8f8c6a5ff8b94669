"""Reading ahead only changes the speed: every tap writes the same bytes with one request at a time and with many."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from conftest import read
from scripts.all_taps import tap_classes

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import SandboxSettings

SMALL_PAGES = 10

_DIFFERS = re.compile(
    rb'(?P<name>"(?:version|time_extracted|full_refreshed_at|full_read_cut_short|began)":)(?:"[^"]*"|[0-9]+)'
    rb'|(?P<since>"remembered_since":\[)[0-9]+'
    rb'|(?P<digest>"[\w-]{16})[0-9a-f]{8}"'
)
"""Times of reading, and what depends on them: versions, and the digests that Invobi's details are remembered by."""


@pytest.mark.parametrize("name", tap_classes())
def test_one_request_at_a_time_and_sixteen_give_the_same_bytes(
    name: str, tmp_path: Path, sandbox_settings: SandboxSettings
) -> None:
    tap = tap_classes()[name]
    documents = tmp_path / "documents"
    optional = {"page_size": SMALL_PAGES, "documents_url": str(documents)}
    known = tap.config_jsonschema["properties"]
    settings = sandbox_settings(name) | {key: value for key, value in optional.items() if key in known}

    def written(concurrency: int) -> list[bytes]:
        # Invoicetronic's log lists our own requests.
        streams = {name for name in tap(config=settings).streams if name != "log"}
        reading = read(tap, settings | {"concurrency": concurrency}, select=" ".join(streams))
        shutil.rmtree(documents, ignore_errors=True)
        assert reading.error is None
        return [_DIFFERS.sub(rb"\g<name>\g<since>\g<digest>", line) for line in reading.lines]

    one, many = written(1), written(16)

    assert many == one
    assert sum(b'"RECORD"' in line for line in one) > 150
