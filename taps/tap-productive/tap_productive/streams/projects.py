"""Projects, tasks, and the time spent on them."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Projects(ProductiveStream):
    """Projects, archived ones included. `last_activity_at` sorts but does not filter: read whole."""

    name = "projects"
    varying_references = frozenset({"template_object"})
    references = (
        "company",
        "custom_field_attachments",
        "custom_field_people",
        "last_actor",
        "project_manager",
        "template_object",
        "workflow",
    )


class Tasks(ProductiveStream):
    """Tasks, open and closed."""

    name = "tasks"
    replication_key = "updated_at"  # filter and sort are documented
    varying_references = frozenset({"template_object"})
    references = (
        "assignee",
        "attachments",
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "last_actor",
        "parent_task",
        "project",
        "repeated_task",
        "service",
        "task_list",
        "template_object",
        "workflow_status",
    )


class TimeEntries(ProductiveStream):
    """Time tracked on services, in minutes."""

    name = "time_entries"
    replication_key = "updated_at"  # filter and sort are documented
    references = (
        "approval_statuses",
        "approver",
        "creator",
        "deal_subsidiary",
        "invoice_attribution",
        "last_actor",
        "person",
        "person_subsidiary",
        "rejecter",
        "service",
        "task",
        "timesheet",
        "updater",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (Projects, Tasks, TimeEntries)
