"""Tracked time, bookings, and absence."""

from __future__ import annotations

from tap_productive.change_feed import Feed
from tap_productive.client import ProductiveStream


class TimeEntries(ProductiveStream):
    """Time tracked on services, in minutes."""

    name = "time_entries"
    evidence = "live"
    filter_times = (
        "created_at",
        "last_activity_at",
        "updated_at",
    )
    sort_times = ("updated_at",)
    replication_key = "updated_at"
    deleted_item_types = ("time_entry",)
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


class TimeEntryVersions(ProductiveStream):
    """What was changed in time entries. Rows are only added."""

    name = "time_entry_versions"
    evidence = "live"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    replication_key = "created_at"
    references = ("creator",)


class Timers(ProductiveStream):
    """Running and stopped timers. `started_at` would find only new ones: read completely."""

    name = "timers"
    evidence = "live"
    filter_times = ("started_at",)
    sort_times = ("started_at",)
    references = ("time_entry",)


class Timesheets(ProductiveStream):
    """Days whose time a person has submitted. `date` would find only new ones: read completely."""

    name = "timesheets"
    filter_times = ("date",)
    sort_times = ("date",)
    sorts_by_id = True
    references = (
        "creator",
        "person",
    )


class TimeTrackingPolicies(ProductiveStream):
    """How time may be tracked, archived ones included."""

    name = "time_tracking_policies"
    references = (
        "creator",
        "last_actor",
    )


class Bookings(ProductiveStream):
    """Planned work and absences, drafts included: `draft` says which.

    Whether canceled ones are in the list is not documented. `updated_at` can be filtered, but not sorted by: the
    bookmark moves at the end (inferred). `people_custom_fields` is personal data of the booked person, and not selected
    by default.
    """

    name = "bookings"
    evidence = "live"
    deselected_by_default = frozenset({"people_custom_fields"})
    filter_times = (
        "created_at",
        "last_activity_at",
        "updated_at",
    )
    sort_times = ("last_activity_at",)
    replication_key = "updated_at"
    required_filters = (("with_draft", "true"),)
    deleted_item_types = ("booking",)
    references = (
        "approval_statuses",
        "approver",
        "attachments",
        "canceler",
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "event",
        "origin",
        "person",
        "rejecter",
        "service",
        "task",
        "updater",
    )


class ResourceRequests(ProductiveStream):
    """Requests for people's time. `created_at` would find only new ones: read completely."""

    name = "resource_requests"
    filter_times = ("created_at",)
    sort_times = ("created_at",)
    feed = Feed("id", item_type="ResourceRequest")
    references = (
        "creator",
        "custom_field_attachments",
        "custom_field_people",
        "resolver",
        "service",
    )


class Events(ProductiveStream):
    """Types of absence, archived ones included."""

    name = "events"
    evidence = "live"
    deleted_item_types = ("event",)


class Entitlements(ProductiveStream):
    """How much absence a person may take. The filter `date` takes their period: read completely."""

    name = "entitlements"
    evidence = "live"
    references = (
        "approval_workflow",
        "event",
        "person",
    )


class Holidays(ProductiveStream):
    """Public holidays. The filters take their date: read completely."""

    name = "holidays"
    evidence = "live"
    references = (
        "creator",
        "holiday_calendar",
    )


class HolidayCalendars(ProductiveStream):
    """Calendars of public holidays."""

    name = "holiday_calendars"
    evidence = "live"


STREAMS: tuple[type[ProductiveStream], ...] = (
    TimeEntries,
    TimeEntryVersions,
    Timers,
    Timesheets,
    TimeTrackingPolicies,
    Bookings,
    ResourceRequests,
    Events,
    Entitlements,
    Holidays,
    HolidayCalendars,
)
