"""Surveys, their questions, and the answers."""

from __future__ import annotations

from tap_productive.client import ProductiveStream


class Surveys(ProductiveStream):
    """Surveys. `created_at` would find only new ones: read completely."""

    name = "surveys"
    filter_times = ("created_at",)
    secret_fields = frozenset({"public_uuid"})
    references = (
        "creator",
        "project",
        "survey_fields",
        "updater",
    )


class SurveyFields(ProductiveStream):
    """Questions of surveys.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "survey_fields"
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    reference_types = {"options": "survey_field_options"}  # noqa: RUF012 - declared ClassVar in the base
    references = (
        "custom_field_people",
        "options",
        "origin_field",
        "survey",
    )


class SurveyFieldOptions(ProductiveStream):
    """Answers to choose from."""

    name = "survey_field_options"
    references = ("survey_field",)


class SurveyResponses(ProductiveStream):
    """Answers.

    They can be sorted by `updated_at`, but not filtered: read newest first down to the bookmark (inferred).
    """

    name = "survey_responses"
    filter_times = ("created_at",)
    sort_times = (
        "created_at",
        "updated_at",
    )
    replication_key = "updated_at"
    references = (
        "creator",
        "custom_field_attachments",
        "survey",
    )


STREAMS: tuple[type[ProductiveStream], ...] = (
    Surveys,
    SurveyFields,
    SurveyFieldOptions,
    SurveyResponses,
)
