"""Tables of the documented filters and sorts whose names do not say which field they refer to.

Paths are as in `fields.refs_along`. Names that the documentation does not explain are interpreted by their words.
"""

from __future__ import annotations

from typing import Literal

from sandbox.productive.fields import Kind

_BUDGETS = "~invoice_attributions.invoice/budget"

FILTER_PATHS = {
    ("invoices", "deal_id"): _BUDGETS,
    ("invoices", "project_id"): f"{_BUDGETS}/project",
    ("invoices", "parent_company_id"): "company/parent_company",
    ("payments", "company_id"): "invoice/company",
    ("payments", "subsidiary_id"): "invoice/subsidiary",
    ("payments", "budget_id"): f"invoice/{_BUDGETS}",
    ("payments", "project_id"): f"invoice/{_BUDGETS}/project",
    ("line_items", "company_id"): "invoice/company",
    ("companies", "company_id"): "",
    ("companies", "project_id"): "~projects.company",
    ("companies", "subsidiary_id"): "default_subsidiary",
    ("projects", "project_id"): "",
    ("projects", "budget_id"): "~deals.project",
    ("projects", "parent_company_id"): "company/parent_company",
    ("projects", "responsible_id"): "project_manager",
    ("deals", "parent_company_id"): "company/parent_company",
    ("services", "budget_id"): "deal",
    ("services", "project_id"): "deal/project",
    ("services", "company_id"): "deal/company",
    ("services", "responsible_id"): "deal/responsible",
    ("services", "subsidiary_id"): "deal/subsidiary",
    ("services", "contract_id"): "deal/contract",
    ("services", "deal_status_id"): "deal/deal_status",
    ("services", "pipeline_id"): "deal/pipeline",
    ("services", "task_id"): "~tasks.service",
    ("time_entries", "budget_id"): "service/deal",
    ("time_entries", "deal_id"): "service/deal",
    ("time_entries", "project_id"): "service/deal/project",
    ("time_entries", "company_id"): "service/deal/company",
    ("time_entries", "parent_company_id"): "service/deal/company/parent_company",
    ("time_entries", "responsible_id"): "service/deal/responsible",
    ("time_entries", "project_manager_id"): "service/deal/project/project_manager",
    ("time_entries", "service_type_id"): "service/service_type",
    ("time_entries", "task_list_id"): "task/task_list",
    ("time_entries", "invoice_id"): "invoice_attribution/invoice",
    ("tasks", "company_id"): "project/company",
    ("tasks", "project_manager_id"): "project/project_manager",
    ("tasks", "workflow_id"): "project/workflow",
    ("tasks", "board_id"): "task_list/board",
    ("tasks", "folder_id"): "task_list/folder",
    ("expenses", "company_id"): "deal/company",
    ("expenses", "project_id"): "deal/project",
    ("expenses", "responsible_id"): "deal/responsible",
    ("expenses", "invoice_id"): "invoice_attribution/invoice",
    ("purchase_orders", "project_id"): "deal/project",
    ("people", "service_type_id"): "service_types",
    ("people", "team"): "teams",
    ("tax_rates", "subsidiary"): "subsidiary",
    ("templates", "task_project_id"): "task/project",
    ("service_types", "person_id"): "~service_type_assignments.service_type/person",
    ("activities", "participant_id"): "creator",
    ("attachments", "company_id"): "invoice/company",
    ("attachments", "project_id"): "task/project",
    ("boards", "project"): "project",
    ("bookings", "budget_id"): "service/deal",
    ("bookings", "company_id"): "service/deal/company",
    ("bookings", "person_subsidiary_id"): "person/subsidiary",
    ("bookings", "project_id"): "service/deal/project",
    ("comments", "commentable_project_id"): "project",
    ("comments", "page_id"): "discussion/page",
    ("comments", "responsible_id"): "deal/responsible",
    ("emails", "company_id"): "invoice/company",
    ("emails", "recipient_id"): "recipients",
    ("folders", "project"): "project",
    ("invoice_templates", "company_id"): "budget/company",
    ("placeholders", "usage_project_id"): "~placeholder_usages.placeholder/project",
    ("proposals", "company_id"): "client",
    ("resource_requests", "service_type_id"): "service/service_type",
    ("resource_requests", "subsidiary_id"): "service/deal/subsidiary",
    ("sections", "budget_id"): "deal",
    ("survey_field_options", "custom_field_id"): "survey_field",
    ("survey_fields", "project_id"): "survey/project",
    ("task_dependencies", "project_id"): "task/project",
    ("task_lists", "board"): "board",
    ("task_lists", "project"): "project",
    ("time_tracking_policies", "person_id"): "~people.time_tracking_policy",
}

