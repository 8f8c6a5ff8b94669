"""What is said of files on the command line that are not what they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.exceptions import ConfigValidationError

from singer_rest_core.singer.given_files import read_configuration

if TYPE_CHECKING:
    from pathlib import Path


def _fault(name: str) -> str:
    with pytest.raises(ConfigValidationError) as caught:
        read_configuration([name])
    (line,) = caught.value.errors
    return line


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"[1]", "is not a JSON object"),
        (b'"x"', "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'{"auth_token": hunter2}', "is not valid JSON: Expecting value: line 1 column 16 (char 15)"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "is not valid JSON: a number in it has too many digits"),
        ('{"a": "b"}'.encode("utf-16"), "is not UTF-8 text"),
        (b"\x80\x81", "is not UTF-8 text"),
    ],
    ids=["empty", "blank", "list", "text", "null", "broken", "deep", "digits", "UTF-16", "binary"],
)
def test_a_file_that_is_no_json_object_is_named_with_what_is_wrong(tmp_path: Path, content: bytes, fault: str) -> None:
    file = tmp_path / "config.json"
    file.write_bytes(content)
    assert _fault(str(file)) == f"The configuration in {file} {fault}"


def test_a_folder_and_a_file_that_does_not_exist_are_named(tmp_path: Path) -> None:
    assert _fault(str(tmp_path)) == f"{tmp_path}, which --config names, is a folder"
    assert _fault(f"{tmp_path}/none.json") == f"{tmp_path}/none.json, which --config names, does not exist"


@pytest.mark.parametrize(
    "given",
    ["", " ", '{"auth_token":"hunter2"}', "auth_token=hunter2", "hunter2\n", "hunter2\x00", "hunter2" * 1000],
)
def test_what_cannot_be_the_name_of_a_file_is_not_repeated(given: str) -> None:
    assert _fault(given) == "--config takes the name of a file, or ENV"


def test_later_files_replace_what_is_in_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "a{}.json").write_text('\ufeff{"a": 1, "b": 1}', encoding="utf-8")
    (tmp_path / "b.json").write_text('{"b": 2}', encoding="utf-8")
    names = [str(tmp_path / name) for name in ("a{}.json", "b.json")]
    assert read_configuration(names) == {"a": 1, "b": 2}
