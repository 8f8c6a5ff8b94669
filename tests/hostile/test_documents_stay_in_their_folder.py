"""Names from an API, and those in an archive, lead no document out of its folder."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import discover, write
from sandbox.pdf import one_page_pdf
from scripts.all_taps import tap_classes
from tests.hostile.middleman import middleman
from tests.proof.world import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.server import RunningSandbox
    from tests.hostile.middleman import Answer

pytestmark = pytest.mark.slow

OUT_OF_THE_FOLDER = (
    "../escaped",
    "../../escaped",
    "../../../../../../../../escaped",
    "..\\..\\escaped",
    "a/../../escaped",
    "./../escaped",
    "..",
    ".",
    "/",
    "",
    "\x00/escaped",
    "C:\\escaped",
    "escaped/",
)
"""An archive with one of these is refused."""

ODD = ("~/escaped", "COM1", "%2e%2e%2fescaped", "é" * 100, "...", ".hidden", "-rf", "a b\u202ec")
"""Names that a file in an archive may have."""


def names(tmp_path: Path) -> list[str]:
    """Return hostile names, an absolute path among them."""
    return [*OUT_OF_THE_FOLDER, *ODD, str(tmp_path / "escaped")]


def run(
    tap: str, url: str, tmp_path: Path, streams: Sequence[str], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Run a tap as a process, in a folder of its own; return its records."""
    config = settings_of(tap, url) | {"documents_url": str(tmp_path / "documents")} | dict(settings)
    catalog = discover(tap_classes()[tap], config)
    chosen = [entry for entry in catalog["streams"] if entry["tap_stream_id"] in streams]
    (tmp_path / "current").mkdir()
    command = [str(Path(sys.executable).with_name(tap)), "--config", write(tmp_path / "config.json", config)]
    command += ["--catalog", write(tmp_path / "catalog.json", {"streams": chosen})]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TAP_")}
    done = subprocess.run(
        command, cwd=tmp_path / "current", env=environment | {"HOME": str(tmp_path)}, capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return [message["record"] for message in messages if message["type"] == "RECORD"]


def assert_all_in_their_folder(tmp_path: Path, count: int) -> None:
    """Check that there is no file but below `documents`, and so many there."""
    paths = {path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()}
    kept = {path for path in paths if path.is_relative_to(tmp_path / "documents")}
    assert {path.name for path in paths - kept} == {"config.json", "catalog.json"}
    assert not any(path.is_symlink() for path in kept)
    assert len(kept) == count
    assert not list(tmp_path.parent.glob("escaped*"))
    assert not list(Path("/").glob("escaped*"))


def test_keys_of_rows_lead_no_document_out_of_its_folder(sandbox: RunningSandbox, tmp_path: Path) -> None:
    hostile = names(tmp_path)

    def change(answer: Answer) -> None:
        path = answer.path.partition("?")[0].rstrip("/")
        if path.endswith("/download"):
            answer.status, answer.headers = 200, {"content-type": "application/pdf"}
            answer.content = one_page_pdf([path])
        elif path.endswith("/invoice"):
            page = json.loads(answer.content)
            for row, name in zip(page["results"], hostile, strict=False):
                row["invoice_number"] = name
            answer.content = json.dumps(page).encode()

    with middleman(sandbox.url) as between:
        between.change = change
        streams = ("invoices", "invoice_documents")
        records = run("tap-covage", between.url, tmp_path, streams, {})

    documents = {record["invoice_number"]: record["name"] for record in records if "sha256" in record}
    assert documents.keys() >= {name.replace("\x00", "\ufffd") for name in hostile if name}
    assert len({name.lower() for name in documents.values()}) == len(documents)
    assert_all_in_their_folder(tmp_path, count=len(documents))


def archive(members: Sequence[str]) -> bytes:
    """Return an archive of files with names."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in members:
            file.writestr(name, b"<?xml version='1.0'?><FatturaElettronica/>")
    return packed.getvalue()


def with_a_link() -> bytes:
    """Return an archive with a symbolic link, and a file below it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        link = zipfile.ZipInfo("receive/link")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "../../../..")
        file.writestr("receive/link/escaped.xml", b"<?xml version='1.0'?><FatturaElettronica/>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("packed", "count"),
    [
        pytest.param(archive([f"{name}/invoice.xml" for name in ODD] + [f"{name}.xml" for name in ODD]), 2 * len(ODD)),
        pytest.param(archive(["receive/../../../escaped.xml"]), 0),
        pytest.param(archive(["/escaped.xml"]), 0),
        pytest.param(with_a_link(), 0),
    ],
    ids=["odd names", "a path outside", "an absolute path", "a link"],
)
def test_names_in_an_archive_lead_no_document_out_of_its_folder(
    sandbox: RunningSandbox, tmp_path: Path, packed: bytes, count: int
) -> None:
    def change(answer: Answer) -> None:
        if answer.path.partition("?")[0].endswith("/export"):
            answer.status, answer.content = 200, packed
            answer.headers = {"content-type": "application/zip"}

    with middleman(sandbox.url) as between:
        between.change = change
        settings = {"export_periods": ["2026-02"], "payloads": "none"}
        run("tap-invoicetronic", between.url, tmp_path, ("document",), settings)

    # The archive itself, and the files in it.
    assert_all_in_their_folder(tmp_path, count=1 + count)
