"""What people write: pages, comments, e-mails, files, and the log of what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_productive.client import ProductiveStream

if TYPE_CHECKING:
    from singer_sdk import Tap


class Activities(ProductiveStream):
    """What happened to which record: `item_type` and `item_id`. Rows are only added, as far as known.

    Read from the bookmark with the filter `after`, whose order is not documented: the bookmark moves at the end
    (inferred).
    """

    name = "activities"
    evidence = "live"
    filter_times = (
        "after",
        "created_at",
    )
    replication_key = "created_at"
    since_filter = "after"
    references = (
        "attachment",
        "comment",
        "creator",
        "email",
    )

    def __init__(self, tap: Tap) -> None:
        """Make the stream of a tap."""
        super().__init__(tap)
        if self.config.get("change_detection") == "activities":
            self.turn = -1  # the lists after it are read by what it names


class Comments(ProductiveStream):
    """Comments. `created_at` would find only new ones: read completely."""

    name = "comments"
    is_often_long = True
    evidence = "live"
    sort_times = ("created_at",)
    references = (
        "attachments",
        "company",
        "creator",
        "deal",
        "discussion",
        "invoice",
        "person",
        "pinned_by",
        "project",
        "purchase_order",
        "task",
    )


class Attachments(ProductiveStream):
    """Files; their content is not read."""

    name = "attachments"
    evidence = "live"
    sorts_by_id = True
    secret_fields = frozenset({"temp_url"})
    # It may be signed anew in each answer (inferred); a file does not change under its id.
    volatile_columns = frozenset({"url"})
    references = (
        "bill",
        "comment",
        "creator",
        "deal",
        "document_style",
        "document_type",
        "email",
        "expense",
        "invoice",
        "page",
        "purchase_order",
        "task",
    )


class Discussions(ProductiveStream):
    """Discussions on pages.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "discussions"
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    references = ("page",)


class Emails(ProductiveStream):
    """E-mails on deals and invoices. The filters take their date: read completely."""

    name = "emails"
    references = (
        "attachments",
        "bcc_recipients",
        "cc_recipients",
        "creator",
        "deal",
        "invoice",
        "payment_reminder",
        "recipients",
        "thread",
        "to_recipients",
    )


class Notifications(ProductiveStream):
    """Notifications of the token's person.

    `last_action_at` can be filtered, but not sorted by: the bookmark moves at the end (inferred). It does not move when
    a notification is read.
    """

    name = "notifications"
    filter_times = ("last_action_at",)
    replication_key = "last_action_at"
    reference_types = {"owner": "organization_memberships"}  # noqa: RUF012 - declared ClassVar in the base
    references = (
        "actor",
        "owner",
    )


class Pages(ProductiveStream):
    """Pages of the docs.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "pages"
    evidence = "live"
    filter_times = (
        "created_at",
        "last_activity_at",
    )
    sort_times = (
        "created_at",
        "last_activity_at",
        "updated_at",
    )
    replication_key = "updated_at"
    secret_fields = frozenset({"public_uuid"})
    deleted_item_types = ("page",)
    polymorphic_references = frozenset({"template_object"})
    references = (
        "attachments",
        "creator",
        "parent_page",
        "project",
        "root_page",
        "template_object",
    )


class PageVersions(ProductiveStream):
    """Versions of pages.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "page_versions"
    evidence = "live"
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    references = (
        "page",
        "person",
    )


class Artifacts(ProductiveStream):
    """Artifacts. No attribute is documented, so no bookmark can be made: read completely."""

    name = "artifacts"
    evidence = "inferred"
    filter_times = ("created_at",)
    sort_times = (
        "created_at",
        "updated_at",
    )
    uncertainty = "in the vendor's specification since September 2026 only"
    references = (
        "attachment",
        "creator",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Activities,
    Comments,
    Attachments,
    Discussions,
    Emails,
    Notifications,
    Pages,
    PageVersions,
    Artifacts,
)
