"""Distils the documentation's catalogue into the data files that the sandbox runs on.

Only for who changes the data files; the server reads what lies beside it:

    python -m sandbox.productive.distil <folder with resources.json and examples/> [resource ...]

Without names, the resources that `catalogue.json` already holds are distilled again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
CATALOGUE = HERE / "catalogue.json"
RECORDED = HERE / "recorded"

# An attribute that only the vendor's hand-written OpenAPI examples show is probably absent (README 0.5).
DOUBTFUL = {"spec_example_only"}

# Evidence that makes an attribute's stored example a value somebody has seen.
SEEN = {"docs_example", "live"}

TYPES = {
    "string": "string",
    "integer": "integer",
    "integer(money, cents)": "integer",
    "number": "number",
    "boolean": "boolean",
    "string(date-time)": "date-time",
    "datetime": "date-time",
    "string(date)": "date",
    "object": "object",
    "hash": "object",
    "json(object|array)": "object",
    "array": "array",
    "string(decimal)": "decimal",
    # Null in every example; decimals are strings wherever a value was seen (README 0.4).
    "number|decimal-string": "decimal",
}

# Where the catalogue gives no type (or a wrong one), the most plausible: the type that the name says.
RELATIONSHIP_TYPES = {
    "approval_statuses": "approval_statuses",
    "assignees": "people",
    "deal_subsidiary": "subsidiaries",
    "document_style": "document_styles",
    "invoice_attribution": "invoice_attributions",
    "payment_reminder_sequence": "payment_reminder_sequences",
    "person_subsidiary": "subsidiaries",
    # Polymorphic: what a project or a task was made from.
    "template_object": "templates",
}

# The catalogue marks some to-many relationships with brackets and leaves others bare: a plural name is to-many.
PLURAL = {"approval_statuses", "assignees", "attachments", "expense_line_items", "teams"}

# What live answers showed against the catalogue's type (live-schema-diff.md, section 2).
ATTRIBUTE_TYPES = {
    # The catalogue says string; the docs' own create example holds {"bank_name": …, "number": …}.
    ("invoices", "bank_account_details"): "object",
    ("organizations", "time_locking_reminders"): "boolean",
    ("payment_reminders", "from"): "string",
    ("payment_reminders", "to"): "array",
    ("payment_reminders", "cc"): "array",
    ("payment_reminders", "bcc"): "array",
    ("line_items", "tax_value"): "decimal",
    ("line_items", "discount"): "decimal",
    ("expenses", "vendor_id"): "integer",
    # A third party's numeric columns: cents, as money is everywhere but on services.
    **{
        ("purchase_orders", f"{total}{twin}"): "integer"
        for total in ("total_cost", "total_cost_with_tax", "total_received")
        for twin in ("", "_default", "_normalized")
    },
}


def attribute_type(resource: str, name: str, told: dict[str, Any]) -> str:
    """Our word for an attribute's type, ending in `?` where the catalogue says it can be null."""
    word = ATTRIBUTE_TYPES.get((resource, name)) or TYPES.get(told["type"]) or TYPES[told["type"].split("(")[0]]
    return word + ("?" if told["nullable"] else "")


def distilled(resource: str, told: dict[str, Any]) -> dict[str, Any]:
    """One resource of `resources.json` in the compact form of `catalogue.json`."""
    relationships = {}
    for name, target in told["relationships"].items():
        known = RELATIONSHIP_TYPES.get(name) or str(target).strip("[]")
        to_many = str(target).startswith("[") or name in PLURAL
        relationships[name] = f"[{known}]" if to_many else known
    return {
        "show": told["show_path"] is not None,
        "attributes": {
            name: attribute_type(resource, name, facts)
            for name, facts in told["attributes"].items()
            if set(facts["evidence"]) - DOUBTFUL
        },
        "relationships": relationships,
        # `$op` joins groups of any list; bare digits (companies: 1, 2) are the values of `status`, scraped as names.
        "filters": [name for name in told["filters"] if name != "$op" and not name.isdigit()],
        "sorts": told["sorts"],
    }


def from_example_file(resource: str, examples: Path) -> dict[str, Any] | None:
    """The records of a resource's example answers, or nothing where there is no such file."""
    path = examples / f"{resource}.json"
    if not path.exists():
        return None
    file = json.loads(path.read_text())
    bodies = [file["response"]]
    source = file["_source"]
    everything = examples / f"{resource}_all_seed_responses.json"
    if everything.exists():
        bodies += [answer["body"] for answer in json.loads(everything.read_text())["response"]]
        source += " (every answer on the page)"
    rows: dict[str, Any] = {}
    for body in bodies:
        data = body.get("data") or []
        for row in data if isinstance(data, list) else [data]:
            if row.get("type") == resource:
                rows[row["id"]] = row
    return {"_source": source, "_kind": file["_kind"], "_note": file["_note"], "records": list(rows.values())}


def from_catalogue_examples(resource: str, told: dict[str, Any]) -> dict[str, Any]:
    """One record made of the example values that somebody has seen, or none."""
    attributes = {
        name: facts["example"]
        for name, facts in told["attributes"].items()
        if SEEN & set(facts["evidence"]) and facts["example"] is not None
    }
    rows = [{"id": "1", "type": resource, "attributes": attributes}] if attributes else []
    return {
        "_source": "resources.json: the attributes' example values with evidence docs_example or live",
        "_kind": "composed",
        "_note": "values seen, though not necessarily on one record; the id is ours",
        "records": rows,
    }


def main() -> None:
    """Write `catalogue.json` and `recorded/` anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("resources", nargs="*")
    arguments = parser.parse_args()
    told = json.loads((arguments.source / "resources.json").read_text())
    names = arguments.resources or list(json.loads(CATALOGUE.read_text()))
    catalogue = {name: distilled(name, told[name]) for name in sorted(names)}
    CATALOGUE.write_text(json.dumps(catalogue, indent=1) + "\n")
    for name in names:
        recorded = from_example_file(name, arguments.source / "examples") or from_catalogue_examples(name, told[name])
        (RECORDED / f"{name}.json").write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
