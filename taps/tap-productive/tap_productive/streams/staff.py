"""Staff: salaries, teams, roles, approvals, user accounts."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Salaries(ProductiveStream):
    """Salaries: what people cost. Its filters take their period: read completely."""

    name = "salaries"
    evidence = "live"
    references = (
        "holiday_calendar",
        "person",
    )


class Teams(ProductiveStream):
    """Teams."""

    name = "teams"
    references = ("members",)


class TeamMemberships(ProductiveStream):
    """Who is in which team."""

    name = "team_memberships"
    references = (
        "person",
        "team",
    )


class Roles(ProductiveStream):
    """Roles and what they permit."""

    name = "roles"


class JobRoles(ProductiveStream):
    """Job roles, archived ones included. `updated_at` can be neither filtered nor sorted by: read completely."""

    name = "job_roles"
    uncertainty = "in the vendor's specification since September 2026 only"


class ApprovalPolicies(ProductiveStream):
    """Who approves what, archived ones included."""

    name = "approval_policies"


class ApprovalWorkflows(ProductiveStream):
    """Who approves absences, time and expenses.

    The vendor's specification has no such list, but one client has read it with an administrator's token.
    """

    name = "approval_workflows"
    uncertainty = "not in the vendor's specification"
    references = (
        "approval_policy",
        "approvers",
        "event",
        "subscribers",
    )


class ApprovalPolicyAssignments(ProductiveStream):
    """What an approval policy applies to."""

    name = "approval_policy_assignments"
    references = (
        "approval_policy",
        "deal",
        "person",
    )


class ApprovalStatuses(ProductiveStream):
    """What was or is to be approved, and by whom."""

    name = "approval_statuses"
    uncertainty = "in the vendor's specification since September 2026 only"
    reference_types = {"approval_workflow": "approval_policies"}  # noqa: RUF012 - declared ClassVar in the base
    references = (
        "actual_approver",
        "approval_workflow",
        "approver",
        "booking",
        "expense",
        "time_entry",
    )


class Users(ProductiveStream):
    """The user account of the token's person, one row: not those of the organization, which are in `people`."""

    name = "users"
    evidence = "live"
    ignores_organization = True
    secret_fields = frozenset({"ical_token", "intercom_hash"})


class Sessions(ProductiveStream):
    """Sessions and tokens of the token's person, without their secrets.

    `last_activity_at` can be sorted, but not filtered by: read newest first down to the bookmark (inferred).
    `last_ip` is personal data, and not selected by default.
    """

    name = "sessions"
    evidence = "live"
    deselected_by_default = frozenset({"last_ip"})
    sort_times = ("last_activity_at",)
    sorts_by_id = True
    replication_key = "last_activity_at"
    secret_fields = frozenset({"token", "token_expires_at"})


class Memberships(ProductiveStream):
    """Who has access to what."""

    name = "memberships"
    evidence = "live"
    references = (
        "agent",
        "dashboard",
        "deal",
        "filter",
        "page",
        "person",
        "project",
        "survey",
        "team",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Salaries,
    Teams,
    TeamMemberships,
    Roles,
    JobRoles,
    ApprovalPolicies,
    ApprovalWorkflows,
    ApprovalPolicyAssignments,
    ApprovalStatuses,
    Users,
    Sessions,
    Memberships,
)
