"""A YAML file with the lines of what is in it; what is wrong with it in plain English, without the text there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MERGE = "tag:yaml.org,2002:merge"
_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_LONGEST_KEY = 60
# The parser in C reads 500 accounts within some 50 ms; the one in Python needs ten times as long.
_Loader: Any = type("_Loader", (getattr(yaml, "CSafeLoader", yaml.SafeLoader),), {})
# A setting such as start_date: 2026-01-01 is text for a tap, and as it is written.
_Loader.add_constructor(_TIMESTAMP, lambda loader, node: loader.construct_scalar(node))

_PROBLEMS = {
    "could not determine a constructor": "a value that begins with ! has to be in quotes",
    "undefined alias": "a value that begins with * has to be in quotes",
    "undefined tag": "a value that begins with ! has to be in quotes",
    "scanning an alias": "a value that begins with * has to be in quotes",
    "mapping values are not allowed": "a colon stands where none may: put the value in quotes, or indent the line less",
    "unexpected end of stream": "a quote is opened here and not closed: put one at the end of the value",
    "unhashable key": "a bracket stands where a name has to: put the value in quotes",
    "another document": "a second document begins: remove the line ---",
    "found duplicate anchor": "an anchor (&) has the name of another one: give it another name",
    "unknown escape character": r"a backslash stands between double quotes: use single quotes, or write \\",
    "found character that cannot start": "a value that begins with this character has to be in quotes",
    "could not find expected ':'": "a colon is missing behind a name, here or in the line above",
}
"""What to do about what PyYAML says, by a part of its words."""


class NoYaml(Exception):
    """A text is no YAML; the message says why, in one line."""


@dataclass(frozen=True)
class YamlDocument:
    """What is in a YAML file.

    Args:
        content: The content.
        root: The node of it; None in an empty file.
        duplicates: What is wrong with keys that stand more than once in one mapping, the last of which would win.
    """

    content: Any
    root: yaml.Node | None
    duplicates: Sequence[str]

    @classmethod
    def read(cls, text: str) -> YamlDocument:
        """Read a text.

        Args:
            text: The text.

        Raises:
            NoYaml: If it is no YAML.
        """
        try:
            loader = _Loader(text)
            try:
                root = loader.get_single_node()
                # Constructing it puts merged keys (<<) among those that override them.
                duplicates = [] if root is None else list(_duplicates(root))
                content = None if root is None else loader.construct_document(root)
            finally:
                loader.dispose()
        except yaml.YAMLError as error:
            raise NoYaml(_explained(error, text)) from None
        except ValueError:
            raise NoYaml("a number in it cannot be read: put it in quotes") from None
        except RecursionError:
            raise NoYaml("its brackets are nested too deeply") from None
        return cls(content, root, duplicates)

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line, from 1, of a place; that of what it is within, if there is no such place.

        Args:
            path: Keys and numbers that lead there.
        """
        node = self.root
        line = 0 if node is None else node.start_mark.line
        for step in path:
            found = _within(node, step)
            if found is None:
                break
            line, node = found
        return line + 1


def _within(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    """Return the line of a key or of an element, and the node of its value."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int):
        value = node.value[step]
        return value.start_mark.line, value
    if isinstance(node, yaml.MappingNode):
        pairs = (pair for pair in node.value if pair[0].value == str(step))
        return next(((key.start_mark.line, value) for key, value in pairs), None)
    return None


def _duplicates(root: yaml.Node) -> Iterator[str]:
    left, seen = [root], set()
    while left:
        node = left.pop()
        # What an alias names is one node in several places.
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            left += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            yield from _duplicates_of(node)
            left += reversed([value for _, value in node.value])


def _duplicates_of(mapping: yaml.MappingNode) -> Iterator[str]:
    first: dict[tuple[str, str], int] = {}
    for key, _ in mapping.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
            continue
        line, identity = key.start_mark.line + 1, (key.tag, key.value)
        if identity in first:
            name = " ".join(key.value.split())[:_LONGEST_KEY]
            lines = f", in line {first[identity]} and in line {line}" if first[identity] < line else f" in line {line}"
            yield f"{name} stands twice{lines}: remove one of them"
        first.setdefault(identity, line)


def _explained(error: yaml.YAMLError, text: str) -> str:
    """Return what is wrong and where; not the text there, which may be a secret."""
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return "it has a character that YAML does not take: remove what is no text"
    words = f"{getattr(error, 'context', None) or ''} {getattr(error, 'problem', None) or ''}"
    general = "the indentation, a bracket or a quote is not right, here or in a line above"
    said = next((plain for part, plain in _PROBLEMS.items() if part in words), general)
    if "unexpected end of stream" in words:
        mark = getattr(error, "context_mark", None) or mark
    # Only what YAML takes for the end of a line is one here.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or line[mark.column : mark.column + 1] == "\t":
        said = "a tab stands where YAML takes spaces alone: replace it by spaces"
    return f"{said} (line {mark.line + 1}, column {mark.column + 1})"
