"""Builds the data files of the sandbox from the documentation's catalogue.

Run it to change the data files beside this module, which the server reads:

    python -m sandbox.productive.build_catalogue <folder with resources.json and examples/> [resource ...]

Without names, it rebuilds the resources that `catalogue.json` already has; those that the folder lacks stay.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sandbox.productive import later_documentation as later

HERE = Path(__file__).parent
CATALOGUE = HERE / "catalogue.json"
RECORDED = HERE / "recorded"
REPORTS = HERE / "reports" / "reports.json"

# An attribute that only the vendor's hand-written OpenAPI examples show probably does not exist (README 0.5).
DOUBTFUL = {"spec_example_only"}

# Evidence that an attribute's example is a documented or observed value.
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

# The most plausible type by name, where the catalogue has none or a wrong one.
RELATIONSHIP_TYPES = {
    "approval_statuses": "approval_statuses",
    "assignees": "people",
    "deal_subsidiary": "subsidiaries",
    "document_style": "document_styles",
    "invoice_attribution": "invoice_attributions",
    "payment_reminder_sequence": "payment_reminder_sequences",
    "person_subsidiary": "subsidiaries",
    # Polymorphic: the template of a project or a task.
    "template_object": "templates",
    "bill": "bills",
    "origin": "bookings",
    "payment_reminder": "payment_reminders",
    "payment_reminders": "payment_reminders",
    "subsidiaries": "subsidiaries",
    **dict.fromkeys(("recipients", "to_recipients", "cc_recipients", "bcc_recipients"), "people"),
    **{f"{of}favorite_filter": "filters" for of in ("", "budgets_", "deals_", "docs_", "invoices_")},
}

# Relationships in live answers that the catalogue lacks (live-schema-diff.md, section 3); their targets follow from
# their names.
SEEN_RELATIONSHIPS = {
    **{
        resource: {"organization": "organizations"}
        for resource in (
            "attachments",
            "boards",
            "comments",
            "deal_statuses",
            "events",
            "lost_reasons",
            "payment_reminder_sequences",
            "pipelines",
            "sections",
            "time_entry_versions",
        )
    },
    "activities": {"organization": "organizations", "role": "roles"},
    "dashboards": {"creator": "people", "organization": "organizations"},
    "pages": {"memberships": "[memberships]"},
    "sessions": {"user": "users"},
    "widgets": {"dashboard": "dashboards", "filter": "filters", "organization": "organizations"},
}

# Fields that documented filters and sorts need, of resources without documented attributes (inferred).
INFERRED = {
    "artifacts": {
        "attributes": {
            "created_at": "date-time",
            "name": "string",
            "public_access": "boolean",
            "updated_at": "date-time",
        }
    },
    "einvoice_identities": {"relationships": {"company": "companies", "subsidiary": "subsidiaries"}},
    "integration_exporter_configurations": {
        "attributes": {"client_id": "string", "company_type": "string"},
        "relationships": {"company": "companies"},
    },
    "placeholder_usages": {
        "attributes": {
            "created_at": "date-time",
            "field": "string",
            "interval_direction": "string?",
            "interval_enabled": "boolean",
            "interval_unit": "string?",
            "interval_value": "integer?",
            "skip_weekends": "boolean",
            "target_id": "integer",
            "target_type": "string",
            "updated_at": "date-time",
        },
        "relationships": {"placeholder": "placeholders", "project": "projects", "task": "tasks", "todo": "todos"},
    },
    "pulses": {"relationships": {"creator": "people", "filter": "filters"}},
    "webhook_logs": {
        "attributes": {"created_at": "date-time", "retry_attempt": "integer", "retry_job_id": "string?"},
        "relationships": {"webhook": "webhooks"},
    },
}

# Fields that filters and sorts use and that no source shows in answers.
HIDDEN = {
    "automatic_invoicing_rules": {"created_at": "date-time"},
    "agents": {"deactivated_at": "date-time?"},
    "filters": {"last_accessed_at": "date-time?", "project_id": "integer?"},
    "integrations": {"created_at": "date-time"},
    "invoice_templates": {"created_at": "date-time"},
    "resource_requests": {"deleted_at": "date-time?", "job_title": "string?", "workplace_id": "integer?"},
    "revenue_distributions": {"created_at": "date-time", "creator_id": "integer"},
    "roles": {"description": "string?"},
    "services": {"updated_at": "date-time"},
    "task_dependencies": {
        "account_id": "integer",
        "created_at": "date-time",
        "creator_id": "integer",
        "deleted_at": "date-time?",
        "updated_at": "date-time",
        "updater_id": "integer",
    },
}

# The catalogue marks only some to-many relationships with brackets: these plural names are to-many, too.
PLURAL = {
    "approval_statuses",
    "assignees",
    "attachments",
    "bcc_recipients",
    "cc_recipients",
    "expense_line_items",
    "payment_reminders",
    "recipients",
    "subsidiaries",
    "survey_fields",
    "teams",
    "to_recipients",
    "workflow_statuses",
}

# Types in live answers that contradict the catalogue (live-schema-diff.md, section 2).
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
    ("activities", "changeset"): "array",
    ("activities", "roles"): "array",
    **{
        ("activities", f"{item}_id"): "integer"
        for item in ("booking", "company", "deal", "invoice", "item", "page", "parent", "root", "task")
    },
    ("bookings", "custom_fields"): "object",
    ("bookings", "people_custom_fields"): "object",
    ("custom_domains", "mailgun_mx"): "array",
    ("dashboards", "created_at"): "date-time",
    ("dashboards", "updated_at"): "date-time",
    ("discussions", "subscriber_ids"): "array",
    ("emails", "email_recipients"): "array",
    ("events", "color_id"): "integer",
    ("filters", "params"): "object",
    ("integrations", "calendars"): "array",
    ("page_versions", "prosemirror_steps"): "array",
    ("sessions", "last_activity_at"): "date-time",
    ("sessions", "token_expires_at"): "date-time",
    # The catalogue describes a list of words as an enum of integers (enums.json, approval_status_target_type).
    ("approval_statuses", "target_type"): "string",
    # The vendor's specification says number, but real answers of other lists have a string (README 0.5).
    **{
        (resource, name): "decimal"
        for resource in ("overheads", "proposals", "resource_requests")
        for name in ("exchange_rate", "exchange_rate_normalized")
    },
    # Numeric columns of a third party, taken as cents: money is in cents everywhere but on services.
    **{
        ("purchase_orders", f"{total}{suffix}"): "integer"
        for total in ("total_cost", "total_cost_with_tax", "total_received")
        for suffix in ("", "_default", "_normalized")
    },
}


def attribute_type(resource: str, name: str, documented: dict[str, Any]) -> str:
    """Return our word for an attribute's type, ending in `?` where the catalogue says it can be null."""
    word = (
        ATTRIBUTE_TYPES.get((resource, name))
        or TYPES.get(documented["type"])
        or TYPES[documented["type"].split("(")[0]]
    )
    return word + ("?" if documented["nullable"] else "")


