"""The lists of Invobi."""

from __future__ import annotations

from tap_invobi.client import PagedList, WholeList


class Invoices(PagedList):
    """Invoices as the list shows them. No time of change exists: read completely."""

    name = "invoices"


class Prompts(WholeList):
    """Saved prompts. They can be edited, and no time of change exists: read completely."""

    name = "prompts"
    path = "/prompts"
    member = "prompts"
    primary_keys = ("id",)


class PromptLabels(WholeList):
    """Names of the labels that prompts have. The API gives bare texts: read completely."""

    name = "prompt_labels"
    path = "/prompts/labels"
    member = "labels"
    bare_column = "name"
    primary_keys = ("name",)
