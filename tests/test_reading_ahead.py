"""Reading ahead is for speed alone: every tap writes the same bytes with one request at a time and with many."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from conftest import read
from tap_2invoice.tap import Tap2Invoice
from tap_covage.tap import TapCovage
from tap_invobi.tap import TapInvobi
from tap_invoicetronic.tap import TapInvoicetronic
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from pathlib import Path

    from singer_rest_core import RestTap

_TAPS: dict[type[RestTap], tuple[str, dict[str, Any]]] = {
    TapProductive: ("productive", {"page_size": 20}),
    TapInvoicetronic: ("invoicetronic", {"page_size": 10}),
    TapInvobi: ("invobi", {"page_size": 10}),
    TapCovage: ("covage", {"page_size": 10}),
    Tap2Invoice: ("two_invoice", {}),
}
"""The fixture of each tap's settings, and what makes many pages of everything."""

_DIFFERS = re.compile(
    rb'(?P<name>"(?:version|time_extracted|full_refreshed_at)":)(?:"[^"]*"|[0-9]+)|(?P<digest>"[\w-]{16})[0-9a-f]{8}"'
)
"""When something was read, and what is made of that: versions, and what Invobi's details are remembered by."""


@pytest.mark.parametrize("tap", _TAPS, ids=lambda tap: tap.name)
def test_one_request_at_a_time_and_sixteen_give_the_same_bytes(
    tap: type[RestTap], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    fixture, beside = _TAPS[tap]
    documents = tmp_path / "documents"
    settings = {**request.getfixturevalue(f"{fixture}_settings"), **beside}
    if "documents_url" in tap.config_jsonschema["properties"]:
        settings["documents_url"] = str(documents)

    def written(concurrency: int) -> list[bytes]:
        # What Invoicetronic logs are our own requests.
        streams = {name for name in tap(config=settings).streams if name != "log"}
        reading = read(tap, settings | {"concurrency": concurrency}, select=" ".join(streams))
        shutil.rmtree(documents, ignore_errors=True)
        assert reading.error is None
        return [_DIFFERS.sub(rb"\g<name>\g<digest>", line) for line in reading.lines]

    one, many = written(1), written(16)

    assert many == one
    assert sum(b'"RECORD"' in line for line in one) > 150
