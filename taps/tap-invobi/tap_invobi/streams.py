"""The lists of Invobi without pages."""

from __future__ import annotations

from tap_invobi.client import UnpagedList


class Prompts(UnpagedList):
    """Saved prompts. They can be edited, and no time of change exists: read completely."""

    name = "prompts"
    path = "/prompts"
    member = "prompts"
    primary_keys = ("id",)


class PromptLabels(UnpagedList):
    """Names of the labels of prompts. The API gives plain texts: read completely."""

    name = "prompt_labels"
    path = "/prompts/labels"
    member = "labels"
    value_column = "name"
    primary_keys = ("name",)
