"""What docs/model.md repeats: the columns of each mart, from their descriptions, and five questions with their SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from scripts.local_world import ROOT
from scripts.model_answers import QUESTIONS
from scripts.readme_tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL_PAGE = ROOT / "docs" / "model.md"
_MARTS = ROOT / "transform" / "models" / "marts"


def marts() -> Iterator[dict[str, Any]]:
    """Find what is written about each mart.

    Yields:
        Its name, description and columns, in the order of the names.
    """
    for path in sorted(_MARTS.glob("*.yml")):
        yield from yaml.safe_load(path.read_text(encoding="utf-8")).get("models", ())


def columns_of_marts() -> str:
    """Return a heading, a description and a table of columns for each mart, as Markdown."""
    parts = []
    for mart in marts():
        rows = [(f"`{each['name']}`", each["data_type"], each["description"].strip()) for each in mart["columns"]]
        table = markdown_table(("column", "type", "what it holds"), rows)
        parts.append(f"### {mart['name']}\n\n{mart['description'].strip()}\n\n{table}")
    return "\n".join(["", "\n\n".join(parts), ""])


def questions() -> str:
    """Return the questions to the model with their SQL, as Markdown."""
    parts = [f"### {question.words}\n\n```sql\n{question.sql}\n```" for question in QUESTIONS]
    return "\n".join(["", "\n\n".join(parts), ""])
