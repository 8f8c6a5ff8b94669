"""How the organization works: roles, teams, workflows, pipelines, absences, approvals, documents and tags."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sandbox.clock import WORLD_START
from sandbox.productive.generate.billing import TAGS as INVOICE_TAGS
from sandbox.productive.generate.builder import refs
from sandbox.productive.generate.contacts import TAGS as PARTY_TAGS
from sandbox.productive.generate.contacts import users
from sandbox.productive.generate.deals import TAGS as WORK_TAGS
from sandbox.productive.generate.settings import ARCHIVED, SUBSIDIARIES
from sandbox.productive.records import Ref
from sandbox.productive.timestamps import format_timestamp

if TYPE_CHECKING:
    from sandbox.productive.generate.builder import Draft, Row, WorldBuilder
    from sandbox.productive.records import Record

ROLES = ("Admin", "Manager", "Staff", "Contractor", "Client")
JOB_ROLES = ("Designer", "Engineer", "Consultant", "Typesetter")
TEAMS = ("Design", "Engineering", "Strategy", "Operations", "Growth")
WORKFLOWS = ("Standard", "Kanban")
STATUSES = ("Not started", "Started", "Closed")
PIPELINES = ("Sales", "Production")
STAGES = ("Open", "Won", "Lost", "Delivered")
LOST_REASONS = ("Price", "Timing", "Went with a competitor", "No budget", "No answer")
DOCUMENT_STYLES = ("Classic", "Modern")
EVENTS = (
    ("Vacation", "time_off", 1),
    ("Sick leave", "time_off", 1),
    ("Parental leave", "time_off", 1),
    ("Unpaid leave", "time_off", 2),
    ("Work from home", "remote_work", 1),
    ("Conference", "remote_work", 1),
)
CALENDARS = (("Croatia", "HR"), ("Germany", "DE"))
HOLIDAYS = (("New Year", "01-01"), ("Labour Day", "05-01"), ("Assumption", "08-15"), ("Christmas", "12-25"))
HOLIDAY_YEARS = (2024, 2025, 2026)
POLICIES = (("Absences", 1), ("Budgets", 2), ("Big deals", 3))
TRACKING_POLICIES = ("Standard", "Contractors")
REMINDER_SEQUENCES = ("Standard", "Strict")
REPORT_CATEGORIES = 4
FIELD_SECTIONS = ("General", "Commercial", "Technical")
INTEGRATIONS = (
    ("Google Calendar", 9),
    ("Outlook Calendar", 12),
    ("Gmail", 25),
    ("Outlook Mail", 28),
    ("Accounting", 2),
)


def make_structure(builder: WorldBuilder) -> None:
    """Make roles first. Only the rows that belong to people grow with the scale."""
    _make_people_structure(builder)
    _make_stages(builder)
    _make_absences(builder)
    _make_approvals(builder)
    _make_documents(builder)
    _make_connections(builder)
    builder.add_for_each(
        "tags",
        sorted({*PARTY_TAGS, *WORK_TAGS, *INVOICE_TAGS}),
        lambda draft, name: ({"name": name, "color": draft.every(2, "#2a6f97")}, {}),
    )


def _make_people_structure(builder: WorldBuilder) -> None:
    staff = users(builder)

    def role(draft: Draft, name: str) -> Row:
        holders = sum(person.one("custom_role") == Ref("roles", str(draft.number)) for person in staff)
        permissions = {"projects": "write", "invoices": "read" if draft.number % 2 else "none"}
        return {
            "name": name,
            "description": f"What a {name.lower()} may do",
            "base_role_id": draft.number,
            "active_users_count": holders,
            "people_count": holders,
            "editable_by_user": draft.number > 1,
            "user_type_id": 2 if name == "Client" else 1,
            "permissions": permissions,
            "resolved_permissions": {**permissions, "reports": True},
        }, {}

    def team(draft: Draft, name: str) -> Row:
        members = [person for person in staff if Ref("teams", str(draft.number)) in person.all("teams")]
        return {"name": name, "color_id": draft.number, "icon_id": draft.every(2, 3)}, {"members": refs(members)}

    builder.add_for_each("roles", ROLES, role)
    builder.add_for_each("teams", TEAMS, team)
    builder.add_for_each(
        "job_roles",
        JOB_ROLES,
        lambda draft, name: ({"name": name, "archived_at": draft.every(4, format_timestamp(draft.updated))}, {}),
    )
    builder.add_for_each(
        "team_memberships",
        [(person, ref) for person in staff for ref in person.all("teams")],
        lambda _draft, pair: ({}, {"person": pair[0].ref, "team": pair[1]}),
    )
    typed = [(person, kind) for person in staff for kind in person.all("service_types")]
    builder.add_for_each(
        "service_type_assignments",
        typed or [(staff[0], Ref("service_types", "1"))],
        lambda _draft, pair: ({}, {"person": pair[0].ref, "service_type": pair[1]}),
    )
    builder.add_for_each(
        "time_tracking_policies",
        TRACKING_POLICIES,
        lambda draft, name: (
            {
                "name": name,
                "assigned_people_count": len(staff) if draft.number == 1 else 0,
                "working_day_limit": 600,
                "full_day_absence_limit": 0,
                "half_day_absence_limit": 240,
                "disabled_tracking_message": "Time cannot be tracked on this day",
                "limited_tracking_message": "More time than allowed",
                "note_mandatory": draft.number == 1,
            },
            {"creator": staff[0].ref, "last_actor": staff[0].ref},
        ),
    )


def _make_stages(builder: WorldBuilder) -> None:
    """Make workflows and pipelines; the ids of their statuses follow each other."""
    owner = users(builder)[0].ref

    def status(draft: Draft, pair: tuple[int, int]) -> Row:
        workflow, category = pair
        return {
            "name": STATUSES[category - 1],
            "category_id": category,
            "color_id": 3 * draft.number,
            "position": category,
        }, {"workflow": Ref("workflows", str(workflow))}

    def stage(draft: Draft, pair: tuple[int, int]) -> Row:
        pipeline, kind = pair
        return {
            "name": STAGES[kind - 1],
            "status_id": kind,
            "position": kind,
            "color_id": draft.number,
            "probability_enabled": kind == 1,
            "probability": "25.0" if kind == 1 else None,
            "lost_reason_enabled": STAGES[kind - 1] == "Lost",
            "time_tracking_enabled": pipeline == len(PIPELINES),
            "expense_tracking_enabled": pipeline == len(PIPELINES),
            "booking_tracking_enabled": True,
            "used": kind < len(STAGES),
        }, {"pipeline": Ref("pipelines", str(pipeline))}

    builder.add_for_each(
        "workflows",
        WORKFLOWS,
        lambda draft, name: (
            {"name": name},
            {
                "workflow_statuses": tuple(
                    Ref("workflow_statuses", str((draft.number - 1) * len(STATUSES) + category))
                    for category in range(1, len(STATUSES) + 1)
                )
            },
        ),
    )
    builder.add_for_each(
        "workflow_statuses",
        [(workflow, category) for workflow in range(1, len(WORKFLOWS) + 1) for category in range(1, 4)],
        status,
    )
    builder.add_for_each(
        "pipelines",
        PIPELINES,
        lambda draft, name: (
            {"name": name, "pipeline_type_id": draft.number, "position": draft.number, "icon_id": "funnel"},
            {"creator": owner, "updater": owner},
        ),
    )
    builder.add_for_each(
        "deal_statuses",
        [(pipeline, kind) for pipeline in range(1, len(PIPELINES) + 1) for kind in range(1, len(STAGES) + 1)],
        stage,
    )
    builder.add_for_each(
        "lost_reasons",
        LOST_REASONS,
        lambda draft, name: ({"name": name, "archived_at": draft.every(len(LOST_REASONS), ARCHIVED)}, {}),
    )


def _make_absences(builder: WorldBuilder) -> None:
    owner = users(builder)[0].ref

    def event(draft: Draft, values: tuple[str, str, int]) -> Row:
        name, absence, kind = values
        last = draft.number == len(EVENTS)
        return {
            "name": name,
            "absence_type": absence,
            "event_type_id": kind,
            "limitation_type_id": 2 if absence == "time_off" else 4,
            "color_id": draft.number,
            "icon_id": draft.every(2, "palm-tree"),
            "description": draft.every(2, f"{name}, as agreed"),
            "half_day_bookings": draft.number == 1,
            "status": 2 if last else 1,
            "archived_at": ARCHIVED if last else None,
        }, {}

    builder.add_for_each("events", EVENTS, event)
    builder.add_for_each(
        "holiday_calendars",
        CALENDARS,
        lambda _draft, values: ({"name": values[0], "country": values[1], "autogenerate_holidays": True}, {}),
    )
    builder.add_for_each(
        "holidays",
        [
            (calendar, name, f"{year}-{on}")
            for calendar in range(1, len(CALENDARS) + 1)
            for year in HOLIDAY_YEARS
            for name, on in HOLIDAYS
        ],
        lambda _draft, values: (
            {"name": values[1], "date": values[2]},
            {"creator": owner, "holiday_calendar": Ref("holiday_calendars", str(values[0]))},
        ),
    )


def _make_approvals(builder: WorldBuilder) -> None:
    budgets = [deal for deal in builder.rows("deals") if deal.attributes["budget"]]
    staff = users(builder)
    subjects: list[tuple[Record, str]] = [
        *((person, "1") for person in staff[:10]),
        *((budget, "2") for budget in budgets[:10]),
    ]

    def assignment(_draft: Draft, pair: tuple[Record, str]) -> Row:
        subject, policy = pair
        side = "deal" if subject.type == "deals" else "person"
        target = "budget" if side == "deal" else side
        return {"target_type": target, "target_id": subject.id}, {
            side: subject.ref,
            "approval_policy": Ref("approval_policies", policy),
        }

    builder.add_for_each(
        "approval_policies",
        POLICIES,
        lambda draft, values: (
            {
                "name": values[0],
                "type_id": values[1],
                "custom": draft.number > 1,
                "default": draft.number == 1,
                "description": draft.every(2, f"Who approves {values[0].lower()}"),
                "archived_at": draft.every(len(POLICIES), ARCHIVED),
            },
            {},
        ),
    )
    builder.add_for_each("approval_policy_assignments", subjects, assignment)


def _make_documents(builder: WorldBuilder) -> None:
    owner = users(builder)[0].ref
    companies = builder.rows("companies")
    reminders = builder.rows("payment_reminders")
    builder.add_for_each(
        "document_styles",
        DOCUMENT_STYLES,
        lambda _draft, name: ({"name": name, "styles": {"font": "Inter", "size": 10}}, {}),
    )
    builder.add_for_each(
        "payment_reminder_sequences",
        REMINDER_SEQUENCES,
        lambda draft, name: (
            {"name": name, "default_sequence": draft.number == 1},
            {"creator": owner, "updater": owner, "payment_reminders": refs(reminders) if draft.number == 1 else ()},
        ),
    )
    builder.add_for_each(
        "custom_field_sections", FIELD_SECTIONS, lambda draft, name: ({"name": name, "position": draft.number}, {})
    )
    builder.add_for_each("report_categories", range(REPORT_CATEGORIES), lambda _draft, _number: ({}, {}))
    builder.add_for_each(
        "einvoice_identities",
        [
            *({"subsidiary": Ref("subsidiaries", str(number))} for number in range(1, len(SUBSIDIARIES) + 1)),
            *({"company": company.ref} for company in companies[:8]),
        ],
        lambda _draft, owned: ({}, dict(owned)),
    )
    builder.add_for_each(
        "integration_exporter_configurations",
        companies[:6],
        lambda draft, company: (
            {"client_id": f"C-{draft.number:03}", "company_type": "customer"},
            {"company": company.ref},
        ),
    )


def _make_connections(builder: WorldBuilder) -> None:
    """Make domains and integrations: rows with credentials in them."""
    owner = users(builder)[0].ref

    def integration(draft: Draft, values: tuple[str, int]) -> Row:
        name, kind = values
        synced = WORLD_START - timedelta(hours=draft.number)
        accounting = name == "Accounting"
        return {
            "name": name,
            "integration_type_id": kind,
            "connected_at": draft.stamps()["created_at"],
            "last_synced_at": format_timestamp(synced),
            "requested_at": draft.stamps()["created_at"],
            "realm_id": "9130357" if accounting else None,
            "account_code": "4000" if accounting else None,
            "account_code_mapping": {"1": "4000"} if accounting else None,
            "calendars": None if accounting else [{"id": "primary", "name": "Work"}],
            "options": {"sync": True},
            "payments_import": accounting,
            "export_number": accounting,
            "export_attachment": accounting,
        }, {"creator": owner, "subsidiary": Ref("subsidiaries", "1") if accounting else None}

    builder.add_for_each(
        "custom_domains",
        ("billing.northwind.example", "mail.northwind.example"),
        lambda draft, name: (
            {
                "name": name,
                "allow_user_email": draft.number == 1,
                "email_sender_name": "Northwind Studio",
                "email_sender_address": f"hello@{name}",
                "mailgun_mx": [{"priority": 10, "value": "mxa.example"}],
                "mailgun_spf": "v=spf1 include:mail.example ~all",
                "verified_at": draft.stamps()["created_at"],
            },
            {"subsidiaries": (Ref("subsidiaries", str(draft.number)),)},
        ),
    )
    builder.add_for_each("integrations", INTEGRATIONS, integration)
