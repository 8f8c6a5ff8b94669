"""Write a new stream of a tap from an answer that the vendor's documentation gives; docs/adding-a-stream.md.

`make new-stream TAP=tap-productive NAME=boats EXAMPLE=answer.json` writes the class, the schema, and the answer as a
test. LIKE names a stream of the tap to declare the new one after; KEY the column that identifies a record (id);
ENDPOINT the list's path, where it differs from the name; SOURCE the page that gives the answer.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import simplejson

from scripts.all_taps import metadata_of, tap_classes, tap_names, unconnected_tap
from scripts.check_schemas import faults_of, written
from scripts.documented_answer import UnusableAnswerError, read_answer
from scripts.local_world import ROOT
from scripts.sandbox_catalogue import catalogue_files
from scripts.stream_declaration import Declaration
from singer_rest_core import RestStream
from singer_rest_core.records import ResourceRows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk import Stream

    from scripts.documented_answer import DocumentedAnswer

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LONGEST_NAME = 63
"""Bytes of a table's name in PostgreSQL."""


class UsageError(ValueError):
    """An argument is missing or cannot be used; the message is one line."""


@dataclass(frozen=True)
class NewStream:
    """A stream to be written, checked.

    Args:
        tap: The distribution of the tap.
        name: The stream's name.
        model: The name of the stream it is declared after.
        key: The column that identifies a record.
        endpoint: The list's path; empty if it follows from the name.
        source: Where the answer is documented.
        answer: The documented answer.
    """

    tap: str
    name: str
    model: str
    key: str
    endpoint: str
    source: str
    answer: DocumentedAnswer

    @property
    def package(self) -> Path:
        """The folder of the tap's package."""
        return ROOT / "taps" / self.tap / self.tap.replace("-", "_")

    @property
    def has_schema(self) -> bool:
        """Whether the tap has schemas in files, and does not infer them from the account."""
        return (self.package / "schemas").is_dir()

    def files(self) -> dict[Path, str]:
        """Return the content of all files to be written or changed.

        Raises:
            UnusableAnswerError: If no schema can be made from the answer.
        """
        model = type(unconnected_tap(tap_classes()[self.tap]).streams[self.model])
        declaration = Declaration(self.name, model, self._class_values(model))
        files = declaration.changed_files(self.package / "tap.py")
        if not self.has_schema:
            return files
        files[self.package / "schemas" / f"{self.name}.json"] = written(self.answer.schema(self.key))
        if self.answer.is_json_api:
            return files | catalogue_files(self.name, self.answer, self.source)
        kept = {"source": self.source, "answer": self.answer.body}
        path = ROOT / "taps" / self.tap / "tests" / "documented" / f"{self.name}.json"
        return files | {path: simplejson.dumps(kept, indent=2, ensure_ascii=False) + "\n"}

    def _class_values(self, model: type[Any]) -> dict[str, Any]:
        """Return the class attributes other than the name: those that the model has, and the relationships."""
        declared = vars(model)
        values: dict[str, Any] = {}
        if "path" in declared:
            values["path"] = self.endpoint or declared["path"].replace(self.model, self.name)
        if "member" in declared:
            values["member"] = self.answer.member
        if "primary_keys" in declared or tuple(model.primary_keys) != (self.key,):
            values["primary_keys"] = (self.key,)
        references = [name for name in self.answer.relationships if name != "organization"]
        if references:
            values["references"] = tuple(references)
        return values


def checked(options: argparse.Namespace) -> NewStream:
    """Check what the command was given.

    Args:
        options: The command line; what was not given is empty.

    Returns:
        The stream to be written.

    Raises:
        UsageError: If something is missing, unknown or unusable.
    """
    if options.tap not in tap_names():
        raise UsageError(f"TAP={options.tap} is not a tap: use one of {', '.join(tap_names())}")
    streams = unconnected_tap(tap_classes()[options.tap]).streams
    if not _NAME.fullmatch(options.name) or keyword.iskeyword(options.name) or len(options.name) > _LONGEST_NAME:
        raise UsageError(f"NAME={options.name} is not a stream's name: use lower case and underscores, like line_items")
    if options.name in streams:
        raise UsageError(f"NAME={options.name} exists already in {options.tap}")
    if not options.example:
        raise UsageError(
            "EXAMPLE is missing: name a file with an answer from the vendor's documentation. The sandbox is written "
            "from documentation alone, so a stream without a documented answer has nothing to be tested against"
        )
    model = options.like or metadata_of(options.tap)["tool"]["new-stream"]["like"]
    if model not in streams:
        raise UsageError(f"LIKE={model} is not a stream of {options.tap}")
    try:
        answer = read_answer(Path(options.example))
    except UnusableAnswerError as error:
        raise UsageError(f"EXAMPLE={options.example} {error}") from error
    if answer.is_json_api != _reads_json_api(streams[model]):
        raise UsageError(f"EXAMPLE={options.example} does not hold rows as {options.tap} reads them")
    types = {row["type"] for row in answer.rows if answer.is_json_api}
    if types - {options.name}:
        raise UsageError(f"EXAMPLE={options.example} holds rows of type {', '.join(sorted(types))}, not {options.name}")
    return NewStream(
        tap=options.tap,
        name=options.name,
        model=model,
        key=options.key or "id",
        endpoint=options.endpoint,
        source=options.source or "the vendor's documentation",
        answer=answer,
    )


def _reads_json_api(stream: Stream) -> bool:
    return isinstance(stream, RestStream) and isinstance(stream.row_layout, ResourceRows)


def remaining(stream: NewStream, files: Mapping[Path, str]) -> list[str]:
    """Return what is left to do by hand, a line each.

    Args:
        stream: The stream that was written.
        files: What was written.
    """
    lines = ["docstring of the class: what the list holds, and how it is read"]
    if not stream.has_schema:
        lines.insert(0, f"{stream.tap} infers its schemas from the account: no schema was written")
    for path, content in files.items():
        if path.parent.name == "schemas":
            lines += [f"{path.relative_to(ROOT)}: {fault}" for fault in faults_of(content)]
    lines += [f"{name} looks like a secret: it has no column" for name in stream.answer.secrets]
    if not stream.answer.is_json_api:
        lines.append(f"sandbox/: serve the list (README.md there); {stream.tap}'s tests fail until it does")
    return [*lines, "make definitions test"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the stream.

    Args:
        arguments: The command line; `sys.argv` if None.

    Returns:
        The exit code; with any but 0 nothing was written.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("tap", "name", "example", "like", "key", "endpoint", "source"):
        parser.add_argument(f"--{name}", default="")
    try:
        stream = checked(parser.parse_args(arguments))
        files = stream.files()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 1
    except UnusableAnswerError as error:
        print(f"EXAMPLE {error}", file=sys.stderr)
        return 1
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    for line in remaining(stream, files):
        print(f"to do:   {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
