"""The command line: settings, one-line errors, progress, log lines."""

from singer_rest_core.cli.command import TapCommand
from singer_rest_core.cli.environment_settings import environment_settings
from singer_rest_core.cli.log_lines import StreamNameFilter
from singer_rest_core.cli.progress import Progress
from singer_rest_core.cli.settings import (
    date_errors,
    header_errors,
    schema_errors,
    settings_schema,
    unknown_settings,
    url_errors,
    with_defaults,
)
from singer_rest_core.cli.stale_install import stale_installs

__all__ = [
    "Progress",
    "StreamNameFilter",
    "TapCommand",
    "date_errors",
    "environment_settings",
    "header_errors",
    "schema_errors",
    "settings_schema",
    "stale_installs",
    "unknown_settings",
    "url_errors",
    "with_defaults",
]
