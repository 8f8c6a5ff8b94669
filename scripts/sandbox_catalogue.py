"""What the sandbox needs to serve another list of Productive: its catalogue entry, and the documented rows."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import simplejson

from scripts.local_world import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.documented_answer import DocumentedAnswer

FOLDER = ROOT / "sandbox" / "productive"

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT.*")
_DECIMAL = re.compile(r"-?\d+\.\d+")


def catalogue_files(resource: str, answer: DocumentedAnswer, source: str) -> dict[Path, str]:
    """Return the new content of the sandbox's files.

    Args:
        resource: The list's name.
        answer: Its documented answer.
        source: Where the answer is documented.
    """
    path = FOLDER / "catalogue.json"
    catalogue = json.loads(path.read_text(encoding="utf-8"))
    names = sorted({name for row in answer.rows for name in row["attributes"]})
    catalogue[resource] = {
        "show": False,
        "attributes": {name: _type([row["attributes"].get(name) for row in answer.rows]) for name in names},
        "relationships": answer.relationships,
        "filters": [],
        "sorts": [],
    }
    recorded = {
        "_source": source,
        "_kind": "documentation",
        "_note": "the answer that `make new-stream` was given",
        "records": answer.rows,
    }
    return {
        path: json.dumps(dict(sorted(catalogue.items())), indent=1) + "\n",
        FOLDER / "recorded" / f"{resource}.json": simplejson.dumps(recorded, indent=1, ensure_ascii=False) + "\n",
    }


def _type(values: list[object]) -> str:
    """Return the catalogue's word for the type of values, with `?` if one is null."""
    known = [value for value in values if value is not None]
    return (_word(known[0]) if known else "string") + ("?" if None in values else "")


def _word(value: object) -> str:
    if isinstance(value, str):
        patterns = ((_TIME, "date-time"), (_DATE, "date"), (_DECIMAL, "decimal"))
        return next((word for pattern, word in patterns if pattern.fullmatch(value)), "string")
    words = ((bool, "boolean"), (int, "integer"), (dict, "object"), (list, "array"))
    return next((word for kind, word in words if isinstance(value, kind)), "number")