def catalogue_entry(resource: str, documented: dict[str, Any]) -> dict[str, Any]:
    """Return one resource of `resources.json` in the compact form of `catalogue.json`."""
    relationships = {}
    inferred = INFERRED.get(resource, {})
    for name, target in documented["relationships"].items():
        known = RELATIONSHIP_TYPES.get(name) or str(target).strip("[]")
        to_many = str(target).startswith("[") or name in PLURAL
        relationships[name] = f"[{known}]" if to_many else known
    relationships |= SEEN_RELATIONSHIPS.get(resource, {}) | inferred.get("relationships", {})
    relationships |= later.RELATIONSHIPS.get(resource, {})
    page = {
        "show": documented["show_path"] is not None,
        "attributes": inferred.get("attributes", {})
        | {
            name: attribute_type(resource, name, facts)
            for name, facts in documented["attributes"].items()
            if set(facts["evidence"]) - DOUBTFUL
        }
        | later.ATTRIBUTES.get(resource, {}),
        "relationships": dict(sorted(relationships.items())),
        # `$op` joins groups in any list; digits (companies: 1, 2) are values of `status` that were scraped as names.
        "filters": [name for name in documented["filters"] if name != "$op" and not name.isdigit()],
        "sorts": documented["sorts"],
    }
    if resource in HIDDEN:
        page["hidden"] = HIDDEN[resource]
    return page


def report_entry(report: str, documented: dict[str, Any]) -> dict[str, Any]:
    """Return one report in the compact form of `reports.json`; the types of its metrics are not documented."""
    names = later.NAMES_OF_REPORTS.get(report, {})
    return {
        kind: [*dict.fromkeys([*documented[kind], *names.get(kind, "").split()])]
        for kind in ("filters", "groups", "sorts", "attributes")
    }


def from_example_file(resource: str, examples: Path) -> dict[str, Any] | None:
    """Return the records of a resource's example answers, or None if there is no such file."""
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


def from_catalogue_examples(resource: str, documented: dict[str, Any]) -> dict[str, Any]:
    """Return one record composed of documented or observed example values, or none."""
    attributes = {
        name: facts["example"]
        for name, facts in documented["attributes"].items()
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
    """Write `catalogue.json`, `reports.json` and `recorded/`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("resources", nargs="*")
    arguments = parser.parse_args()
    documented = json.loads((arguments.source / "resources.json").read_text())
    names = arguments.resources or list(json.loads(CATALOGUE.read_text()))
    # The catalogue has what it knows of some lists that it takes for no lists.
    documented_lists = {name for name, page in documented.items() if page.get("listable", True)}
    kept = {name: page for name, page in json.loads(CATALOGUE.read_text()).items() if name not in documented_lists}
    catalogue = {name: catalogue_entry(name, documented[name]) for name in names if name in documented_lists}
    CATALOGUE.write_text(json.dumps(dict(sorted({**kept, **catalogue}.items())), indent=1) + "\n")
    reports = {
        name.removeprefix("reports/"): report_entry(name.removeprefix("reports/"), page)
        for name, page in documented.items()
        if page.get("is_report")
    }
    reports |= {name: {kind: names.split() for kind, names in page.items()} for name, page in later.REPORTS.items()}
    REPORTS.write_text(json.dumps(dict(sorted(reports.items())), indent=1) + "\n")
    for name in catalogue:
        recorded = from_example_file(name, arguments.source / "examples") or from_catalogue_examples(
            name, documented[name]
        )
        (RECORDED / f"{name}.json").write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
