"""The reports of Productive and what each can be grouped by, as a third party reads the specification."""

from __future__ import annotations

_GROUPS = {
    "automation_reports": "automation created_at creator enabled organization project target type updated_at",
    "booking_reports": (
        "absence_type approval_status approved_at autotracking billing_type booking budget canceled_at "
        "company created_at custom_fields date draft event organization people_custom_fields person project "
        "project_type rejected_at responsible service service_type stage_type task"
    ),
    "budget_reports": (
        "budget closed_at company contract created_at custom_fields date deal_type delivered_on "
        "designated_approver end_date last_activity_at month next_occurrence_on organization origin_deal "
        "primary_contact project project_type purchase_order_number quarter recurring recurring_ends_on "
        "recurring_interval recurring_starts_on responsible revenue_distribution_type status subsidiary "
        "tracking_type_id week year"
    ),
    "company_reports": (
        "company contact_address contact_city contact_country contact_email contact_phone contact_state "
        "contact_website contact_zipcode created_at custom_fields last_activity_at month organization "
        "parent_company quarter status subsidiary week year"
    ),
    "deal_funnel_reports": "deal_funnel deal_status organization pipeline",
    "deal_reports": (
        "company contact created_at creator custom_fields date deal deal_status deal_value_source "
        "designated_approver last_activity_at lost_reason month organization pipeline previous_deal_status "
        "primary_contact project quarter responsible revenue_distribution_base revenue_distribution_end_on "
        "revenue_distribution_start_on sales_closed_at sales_closed_on sales_status_id stage_status_id "
        "stage_updated_at subsidiary tracking_type_id week year"
    ),
    "entitlement_reports": (
        "absence_type end_date entitlement event organization people_custom_fields person start_date subsidiary"
    ),
    "expense_reports": (
        "approval_status approved_at approver company created_at creator custom_fields date deal "
        "designated_approver expense invoice invoiced invoicing_status month organization paid_on pay_on "
        "person project purchase_order quarter quote_type reimbursed_on reimbursement responsible "
        "section_name service service_type stage_type status tax_rate updated_at updater vendor week year"
    ),
    "financial_item_reports": (
        "approval_status billing_type budget company custom_fields date deal_status financial_item "
        "financial_item_type future organization origin_deal person project project_type responsible "
        "section service service_type stage_status stage_type subsidiary"
    ),
    "invoice_reports": (
        "company created_at creator currency custom_fields delivery_on einvoice_status fiscalization_status "
        "invoice invoice_aging invoice_state invoice_status invoice_type invoiced_on issuer "
        "last_activity_at month organization overdue_status paid_on pay_on payment_status quarter sent_on "
        "sent_status subsidiary week year"
    ),
    "line_item_reports": (
        "company creator expense invoice kpd_code line_item organization service service_type unit updater"
    ),
    "page_reports": "creator custom_fields organization page project updater",
    "payment_reports": "company date invoice month organization payment quarter subsidiary week year",
    "payroll_item_reports": (
        "booking company custom_fields date organization payroll_item payroll_item_type person "
        "person_status person_type role salary salary_type subsidiary time_entry"
    ),
    "person_reports": (
        "approval_policy autotracking company contact_address contact_city contact_country contact_email "
        "contact_phone contact_state contact_website contact_zipcode created_at custom_fields custom_role "
        "deactivated_at job_role joined_at last_activity_at manager month offboarding_status organization "
        "person quarter role_id shared_seat status subsidiary type week year"
    ),
    "price_reports": (
        "booking_tracking_enabled company currency expense_tracking_enabled organization price rate_card "
        "rate_card_status service_type time_tracking_enabled"
    ),
    "project_reports": (
        "company created_at custom_fields last_activity_at month organization project project_manager "
        "project_status project_type quarter week year"
    ),
    "proposal_reports": (
        "company created_at creator currency date_signed deal link_status organization proposal responsible "
        "sent_at signed status status_changed_at subsidiary updated_at"
    ),
    "resource_request_reports": (
        "booking_method created_at creator custom_fields deal_or_budget_report.custom_fields ended_on "
        "organization resolver resource_request service service_type started_on status subsidiary"
    ),
    "salary_reports": "date organization overhead people_custom_fields person salary salary_type_id",
    "service_reports": (
        "billable billing_type booking_tracking_enabled budget budget_cap_enabled budget_custom_fields "
        "budget_status company custom_fields date deal_custom_fields deal_status expense_tracking_enabled "
        "limitation_type organization origin_deal pipeline project project_type recurring responsible "
        "sales_status section section_name service service_type stage_status stage_type subsidiary "
        "time_tracking_enabled unit"
    ),
    "survey_reports": "creator organization project survey updater",
    "task_reports": (
        "assignee board closed_at company created_at creator custom_fields due_date folder last_activity_at "
        "last_actor month organization parent_task project quarter repeating service start_date status task "
        "task_list week workflow workflow_status workflow_status_category_id year"
    ),
    "time_entry_reports": (
        "approval_policy approver autotracked billing_type budget company created_at creator custom_fields "
        "date day deal_subsidiary designated_approver ended_at intercompany_hours invoice invoiced "
        "invoicing_status jira_issue_id jira_issue_status jira_issue_summary last_activity_at last_actor "
        "month organization overhead people_custom_fields person person_manager person_subsidiary project "
        "project_type_id quarter responsible section_name service service_type stage_type started_at status "
        "task task_list time_entry track_method_id unit_id week year"
    ),
    "time_reports": (
        "billing_type budget company date day event future job_role manager month organization "
        "people_custom_fields person project quarter service service_type stage_type subsidiary week year"
    ),
    "timesheet_reports": "organization person week",
}

GROUPS = {name: frozenset(groups.split()) for name, groups in _GROUPS.items()}
"""What each report can be grouped by."""

_RECORDS = (
    "approval_policy approver assignee automation board booking budget company contact contract creator "
    "custom_role deal deal_status deal_subsidiary designated_approver entitlement event expense folder "
    "invoice issuer job_role last_actor line_item lost_reason manager origin_deal page parent_company "
    "parent_task payment person person_manager person_subsidiary pipeline previous_deal_status price "
    "primary_contact project project_manager proposal purchase_order rate_card resolver "
    "resource_request responsible role salary section service service_type subsidiary survey task "
    "task_list tax_rate time_entry updater vendor workflow workflow_status"
)

RECORDS = frozenset(_RECORDS.split())
"""The groups that are records: a row holds their id in a relationship."""

PERIODS = frozenset({"day", "week", "month", "quarter", "year"})
"""What a date can be rounded to, after a colon: `date:month` (guide "Reports")."""


def is_date(group: str) -> bool:
    """Whether a group is a date or a time, by its name: then it can be rounded to one of `PERIODS`.

    Args:
        group: One of `GROUPS`.
    """
    return group in {"date", "date_signed"} or group.endswith(("_date", "_at", "_on"))
