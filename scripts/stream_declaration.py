"""Declares a stream in the code of a tap, after the model of another one."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Stream


@dataclass(frozen=True)
class Declaration:
    """A stream to be declared.

    Args:
        name: The stream's name.
        model: The class of an existing stream: the new one gets its base class, and follows it wherever it is
            listed.
        values: The class attributes other than `name`.
    """

    name: str
    model: type[Stream]
    values: Mapping[str, Any]

    @property
    def class_name(self) -> str:
        """The name of the class, in camel case."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    def changed_files(self, tap_module: Path) -> dict[Path, str]:
        """Return the new content of the files that declare and list the stream.

        Args:
            tap_module: The tap's `tap.py`, which may list the streams.
        """
        module = Path(inspect.getfile(self.model))
        files = {module: self._with_class(module.read_text(encoding="utf-8"))}
        if module != tap_module:
            files[tap_module] = tap_module.read_text(encoding="utf-8")
        return {
            path: _formatted(path, listed)
            for path, text in files.items()
            if (listed := self._listed(text)) != path.read_text(encoding="utf-8")
        }

    def _with_class(self, text: str) -> str:
        lines = text.splitlines(keepends=True)
        end = next(node.end_lineno for node in _classes(text) if node.name == self.model.__name__)
        return "".join([*lines[:end], "\n\n", self._source(), *lines[end:]])

    def _source(self) -> str:
        values = "".join(f"    {name} = {value!r}\n" for name, value in self.values.items())
        title = self.name.replace("_", " ").capitalize()
        return (
            f'class {self.class_name}({self.model.__bases__[0].__name__}):\n    """{title}."""\n\n'
            f"    name = {self.name!r}\n{values}"
        )

    def _listed(self, text: str) -> str:
        """Return a module in which the class follows its model: in tuples and lists, and where it is imported."""
        lines = text.encode().splitlines(keepends=True)
        for line, column, addition in sorted(self._additions(ast.parse(text)), reverse=True):
            content = lines[line - 1]
            lines[line - 1] = content[:column] + addition.encode() + content[column:]
        return b"".join(lines).decode()

    def _additions(self, tree: ast.Module) -> Iterator[tuple[int, int, str]]:
        """Yield what is added: at which line and byte of the line, and what."""
        model, new = self.model.__name__, self.class_name
        is_listed = False
        for node in _elements(tree):
            if isinstance(node, ast.Name) and node.id == model:
                yield *_end(node), f", {new}"
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == model:
                is_listed = True
                yield *_end(node), f", {new}(self)"
        if is_listed:
            for alias in (each for node in tree.body if isinstance(node, ast.ImportFrom) for each in node.names):
                if alias.name == model:
                    yield *_end(alias), f", {new}"


def _classes(text: str) -> Iterator[ast.ClassDef]:
    return (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef))


def _elements(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List):
            yield from node.elts


def _end(node: ast.expr | ast.alias) -> tuple[int, int]:
    return node.end_lineno or 0, node.end_col_offset or 0


def _formatted(path: Path, text: str) -> str:
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--quiet", "--select", "I", "--fix-only"], ["format", "--quiet"]):
        text = subprocess.run(  # noqa: S603 - our own
            [ruff, *command, "--stdin-filename", str(path), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            encoding="utf-8",
        ).stdout
    return text
