"""The base of every tap."""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from singer_rest_core.api.client import ApiClient, ClientOptions
from singer_rest_core.api.rate_limit import RateLimiter
from singer_rest_core.cli.command import TapCommand
from singer_rest_core.cli.progress import Progress, time_span
from singer_rest_core.cli.settings import date_errors, header_errors, url_errors
from singer_rest_core.clock import Clock
from singer_rest_core.errors import RunEnded
from singer_rest_core.paging.prefetch import Prefetcher
from singer_rest_core.singer.sdk_internals import IndependentStreamsTap
from singer_rest_core.streams.base import RecordStream
from singer_rest_core.streams.rest import RestStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import click
    import requests
    from singer_sdk import Stream
    from singer_sdk.streams.rest import HTTPRequest

    from singer_rest_core.api.rate_limit_rules import Rule
    from singer_rest_core.errors import RequestFailed, StreamUnavailable
    from singer_rest_core.paging.prefetch import Pending
    from singer_rest_core.singer.sdk_internals import IndependentStream

_SECONDS_A_MINUTE = 60
_WAIT_WORTH_TELLING = 15.0
"""Seconds; shorter waits are the even flow of an API with a limit."""


class RestTap(IndependentStreamsTap):
    """A tap for a REST API: one transport for all its streams, errors in one line, streams independent of each other.

    A tap gives `config_jsonschema` (see `settings.settings_schema`), `discover_streams`, `authenticate` and
    `refusal_hint`.
    """

    refusal_hint: str = "Check the credentials"
    """What the user should do about a 401, as a clause."""

    status_meanings: ClassVar[Mapping[int, str]] = MappingProxyType({})
    """What a status of the API means, as a sentence, where its own words may not tell."""

    rate_limits: ClassVar[Mapping[str, Sequence[Rule]]] = MappingProxyType({})
    """The documented limits of the API by route group; those of the group "" hold for every request."""

    _in_turn: Sequence[RecordStream] = ()
    """The streams that are selected, in the order they are read."""

    _asked_ahead_of = -1
    """The position of the stream that is read: asking after each of its pages again would find nothing to do. Where one
    before it is read once more, for what is made of it, others have had their turn."""

    clock: Clock = Clock()
    """Measures and makes all pauses of a run."""

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over the state of the run before.

        Args:
            state: The state.

        Raises:
            RunEnded: If it has another form than a state of ours.
        """
        bookmarks = state.get("bookmarks", {})
        if not isinstance(bookmarks, dict) or not all(isinstance(each, dict) for each in bookmarks.values()):
            raise RunEnded("The state is none of this tap: its bookmarks are no objects by stream. Mend or clear it")
        super().load_state(state)

    def route_group(self, request: HTTPRequest) -> str:  # noqa: ARG002 - for taps to answer
        """Say which limits hold for a request beside those of the group "".

        Args:
            request: What is asked for.

        Returns:
            A group of `rate_limits`.
        """
        return ""

    @cached_property
    def rate_limiter(self) -> RateLimiter:
        """The limits of the API, shared by all streams and threads."""
        return RateLimiter(self.rate_limits, share=float(self.config["quota_share"]), clock=self.clock)

    @cached_property
    def first_pages(self) -> dict[str, Pending]:
        """First pages that were asked for ahead, by stream."""
        return {}

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams by name in the order they are read: made streams after the lists that they are made of.

        The SDK's order is by name alone.
        """
        by_name = super().streams
        return dict(sorted(by_name.items(), key=lambda item: item[1].turn if isinstance(item[1], RecordStream) else 0))

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

    def renew_credentials(self, refused: requests.PreparedRequest) -> bool:  # noqa: ARG002 - for taps to answer
        """Get new credentials when the API has refused some that may have run out; called from any thread.

        Args:
            refused: The request that was answered with 401, with the credentials it bore.

        Returns:
            Whether there are other credentials now; then the request is sent once more.
        """
        return False

    def on_response(self, answer: requests.Response) -> None:
        """Take note of an answer, whatever its status; called from any thread.

        Args:
            answer: The answer, whole.
        """

    def retry_after(self, refusal: requests.Response) -> float | None:  # noqa: ARG002 - for taps to answer
        """Find out how long an API wants to be left alone that says so in no header.

        Args:
            refusal: A 429.

        Returns:
            Seconds; None if it does not say: then the waits grow from one second.
        """
        return None

    def verify_access(self, refusal: StreamUnavailable | RequestFailed) -> None:
        """Check the credentials when a stream is refused (403, 404) before any request was accepted.

        Args:
            refusal: What the API said.

        Raises:
            AccessRefused: If it is not this stream but the account that is refused.
        """

    @cached_property
    def client(self) -> ApiClient:
        """The door to the API, shared by all streams."""
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
            ),
            self.logger,
            clock=self.clock,
        )

    @cached_property
    def prefetcher(self) -> Prefetcher | None:
        """The pool that sends requests ahead of their turn; None if `concurrency` is 1."""
        workers = self.config["concurrency"]
        return Prefetcher(workers) if workers > 1 else None

    def send_ahead(self, stream: IndependentStream) -> None:
        """Ask for the first pages of the streams after one; not before the API has accepted a first request.

        Args:
            stream: The one that is read or about to be.
        """
        if self.prefetcher is None or not self.client.accepted or not isinstance(stream, RecordStream):
            return
        if stream.position <= self._asked_ahead_of:
            return
        self._asked_ahead_of = stream.position
        following = self._in_turn[stream.position + 1 :] if stream in self._in_turn else []
        for each in following[: self.prefetcher.reach]:
            if isinstance(each, RestStream) and each.name not in self.first_pages:
                try:
                    request = each.first_request()
                except Exception as error:  # noqa: BLE001 - it is raised again when it is this stream's turn
                    self.logger.debug("%s is not asked for ahead: %s", each.name, error)
                    continue
                if request is not None:
                    urgency = (each.position, 0)
                    self.first_pages[each.name] = self.prefetcher.submit(urgency, request, self.client.send)

    def stop(self) -> None:
        """Send nothing more."""
        self.progress.end()
        self.client.stop()
        if self.prefetcher is not None:
            self.prefetcher.stop()

    def before_streams(self) -> None:
        """Start the clock of the run, and see which streams it reads."""
        self.progress.begin()
        self._in_turn = [each for each in self.streams.values() if isinstance(each, RecordStream) and each.selected]
        for position, each in enumerate(self._in_turn):
            each.position = position

    @cached_property
    def progress(self) -> Progress:
        """What a person who watches is told."""
        return Progress(self.logger.info, clock=self.clock, quota=self._quota_used)

    def _quota_used(self) -> str:
        shares = [usage.used / usage.allowed for usage in self.rate_limiter.used]
        wait = max(self.rate_limiter.wait_needed(group) for group in {"", *self.rate_limits})
        parts = [f"{max(shares):.0%} of the quota used"] if shares else []
        if wait >= _WAIT_WORTH_TELLING:
            parts.append(f"the next request waits {time_span(wait)} for the limits of the API")
        return ", ".join(parts)

    def summary(self) -> str:
        """Say what the run did.

        Returns:
            One line.
        """
        return f"{self.progress.summary(self.client.sent)}: {self.result.summary()}"

    @property
    def secrets(self) -> list[str]:
        """The values of the secret settings, for keeping them out of messages."""
        properties = self.config_jsonschema["properties"]
        return [
            str(self.config[name]) for name, entry in properties.items() if entry.get("secret") and name in self.config
        ]

    header_settings: ClassVar[frozenset[str]] = frozenset({"user_agent"})
    """Settings that go into headers as they are, beside the secrets."""

    def settings_errors(self) -> list[str]:
        """Check `api_url`, `start_date` and what goes into headers.

        Returns:
            A line for each fault.
        """
        return (
            url_errors(self._config, "api_url")
            + date_errors(self._config, "start_date")
            + header_errors(self.config_jsonschema, self._config, self.header_settings)
        )

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Give the command line, with errors in one line.

        Returns:
            A click command.
        """
        return TapCommand.of(super().get_singer_command(), cls.logger)