# An attribute of the rows at the end of a path.
FILTER_ATTRIBUTES = {
    ("bookings", "billing_type_id"): ("service", "billing_type_id", Kind.NUMBER),
    ("bookings", "project_type"): ("service/deal/project", "project_type_id", Kind.NUMBER),
    ("comments", "sales_status_id"): ("deal", "sales_status_id", Kind.NUMBER),
    ("comments", "workflow_status_category_id"): ("task/workflow_status", "category_id", Kind.NUMBER),
    ("deal_statuses", "pipeline_type_id"): ("pipeline", "pipeline_type_id", Kind.NUMBER),
    ("deals", "project_type"): ("project", "project_type_id", Kind.NUMBER),
    ("deals", "stage_status_id"): ("deal_status", "status_id", Kind.NUMBER),
    ("expenses", "section_name"): ("service/section", "name", Kind.TEXT),
    ("payments", "number"): ("invoice", "number", Kind.TEXT),
    ("services", "project_type"): ("deal/project", "project_type_id", Kind.NUMBER),
    ("services", "sales_status_id"): ("deal", "sales_status_id", Kind.NUMBER),
    ("services", "stage_status_id"): ("deal/deal_status", "status_id", Kind.NUMBER),
    ("tasks", "board_name"): ("task_list/board", "name", Kind.TEXT),
    ("tasks", "folder_name"): ("task_list/folder", "name", Kind.TEXT),
    ("tasks", "project_type"): ("project", "project_type_id", Kind.NUMBER),
    ("tasks", "task_list_name"): ("task_list", "name", Kind.TEXT),
    ("tasks", "workflow_status_category_id"): ("workflow_status", "category_id", Kind.NUMBER),
    ("time_entries", "billing_type_id"): ("service", "billing_type_id", Kind.NUMBER),
    ("time_entries", "project_type_id"): ("service/deal/project", "project_type_id", Kind.NUMBER),
    ("time_entries", "section_name"): ("service/section", "name", Kind.TEXT),
    ("time_entries", "unit_id"): ("service", "unit_id", Kind.NUMBER),
}

# The name of another attribute.
FILTER_ALIASES = {
    ("invoices", "tags"): "tag_list",
    ("companies", "tags"): "tag_list",
    ("people", "tags"): "tag_list",
    ("deals", "tags"): "tag_list",
    ("tasks", "tags"): "tag_list",
    ("companies", "subscriber_id"): "subscriber_ids",
    ("companies", "payment_terms"): "due_days",
    ("tasks", "subscriber_id"): "subscriber_ids",
    ("activities", "normalized_item_type"): "item_type",
    ("attachments", "type"): "attachable_type",
    ("contracts", "contract_interval_id"): "interval_id",
    ("notifications", "project_id"): "root_id",
    ("sessions", "creator_id"): "user_id",
    ("time_entry_versions", "time_entry_id"): "item_id",
    ("time_entries", "base_cost"): "work_cost",
}

Bound = Literal["gt_eq", "lt_eq"]

# The date or instant that `after` and `before` compare. Both bounds are inclusive (not documented).
WINDOWS: dict[tuple[str, str], tuple[str, Bound]] = {
    ("time_entries", "after"): ("date", "gt_eq"),
    ("time_entries", "before"): ("date", "lt_eq"),
    ("tasks", "after"): ("due_date", "gt_eq"),
    ("tasks", "before"): ("due_date", "lt_eq"),
    # The time of the activity (README 4).
    ("activities", "after"): ("created_at", "gt_eq"),
    ("activities", "before"): ("created_at", "lt_eq"),
    # Bookings that overlap the window.
    ("bookings", "after"): ("ended_on", "gt_eq"),
    ("bookings", "before"): ("started_on", "lt_eq"),
    ("emails", "after"): ("created_at", "gt_eq"),
    ("emails", "before"): ("created_at", "lt_eq"),
    ("holidays", "after"): ("date", "gt_eq"),
    ("holidays", "before"): ("date", "lt_eq"),
    ("notifications", "after"): ("last_action_at", "gt_eq"),
    ("notifications", "before"): ("last_action_at", "lt_eq"),
    ("notifications", "date_after"): ("last_action_at", "gt_eq"),
    ("notifications", "date_before"): ("last_action_at", "lt_eq"),
    ("salaries", "after"): ("started_on", "gt_eq"),
    ("salaries", "before"): ("started_on", "lt_eq"),
    ("webhook_logs", "after"): ("created_at", "gt_eq"),
    ("webhook_logs", "before"): ("created_at", "lt_eq"),
}

SORT_PATHS = {
    ("payments", "invoice.number"): ("invoice", "number"),
    ("payments", "invoice_number"): ("invoice", "number"),
    ("payments", "invoice.deal.name"): (f"invoice/{_BUDGETS}", "name"),
    ("payments", "invoice.deal.company.name"): (f"invoice/{_BUDGETS}/company", "name"),
    ("payments", "invoice.deal.project.name"): (f"invoice/{_BUDGETS}/project", "name"),
    ("services", "budget"): ("deal", "name"),
    ("services", "company"): ("deal/company", "name"),
    ("services", "project_name"): ("deal/project", "name"),
    ("time_entries", "deal_name"): ("service/deal", "name"),
    ("tasks", "board_name"): ("task_list/board", "name"),
    ("tasks", "company_name"): ("project/company", "name"),
    ("tasks", "folder_name"): ("task_list/folder", "name"),
    ("task_lists", "company_name"): ("project/company", "name"),
    ("expenses", "deal_company_name"): ("deal/company", "name"),
    ("expenses", "deal.company.name"): ("deal/company", "name"),
    ("expenses", "deal_project_name"): ("deal/project", "name"),
    ("expenses", "deal.project.name"): ("deal/project", "name"),
    ("expenses", "tax_rate_id"): ("tax_rate", "name"),
    ("purchase_orders", "deal_id"): ("deal", "name"),
    ("purchase_orders", "vendor_id"): ("vendor", "name"),
}

# A numeric attribute of the row at the end of a path, or its id if no attribute is given.
SORT_NUMBERS = {
    ("deals", "stage_status"): ("deal_status", "status_id"),
    ("survey_fields", "project_id"): ("survey/project", ""),
    ("tasks", "board_position"): ("task_list/board", "position"),
    ("tasks", "folder_position"): ("task_list/folder", "position"),
    ("tasks", "task_list_position"): ("task_list", "position"),
    ("tasks", "workflow_status_position"): ("workflow_status", "position"),
}

SORT_ALIASES = {
    ("payments", "date"): "paid_on",
    ("tasks", "last_activity"): "last_activity_at",
}
