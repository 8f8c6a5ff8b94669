"""What the catalogue of the documentation lacks, as it is older: for `build_catalogue`.

Attributes and relationships are those of answers that others recorded in September 2026; reports and their names are
those of the vendor's specification at that time. Lists that the catalogue lacks stand in `catalogue.json` itself.
"""

from __future__ import annotations

ATTRIBUTES = {
    "companies": {"domains": "array", "payment_terms_type": "string?"},
    "deals": {
        "deal_value": "decimal",
        "deal_value_source": "string",
        "deal_value_total": "integer",
        "deal_value_total_default": "integer",
        "deal_value_total_normalized": "integer",
        "overtime_enabled": "boolean",
        "retainer_interval": "string?",
        "retainer_interval_count": "integer",
        "revenue_distribution_base": "string",
        "revenue_distribution_end_on": "date?",
        "revenue_distribution_start_on": "date?",
        "time_entry_requirements": "array",
    },
    "organization_memberships": {
        "favorited_models": "array?",
        "notetaker_settings": "object",
        "recent_data": "array",
    },
    "people": {"ai_assistant_instructions": "string?"},
    "services": {
        "discount_type": "string",
        "external_id": "string?",
        "future_tentative_booked_time": "integer",
        "tentative_booked_time": "integer",
    },
    "time_entries": {
        "calendar_event_recurring_id": "string?",
        "draft": "boolean",
        "overtime": "boolean",
        "overtime_cost_multiplier": "decimal",
    },
}
"""By resource: types by name, as in `catalogue.json`."""

RELATIONSHIPS = {
    "deals": {"primary_contact": "people"},
    "people": {"job_role": "job_roles"},
}
"""By resource: related types by name, as in `catalogue.json`."""

REPORTS = {
    "automation_reports": {
        "filters": (
            "agent_id automatable_type created_at creator_id enabled exclude_template_projects id name project_id "
            "query resolve_on_all_projects survey_id target_id type_id updated_at"
        ),
        "groups": "automation created_at creator enabled organization project target type updated_at",
        "sorts": (
            "automation_created_at automation_updated_at count created_at creator description enabled name project "
            "target_id type_id updated_at"
        ),
        "attributes": (
            "count group formula_fields name description enabled type_id target_id resolve_on_all_projects created_at "
            "updated_at"
        ),
    },
    "resource_request_reports": {
        "filters": (
            "created_at creator_id custom_fields deleted_at ended_on id job_title query resolved_at resolver_id "
            "service_id service_type_id started_on status subsidiary_id tags team_id time time_to_close title "
            "workplace_id"
        ),
        "groups": (
            "booking_method created_at creator custom_fields deal_or_budget_report.custom_fields ended_on organization "
            "resolver resource_request service service_type started_on status subsidiary"
        ),
        "sorts": (
            "booking_method created_at creator custom_fields deal_or_budget_report.custom_fields ended_on resolver "
            "resource_request resource_request_created_at resource_request_ended_on resource_request_started_on "
            "service service_type started_on status subsidiary"
        ),
        "attributes": "count group formula_fields status booking_method currency total_max_cost_per_hour",
    },
}
"""Reports that the catalogue lacks."""

NAMES_OF_REPORTS = {
    "deal_reports": {
        "filters": "deal_value_source",
        "groups": (
            "deal_value_source revenue_distribution_base revenue_distribution_end_on revenue_distribution_start_on"
        ),
    },
    "expense_reports": {"filters": "updated_at updater_id", "groups": "updated_at updater"},
    "financial_item_reports": {
        "filters": "description total_billable_scheduled_time total_billable_worked_time",
    },
    "person_reports": {"filters": "job_role_id shared_seat", "groups": "job_role shared_seat"},
    "task_reports": {"filters": "booked_time future_booked_time left_to_schedule_time net_unplanned_time"},
    "time_entry_reports": {
        "filters": "person_manager_id",
        "groups": "person_manager",
        "sorts": "person_manager",
    },
    "time_reports": {"filters": "job_role_id", "groups": "job_role", "sorts": "job_role"},
}
"""By report: names that the catalogue lacks."""
