"""`make new-stream`: what it writes, what it refuses, and that the stream can be read at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conftest import write
from scripts import new_stream
from scripts.local_world import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

BOAT = {
    "id": "7",
    "type": "boats",
    "attributes": {
        "amount": 1250,
        "api_token": "s3cret",
        "created_at": "2024-01-02T03:04:05.678+02:00",
        "length": "12.5",
        "name": "Argo",
        "note": None,
    },
    "relationships": {
        "creator": {"meta": {"included": False}},
        "invoice": {"data": {"type": "invoices", "id": "25"}},
        "organization": {"data": {"type": "organizations", "id": "1"}},
        "services": {"data": []},
    },
}
FLAT_BOAT = {"id": "b7", "created_at": "2025-01-15T10:30:00Z", "label": "Argo", "length": 12.5}
ANSWERS: dict[str, Any] = {
    "tap-2invoice": {"status": True, "data": [FLAT_BOAT]},
    "tap-covage": [FLAT_BOAT],
    "tap-invobi": {"boats": [FLAT_BOAT], "pagination": {"total": 1}},
    "tap-invoicetronic": [FLAT_BOAT],
    "tap-productive": {"data": [BOAT], "meta": {"total_count": 1}},
}


@pytest.fixture
def nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> int:
        raise AssertionError(path)

    monkeypatch.setattr(Path, "write_text", refuse)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"tap": ""}, "TAP= is not a tap: use one of tap-2invoice, "),
        ({"tap": "tap-x"}, "TAP=tap-x is not a tap"),
        ({"name": ""}, "NAME= is not a stream's name"),
        ({"name": "../boats"}, "NAME=../boats is not a stream's name"),
        ({"name": "class"}, "NAME=class is not a stream's name"),
        ({"name": "invoices"}, "NAME=invoices exists already in tap-productive"),
        ({"example": ""}, "EXAMPLE is missing: name a file with an answer from the vendor's documentation."),
        ({"example": "missing.json"}, "EXAMPLE=missing.json cannot be read: No such file"),
        ({"example": str(ROOT / "README.md")}, f"EXAMPLE={ROOT / 'README.md'} is not JSON"),
        ({"like": "ships"}, "LIKE=ships is not a stream of tap-productive"),
        ({"key": "imo"}, "EXAMPLE has a row without imo: name the key with KEY="),
        ({"name": "ships"}, "holds rows of type boats, not ships"),
        ({"tap": "tap-covage"}, "does not hold rows as tap-covage reads them"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_and_nothing_is_written(
    arguments: dict[str, str],
    expected: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = write(tmp_path / "answer.json", ANSWERS["tap-productive"])
    request.getfixturevalue("nothing_is_written")
    given = {"tap": "tap-productive", "name": "boats", "example": example} | arguments

    code = new_stream.main([f"--{name}={value}" for name, value in given.items()])

    assert code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert expected in line


@pytest.mark.parametrize("answer", [[], {}, 7, {"data": []}, ["x"]])
@pytest.mark.parametrize("tap", ["tap-productive", "tap-covage"])
def test_an_answer_without_rows_is_refused(
    tap: str, answer: object, tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    example = write(tmp_path / "answer.json", answer)
    request.getfixturevalue("nothing_is_written")

    code = new_stream.main(["--tap", tap, "--name", "boats", "--example", example])

    assert code == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


class Copy:
    """A copy of the repository, with the programs of this environment."""

    def __init__(self, folder: Path) -> None:
        """Copy what is not made by tools."""
        made = (".git", ".venv*", ".meltano", ".bench", ".hypothesis", "*_cache", "__pycache__", "output")
        self.root = Path(shutil.copytree(ROOT, folder / "copy", ignore=shutil.ignore_patterns(*made)))
        paths = [self.root, self.root / "core", *self.root.glob("loaders/*"), *self.root.glob("taps/*")]
        self.environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python there."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @contextmanager
    def sandbox(self) -> Iterator[str]:
        """Run the sandbox of the copy; yields its URL."""
        command = [sys.executable, "-m", "sandbox", "--port", "0"]
        with subprocess.Popen(
            command, cwd=self.root, env=self.environment, stdout=subprocess.PIPE, text=True
        ) as running:
            assert running.stdout
            yield running.stdout.readline().strip()
            running.terminate()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy of the repository in which every tap has got a stream `boats`."""
    folder = tmp_path_factory.mktemp("repository")
    made = Copy(folder)
    for tap, answer in ANSWERS.items():
        example = write(folder / f"{tap}.json", answer)
        done = made.python("-m", "scripts.new_stream", "--tap", tap, "--name", "boats", "--example", example)
        assert done.returncode == 0, done.stderr
    return made


def schema_of(copy: Copy, tap: str) -> dict[str, Any]:
    package = copy.root / "taps" / tap / tap.replace("-", "_")
    schema: dict[str, Any] = json.loads((package / "schemas" / "boats.json").read_text(encoding="utf-8"))
    return schema


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_schema_has_a_column_for_each_field_and_none_for_a_secret(copy: Copy) -> None:
    columns = schema_of(copy, "tap-productive")["properties"]

    assert {name: (column["type"], column.get("format")) for name, column in columns.items()} == {
        "id": ("string", None),
        "amount": (["integer", "null"], None),
        "created_at": (["string", "null"], "date-time"),
        "creator_id": (["string", "null"], None),
        "invoice_id": (["string", "null"], None),
        "length": (["number", "null"], None),
        "name": (["string", "null"], None),
        "note": (["string", "null"], None),
        "organization_id": (["string", "null"], None),
        "services_ids": (["array", "null"], None),
        "_rescued_data": (["object", "null"], None),
    }
    assert schema_of(copy, "tap-covage")["properties"].keys() == FLAT_BOAT.keys() | {"_rescued_data"}


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_what_was_written_passes_the_linters_and_the_tests_of_documented_answers(copy: Copy) -> None:
    ruff = str(Path(sys.executable).with_name("ruff"))
    assert subprocess.run([ruff, "format", "--check", "."], cwd=copy.root, check=False).returncode == 0
    assert "amount: needs a description" in copy.python("-m", "scripts.check_schemas").stderr
    assert copy.python("-m", "scripts.definitions").returncode == 0
    done = copy.python("-m", "pytest", "-q", "tests/test_documented_answers.py", "tests/test_discovery.py")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_a_new_list_of_productive_is_read_from_the_sandbox_at_once(copy: Copy, tmp_path: Path) -> None:
    program = "from tap_productive.tap import TapProductive; TapProductive.cli()"
    with copy.sandbox() as url:
        settings = {"auth_token": "sandbox-token", "organization_id": "1", "api_url": f"{url}/productive/api/v2"}
        config = write(tmp_path / "config.json", settings)
        catalog = json.loads(copy.python("-c", program, "--config", config, "--discover").stdout)
        for stream in catalog["streams"]:
            stream["metadata"][-1]["metadata"]["selected"] = stream["tap_stream_id"] == "boats"
        done = copy.python("-c", program, "--config", config, "--catalog", write(tmp_path / "catalog.json", catalog))

    assert done.returncode == 0, done.stderr
    records = [each["record"] for each in map(json.loads, done.stdout.splitlines()) if each["type"] == "RECORD"]
    assert len({record["id"] for record in records}) == len(records) == 12
    assert {(record["name"], record["length"], record["_rescued_data"]) for record in records} == {("Argo", 12.5, None)}
    assert all(record["invoice_id"] for record in records)
    assert "s3cret" not in done.stdout
