"""Projects and tasks, and their folders, lists and workflows."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Projects(ProductiveStream):
    """Projects, archived ones included.

    `last_activity_at` can be sorted, but not filtered by: read newest first down to the bookmark (inferred). It does
    not move on every write.
    """

    name = "projects"
    evidence = "live"
    filter_times = ("created_at",)
    sort_times = (
        "created_at",
        "last_activity_at",
    )
    replication_key = "last_activity_at"
    deleted_item_types = ("project",)
    polymorphic_references = frozenset({"template_object"})
    references = (
        "company",
        "custom_field_attachments",
        "custom_field_people",
        "last_actor",
        "project_manager",
        "template_object",
        "workflow",
    )


class ProjectAssignments(ProductiveStream):
    """Which people are on which projects."""

    name = "project_assignments"
    evidence = "live"
    uncertainty = "not in the vendor's specification since 2026-09-21"
    references = (
        "budgets_favorite_filter",
        "deals_favorite_filter",
        "docs_favorite_filter",
        "favorite_filter",
        "invoices_favorite_filter",
        "person",
        "project",
    )


class ProjectPreferences(ProductiveStream):
    """What people have set for projects that the token can see; in place of `project_assignments`."""

    name = "project_preferences"
    uncertainty = "in the vendor's specification since September 2026 only"
    references = (
        "person",
        "project",
    )


class Folders(ProductiveStream):
    """Folders of task lists, archived and hidden ones included."""

    name = "folders"
    references = ("project",)


class Boards(ProductiveStream):
    """Folders, under their former name."""

    name = "boards"
    evidence = "live"
    uncertainty = "answered with 404 for one client, which reads folders instead"
    references = ("project",)


class TaskLists(ProductiveStream):
    """Lists of tasks, archived ones included."""

    name = "task_lists"
    is_often_long = True
    evidence = "live"
    secret_fields = frozenset({"email_key"})
    references = (
        "board",
        "folder",
        "project",
    )


class Tasks(ProductiveStream):
    """Tasks, open and closed."""

    name = "tasks"
    evidence = "live"
    filter_times = (
        "created_at",
        "updated_at",
    )
    sort_times = (
        "created_at",
        "last_activity_at",
        "updated_at",
    )
    replication_key = "updated_at"
    secret_fields = frozenset({"email_key"})
    deleted_item_types = ("task",)
    polymorphic_references = frozenset({"template_object"})
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


class TaskDependencies(ProductiveStream):
    """Tasks that wait for others.

    Its filters `created_at`, `updated_at` and `deleted_at` have no matching attributes, so no bookmark can be made:
    read completely.
    """

    name = "task_dependencies"
    filter_times = (
        "created_at",
        "updated_at",
    )
    references = (
        "dependent_task",
        "reverse_dependency",
        "task",
    )


class Todos(ProductiveStream):
    """Checklists of tasks and deals."""

    name = "todos"
    references = (
        "assignee",
        "deal",
        "task",
    )


class Workflows(ProductiveStream):
    """Workflows of tasks, archived ones included."""

    name = "workflows"
    evidence = "live"
    references = ("workflow_statuses",)


class WorkflowStatuses(ProductiveStream):
    """Steps of workflows."""

    name = "workflow_statuses"
    evidence = "live"
    references = ("workflow",)


class Placeholders(ProductiveStream):
    """Placeholders in project templates. `created_at` would find only new ones: read completely."""

    name = "placeholders"
    filter_times = ("created_at",)
    sorts_by_id = True
    uncertainty = "in some versions of the vendor's specification, not in that of 2026-09-21"
    references = ("project",)


class PlaceholderUsages(ProductiveStream):
    """Where placeholders are used. No attribute is documented, so no bookmark can be made: read completely."""

    name = "placeholder_usages"
    evidence = "inferred"
    sort_times = (
        "created_at",
        "updated_at",
    )
    uncertainty = "in some versions of the vendor's specification, not in that of 2026-09-21"


class Templates(ProductiveStream):
    """Templates of budgets, deals, projects, pages, tasks and reports.

    `updated_at` can be sorted, but not filtered by. They are few, and deleted ones go to the recycle bin: read
    completely.
    """

    name = "templates"
    sort_times = (
        "created_at",
        "updated_at",
    )
    sorts_by_id = True
    uncertainty = "in the vendor's specification since September 2026 only"
    deleted_item_types = ("template",)  # inferred from the names of the others
    references = (
        "creator",
        "deal",
        "filter",
        "page",
        "project",
        "task",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Projects,
    ProjectAssignments,
    ProjectPreferences,
    Folders,
    Boards,
    TaskLists,
    Tasks,
    TaskDependencies,
    Todos,
    Workflows,
    WorkflowStatuses,
    Placeholders,
    PlaceholderUsages,
    Templates,
)
