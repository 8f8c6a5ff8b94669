"""The base of every tap."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from singer_rest_core.command import OneLineCommand
from singer_rest_core.sdk_internals import IndependentStreamsTap
from singer_rest_core.settings import date_faults, secret_faults, url_faults
from singer_rest_core.transport import Transport, TransportOptions

if TYPE_CHECKING:
    import click
    import requests

    from singer_rest_core.errors import RequestFailed, StreamUnavailable

_SECONDS_A_MINUTE = 60


class RestTap(IndependentStreamsTap):
    """A tap for a REST API: one transport for all its streams, errors in one line, streams independent of each other.

    A tap gives `config_jsonschema` (see `settings.settings_schema`), `discover_streams`, `authenticate` and
    `refusal_hint`.
    """

    refusal_hint: str = "Check the credentials"
    """What the user should do about a 401, as a clause."""

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the credentials into a request.

        Args:
            request: A request to the configured origin.

        Returns:
            The request with the credentials.

        Raises:
            NotImplementedError: If the tap does not say how.
        """
        msg = f"{type(self).__name__} does not say how it authenticates"
        raise NotImplementedError(msg)

    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        """Check the credentials when a stream is refused (403, 404) before any request was accepted.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If it is not this stream but the account that is refused.
        """

    @cached_property
    def transport(self) -> Transport:
        """The door to the API, shared by all streams."""
        config = self.config
        return Transport(
            TransportOptions(
                api_url=config["api_url"],
                authenticate=self.authenticate,
                user_agent=config.get("user_agent") or f"{self.name}/{self.plugin_version}",
                request_timeout=float(config["request_timeout"]),
                max_wait=float(config["max_wait_minutes"]) * _SECONDS_A_MINUTE,
                secrets=self.secrets,
                refusal_hint=self.refusal_hint,
            ),
            self.logger,
        )

    @property
    def secrets(self) -> list[str]:
        """The values of the secret settings, for keeping them out of messages."""
        properties = self.config_jsonschema["properties"]
        return [
            str(self.config[name]) for name, entry in properties.items() if entry.get("secret") and name in self.config
        ]

    def settings_faults(self) -> list[str]:
        """Check `api_url`, `start_date` and the secrets.

        Returns:
            A line for each fault.
        """
        return (
            url_faults(self._config, "api_url")
            + date_faults(self._config, "start_date")
            + secret_faults(self.config_jsonschema, self._config)
        )

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Give the command line, with errors in one line.

        Returns:
            A click command.
        """
        return OneLineCommand.of(super().get_singer_command(), cls.logger)
