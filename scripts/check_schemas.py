"""Check the JSON schemas of all taps: valid, written in one form, nullable, described, and free of secrets.

Run from anywhere as `python scripts/check_schemas.py`. With `--fix` the files are first rewritten in that one form.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

# jsonschema comes with singer-sdk and ships no types.
from jsonschema import Draft7Validator, SchemaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
RESCUED = "_rescued_data"

# The keywords that matter for every column come first, prose comes last. All others are in between.
FIRST_KEYWORDS = ("$schema", "type", "format", "properties", "items", "required", "additionalProperties")
LAST_KEYWORDS = ("description",)

# A number with such a name needs its unit: cents or units of a currency, percent, minutes or seconds.
MEASURE = re.compile(
    r"(^|_)(amount|balance|cost|discount|duration|fee|margin|markup|price|profit|rate|revenue|tax|time|total|value)s?(_|$)"
)
# A number with such a name is a code, and its values need an explanation.
CODE = re.compile(r"(^|_)(kind|state|status|type)$")
# These refer to another record or to a list of choices, whatever their type.
REFERENCE = re.compile(r"_ids?$")
# Values that give access. They belong neither in a schema nor in a warehouse; the id of one, or a count, may.
SECRET = re.compile(
    r"(token|secret|passw|credential|bearer|signature|(api|email|private|access)_?key|public_?uuid)(?!\w*_(ids?|left)$)",
    re.IGNORECASE,
)


def schema_files(root: Path = ROOT) -> list[Path]:
    """List the schema files of all taps.

    Args:
        root: The folder that holds `taps/`.

    Returns:
        The files, sorted by path.
    """
    return sorted(root.glob("taps/*/tap_*/schemas/**/*.json"))


def ordered(names: Sequence[str]) -> list[str]:
    """Sort property names: `id`, then the alphabet, then `_rescued_data`.

    Args:
        names: The names, in any order.

    Returns:
        The same names, sorted.
    """
    return sorted(names, key=lambda name: (name != "id", name == RESCUED, name))


def normalised(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in the normal form of this repository.

    Args:
        schema: A JSON schema, or part of one.

    Returns:
        An equivalent schema, with properties and keywords in order, and "null" last among several types.
    """
    between = [key for key in schema if key not in FIRST_KEYWORDS + LAST_KEYWORDS]
    result = {key: schema[key] for key in (*FIRST_KEYWORDS, *between, *LAST_KEYWORDS) if key in schema}
    if isinstance(types := result.get("type"), list):
        result["type"] = sorted(types, key=lambda name: name == "null")
    if isinstance(properties := result.get("properties"), dict):
        result["properties"] = {name: _normalised_part(properties[name]) for name in ordered(list(properties))}
    if "items" in result:
        result["items"] = _normalised_part(result["items"])
    return result


def written(schema: dict[str, Any]) -> str:
    """Return the text of a schema's file.

    Args:
        schema: A JSON schema.

    Returns:
        The text in normal form, with a newline at its end.
    """
    return json.dumps(normalised(schema), indent=2, ensure_ascii=False) + "\n"


def faults(path: Path) -> list[str]:
    """Find what is wrong with one schema file.

    Args:
        path: The file.

    Returns:
        One line for each fault, without the path; empty if there is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        return [f"is not UTF-8: {error}"]
    return faults_of(text)


def faults_of(text: str) -> list[str]:
    """Find what is wrong with the text of a schema file.

    Args:
        text: The content of the file.

    Returns:
        One line for each fault; empty if there is none.
    """
    try:
        schema = json.loads(text)
        Draft7Validator.check_schema(schema)
    except json.JSONDecodeError as error:
        return [f"is not JSON: {error}"]
    except SchemaError as error:
        return [f"is not a valid JSON schema: {error.json_path}: {error.message}"]
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not properties or schema.get("type") != "object":
        return ["does not describe an object with properties"]
    found = [
        *_faults_of_form(text, schema),
        *_faults_of_rescue(properties),
        *_faults_of_nulls(properties, schema.get("required", [])),
    ]
    found += [f"{name}: needs a description: {need}" for name, need in _undescribed(properties)]
    found += [f"{name}: looks like a secret" for name in _names(schema) if SECRET.search(name)]
    return found


def fix(path: Path) -> bool:
    """Rewrite one schema file in normal form.

    Args:
        path: The file.

    Returns:
        Whether the file changed. One that holds no JSON object is left alone.
    """
    try:
        text = path.read_text(encoding="utf-8")
        schema = json.loads(text)
    except ValueError:
        return False
    if not isinstance(schema, dict) or text == written(schema):
        return False
    path.write_text(written(schema), encoding="utf-8")
    return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all schemas and print one line for each fault.

    Args:
        arguments: The command line without the program's name. None means that of the process.

    Returns:
        The exit code: 0 when all is sound, else 1.
    """
    parser = argparse.ArgumentParser(description="Check the JSON schemas of all taps.")
    parser.add_argument("--fix", action="store_true", help="first rewrite the files sorted and in one form")
    options = parser.parse_args(arguments)
    files = schema_files()
    if options.fix:
        for path in files:
            if fix(path):
                print(f"{path.relative_to(ROOT)}: rewritten")
    lines = [f"{path.relative_to(ROOT)}: {fault}" for path in files for fault in faults(path)]
    if not files:
        lines.append("taps/*/tap_*/schemas: no schema found")
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


def _normalised_part(part: object) -> object:
    return normalised(part) if isinstance(part, dict) else part


def _faults_of_form(text: str, schema: dict[str, Any]) -> Iterator[str]:
    names = list(schema["properties"])
    for name, expected in zip(names, ordered(names), strict=True):
        if name != expected:
            yield f"{name}: is where {expected} belongs (--fix sorts)"
            return
    if text != written(schema):
        yield "is not written in normal form (--fix rewrites it)"


def _faults_of_rescue(properties: dict[str, Any]) -> Iterator[str]:
    if RESCUED not in properties:
        yield f"{RESCUED}: is missing"
    elif "object" not in _types(properties[RESCUED]) or "properties" in properties[RESCUED]:
        yield f"{RESCUED}: must be an open object"


def _faults_of_nulls(properties: dict[str, Any], required: list[str]) -> Iterator[str]:
    yield from (f"{name}: is required but no property" for name in required if name not in properties)
    for name, property_schema in properties.items():
        types = _types(property_schema)
        if not set(types) - {"null"}:
            yield f"{name}: has no type"
        elif name in required and "null" in types:
            yield f"{name}: is required and must not be nullable"
        elif name not in required and "null" not in types:
            yield f"{name}: is not required and must be nullable"


def _undescribed(properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, property_schema in properties.items():
        if isinstance(property_schema, dict) and property_schema.get("description", "").strip():
            continue
        numeric = not {"integer", "number"}.isdisjoint(_types(property_schema))
        if REFERENCE.search(name):
            yield name, "what does it refer to?"
        elif numeric and CODE.search(name):
            yield name, "what do the values mean?"
        elif numeric and MEASURE.search(name):
            yield name, "in which unit or currency?"


def _types(property_schema: object) -> list[str]:
    types = property_schema.get("type", []) if isinstance(property_schema, dict) else []
    return types if isinstance(types, list) else [types]


def _names(schema: object) -> Iterator[str]:
    """Yield the names of all properties, those of nested objects too."""
    if not isinstance(schema, dict):
        return
    for name, part in schema.get("properties", {}).items():
        yield name
        yield from _names(part)
    yield from _names(schema.get("items"))


if __name__ == "__main__":
    sys.exit(main())
