"""The base of every tap."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from singer_rest_core.api.client import ApiClient
from singer_rest_core.api.client_options import ClientOptions
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.cli.about import about_text
from singer_rest_core.cli.access_table import TriedStream, access_table
from singer_rest_core.cli.command import TapCommand
from singer_rest_core.cli.log_lines import hide_metrics, redact_log
from singer_rest_core.cli.settings import date_errors, header_errors, url_errors
from singer_rest_core.cli.stale_install import stale_installs
from singer_rest_core.clock import Clock, time_span
from singer_rest_core.errors import RunEnded
from singer_rest_core.redaction import redact
from singer_rest_core.run import Run
from singer_rest_core.singer.sdk_tap import SdkTap
from singer_rest_core.singer.writer import ExactWriter
from singer_rest_core.streams.base import BaseStream
from singer_rest_core.streams.rest import RestStream
from singer_rest_core.streams.run_warnings import listed, run_warnings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import click
    import requests
    from singer_sdk import Stream
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.rate_limit_rules import Rule
    from singer_rest_core.errors import RequestFailed, StreamUnavailable
    from singer_rest_core.singer.result import RunResult

_SECONDS_A_MINUTE = 60
_LONG_WAIT = 15.0
"""Seconds; shorter waits are the even flow of an API with a limit, and not worth a word."""


class RestTap(SdkTap):
    """A tap for a REST API: one client for all its streams, errors in one line, streams independent of each other.

    A tap gives `config_jsonschema` (see `settings.settings_schema`), `discover_streams`, `authenticate` and
    `refusal_hint`.
    """

    refusal_hint: str = "Check the credentials"
    """What the user should do about a 401, as a clause."""

    status_meanings: ClassVar[Mapping[int, str]] = MappingProxyType({})
    """What a status of the API means, as a sentence, where its own words may not say it."""

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = MappingProxyType({})
    """The documented limits of the API by route group; those of the group "" hold for every request."""

    header_settings: ClassVar[frozenset[str]] = frozenset({"user_agent"})
    """Settings that go into headers as they are, beside the secrets."""

    clock: Clock = Clock()
    """The time; tests put another one in its place."""

    @cached_property
    def run(self) -> Run:
        """What the streams of this run share."""
        return Run(
            connect=self._connect,
            concurrency=lambda: int(self.config["concurrency"]),
            clock=self.clock,
            logger=self.logger,
            quota_used=self._quota_used,
            verify_access=self.verify_access,
        )

    @property
    @override
    def run_result(self) -> RunResult:
        return self.run.result

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """The streams by name in the order they are read: by turn, then by name. The SDK's order is by name alone."""
        by_name = super().streams
        return dict(sorted(by_name.items(), key=lambda item: item[1].turn if isinstance(item[1], BaseStream) else 0))

    def route_group(self, request: HTTPRequest) -> str:  # noqa: ARG002 - for taps to answer
        """Return which limits hold for a request beside those of the group "".

        Args:
            request: What is requested.

        Returns:
            A group of `rate_limits`.
        """
        return ""

    def authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put the credentials into a request.

        Args:
            request: A request to the configured origin.

        Returns:
            The request with the credentials.

        Raises:
            NotImplementedError: If the tap does not define it.
        """
        msg = f"{type(self).__name__} does not define authenticate"
        raise NotImplementedError(msg)

    def renew_credentials(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002 - for taps to answer
        """Get new credentials when the API has refused some that may have expired; called from any thread.

        Args:
            refused: The request that was answered with 401, with the credentials it carried.

        Returns:
            Whether there are other credentials now; then the request is sent once more.
        """
        return False

    def on_response(self, answer: requests.Response) -> None:
        """Look at an answer, whatever its status; called from any thread.

        Args:
            answer: The answer, complete.
        """

    def retry_after(self, refusal: requests.Response) -> float | None:  # noqa: ARG002 - for taps to answer
        """Return how long an API wants to be left alone that says so in no header.

        Args:
            refusal: A 429.

        Returns:
            Seconds; None if it does not say: then the waits grow from one second.
        """
        return None

    def account_refusal(self, body: object) -> str:  # noqa: ARG002 - for taps to answer
        """Return what the user should do about a 403 that refuses the account, not one stream; called from any thread.

        Args:
            body: The decoded body; None if it is not JSON.

        Returns:
            A sentence without its period, for the error that ends the run; empty if it is one stream that is refused.
        """
        return ""

    def proves_access(self, request: HTTPRequest) -> bool:  # noqa: ARG002 - for taps to answer
        """Whether an answer shows that the credentials are right for this account; called from any thread.

        Args:
            request: A request that was answered below 400.
        """
        return True

    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        """Check the credentials when a stream is refused (403, 404) before any request was accepted.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If it is not this stream but the account that is refused.
        """

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        """The limits of the API, shared by all streams and threads."""
        return RateLimiter(self.rate_limits, share=float(self.config["quota_share"]), clock=self.clock)

    def _connect(self) -> ApiClient:
        config = self.config
        return ApiClient(
            ClientOptions(
                api_url=config["api_url"],
                authenticate=self.authenticate,
                user_agent=config.get("user_agent") or f"{self.name}/{self.plugin_version}",
                request_timeout=float(config["request_timeout"]),
                max_wait=float(config["max_wait_minutes"]) * _SECONDS_A_MINUTE,
                secrets=self.secrets,
                refusal_hint=self.refusal_hint,
                rate_limiter=self.rate_limiter,
                group_of=self.route_group,
                renew_credentials=self.renew_credentials,
                on_response=self.on_response,
                retry_after=self.retry_after,
                status_meanings=self.status_meanings,
                account_refusal=self.account_refusal,
                proves_access=self.proves_access,
            ),
            self.logger,
            clock=self.clock,
        )

    @override
    def before_streams(self) -> None:
        """Start the clock of the run, number the streams it reads, and warn of what cannot be meant."""
        hide_metrics()
        self._check_what_is_given()
        self.run.progress.begin()
        for line in stale_installs((self.name, "singer-rest-core")):
            self.logger.warning("%s", line)
        selected = self._selected_streams
        for line in run_warnings(selected, self.config.get("start_date"), now=self.clock.now()):
            self.logger.warning("%s", line)
        for position, each in enumerate(selected):
            each.position = position
        lists = [each for each in selected if isinstance(each, RestStream)]
        self.run.read_ahead.begin(lists)
        self.run.critical_lists.expect(each.name for each in lists)

    @property
    def _selected_streams(self) -> list[BaseStream]:
        return [each for each in self.streams.values() if isinstance(each, BaseStream) and each.selected]

    def _check_what_is_given(self) -> None:
        """Look at catalog and state before the first request.

        Raises:
            RunEnded: If the catalog is that of another tap, or the state of a stream cannot be used.
        """
        unknown = [name for name in self.input_catalog or () if name not in self.streams]
        if unknown:
            line = (
                f"The catalog has streams that {self.name} does not have: {listed(unknown)}: it may be that of another "
                "tap"
            )
            if len(unknown) == len(self.input_catalog or ()):
                raise RunEnded(f"{line}, as it has no stream of this one: make a catalog with --discover")
            self.logger.warning("%s", line)
        faults = [f"{each.name} ({fault})" for each in self._selected_streams if (fault := each.state_fault)]
        if faults:
            raise RunEnded(
                f"The state has bookmarks that are no date or time: {listed(faults)}: correct the state, or clear it "
                "to read everything again"
            )

    @override
    def stop(self) -> None:
        self.run.stop()

    @override
    @contextmanager
    def trying(self, stream: Stream) -> Iterator[None]:
        progress, result = self.run.progress, self.run.result
        progress.stream(stream.name)
        started = self.clock.monotonic()
        yield  # an error that ends the run, such as a refused token, says nothing of this stream
        seconds = self.clock.monotonic() - started
        name = stream.name
        why = result.skipped.get(name, result.failed.get(name, ""))
        access = "refused" if name in result.skipped else "failed" if name in result.failed else "allowed"
        self._tried.append(TriedStream(name, access, why, progress.total, seconds))

    @override
    def print_tried(self) -> None:
        if self._tried and sys.stderr is not None:
            print(redact(access_table(self._tried), self.secrets), file=sys.stderr)  # noqa: T201 - for whoever asked

    @cached_property
    def _tried(self) -> list[TriedStream]:
        """How it went to read a record of each stream, for `--test`."""
        return []

    @override
    def summary(self) -> str:
        writer = self.message_writer
        written = writer.records_written if isinstance(writer, ExactWriter) else None
        return self.run.summary(written=written if self.config["skip_unchanged"] else None)

    @override
    def summary_data(self) -> dict[str, Any]:
        return self.run.summary_data()

    def _quota_used(self) -> str:
        limiter = self.rate_limiter
        shares = [usage.used / usage.allowed for usage in limiter.used]
        wait = max(limiter.wait_needed(group) for group in {"", *self.rate_limits})
        parts = [f"{max(shares):.0%} of the quota used"] if shares else []
        if wait >= _LONG_WAIT:
            parts.append(f"the next request waits {time_span(wait)} for the limits of the API")
        return ", ".join(parts)

    @property
    def secrets(self) -> list[str]:
        """The values of the secret settings, for keeping them out of messages."""
        properties = self.config_jsonschema["properties"]
        return [
            str(self.config[name]) for name, entry in properties.items() if entry.get("secret") and name in self.config
        ]

    @override
    def settings_errors(self) -> list[str]:
        """Check `api_url`, `start_date` and what goes into headers."""
        return (
            url_errors(self._config, "api_url")
            + date_errors(self._config, "start_date")
            + header_errors(self.config_jsonschema, self._config, self.header_settings)
        )

    @override
    def settings_checked(self) -> None:
        redact_log(lambda: self.secrets)

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        properties = config_jsonschema["properties"]
        if "stream_maps" in properties:
            properties["stream_maps"] = _with_schemas_only(properties["stream_maps"])

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        return TapCommand.of(super().get_singer_command(), cls.logger)

    @classmethod
    @override
    def print_about(cls, output_format: str | None = None) -> None:
        if output_format is not None:
            super().print_about(output_format)
            return
        builtin: dict[str, Any] = {"properties": {}}
        cls.append_builtin_config(builtin)
        own = [name for name in cls.config_jsonschema["properties"] if name not in builtin["properties"]]
        print(about_text(cls._get_about_info(), own))  # noqa: T201 - what was asked for


def _with_schemas_only(schema: Any) -> Any:  # noqa: ANN401 - JSON is any of six types
    """Return a schema of the SDK with `{"type": "null"}` for its `"null"`, which jsonschema fails on."""
    if isinstance(schema, dict):
        return {
            name: [{"type": each} if isinstance(each, str) else _with_schemas_only(each) for each in value]
            if name in {"anyOf", "oneOf"}
            else _with_schemas_only(value)
            for name, value in schema.items()
        }
    return schema
