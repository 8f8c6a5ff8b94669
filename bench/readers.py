"""The readers that are compared: the command, environment and output format of each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlsplit

from bench.paths import PEERS, PEERS_SHARED, ROOT
from bench.peer_environments import python_of
from bench.processes import clean_environment
from bench.tap_streams import description_for_plain_tap, first_streams, invoices_stream, query_of
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from bench.outputs import OutputFormat

PLAIN, FASTEST = "plain singer-sdk", "singer-sdk, fastest settings"
DLT, DLT_TUNED, AIRBYTE, BOUND = "dlt extract", "dlt extract, tuned", "airbyte-cdk", "bound: fetch, parse, dump"
DLT_SCHEMA = "dlt"
"""Where dlt loads to."""
OUR_TAP: tuple[str, ...] = (sys.executable, "-m", "bench.our_tap")
PLAIN_TAP: tuple[str | Path, ...] = (python_of("singer_sdk"), PEERS / "singer_sdk" / "tap.py")
NO_RATE_LIMIT = {"BENCH_NO_RATE_LIMIT": "1"}
_HEADERS = {"X-Auth-Token": TOKEN, "X-Organization-Id": WORLD, "Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}


def our_label(concurrency: int) -> str:
    """Return the label of our tap.

    Args:
        concurrency: Its setting.
    """
    return f"tap-productive, concurrency {concurrency}"


@dataclass(frozen=True)
class Reader:
    """A program that reads the API.

    Args:
        label: Its name in the tables.
        output_format: How it writes.
        command: Program and arguments.
        variables: Environment variables that it needs.
    """

    label: str
    output_format: OutputFormat
    command: Sequence[str | Path]
    variables: Mapping[str, str] = field(default_factory=dict)


class Readers:
    """Every reader of one API, and the files that they are started with.

    Args:
        folder: For these files, and for the readers' outputs.
        server_url: The root URL of the server.
    """

    def __init__(self, folder: Path, server_url: str) -> None:
        """Write the files, and discover the catalog of our tap."""
        self.folder = folder
        self.api_url = f"{server_url}/productive/api/v2"
        invoices = invoices_stream()
        self._query = query_of(invoices)
        self._credentials = {"auth_token": TOKEN, "organization_id": WORLD, "api_url": self.api_url}
        self._config = self._write("config.json", self._credentials)
        self._invoices = self._write("invoices.json", [description_for_plain_tap(invoices)])
        stream = {"name": "invoices", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
        configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        self._airbyte_catalog = self._write("airbyte-catalog.json", {"streams": [configured]})
        airbyte_config = {"url": self.api_url, "token": TOKEN, "query": self._query}
        self._airbyte_config = self._write("airbyte.json", airbyte_config)
        self._catalog = self._write("catalog.json", self._catalog_with({"invoices"}))

    def bare_client_command(self) -> list[str | Path]:
        """Return the command of a client that fetches the same pages without parsing them."""
        query = "&".join(f"{name}={value}" for name, value in self._query.items())
        url = f"{self.api_url}/invoices?{query}".replace("[", "%5B").replace("]", "%5D")
        headers = (f"{name}={value}" for name, value in _HEADERS.items())
        return [sys.executable, "-m", "bench.bare_client", url, *headers]

    def our_tap(self, concurrency: int, *, rate_limited: bool = False) -> Reader:
        """Return our tap, reading invoices only.

        Args:
            concurrency: Its setting.
            rate_limited: Whether it keeps to the vendor's rate limits.
        """
        return self._our_tap(concurrency, self._catalog, rate_limited=rate_limited)

    def our_tap_with_streams(self, count: int, concurrency: int, *, rate_limited: bool = False) -> Reader:
        """Return our tap, reading its first streams.

        Args:
            count: How many.
            concurrency: Its setting.
            rate_limited: Whether it keeps to the vendor's rate limits.
        """
        names = {stream.name for stream in first_streams(count)}
        catalog = self._write(f"catalog-{count}.json", self._catalog_with(names))
        return self._our_tap(concurrency, catalog, rate_limited=rate_limited)

    def our_tap_with_all_lists(self, concurrency: int, api_url: str) -> Reader:
        """Return our tap, reading every list of another server than the benchmark's own.

        Args:
            concurrency: Its setting.
            api_url: The server.
        """
        settings = self._credentials | {"api_url": api_url, "concurrency": concurrency}
        config = self._write("config-all-lists.json", settings)
        return Reader(our_label(concurrency), "singer", [*OUR_TAP, "--config", config])

    def plain(self, *, fastest: bool = False) -> Reader:
        """Return the plain tap, reading invoices.

        Args:
            fastest: Whether it gets the fastest settings that the SDK supports.
        """
        return self._plain_tap(FASTEST if fastest else PLAIN, self._invoices, fastest=fastest)

    def plain_with_streams(self, count: int) -> Reader:
        """Return the plain tap, reading the first streams of our tap.

        Args:
            count: How many.
        """
        descriptions = [description_for_plain_tap(stream) for stream in first_streams(count)]
        return self._plain_tap(PLAIN, self._write(f"streams-{count}.json", descriptions), fastest=False)

    def dlt(self, *, tuned: bool = False) -> Reader:
        """Return dlt's extraction by its rest_api source.

        Args:
            tuned: Whether it gets what makes it faster.
        """
        own = {"BENCH_OUTPUT": str(self.folder / "dlt"), "BENCH_TUNED": "1" if tuned else "0"}
        command = [python_of("dlt"), PEERS / "dlt" / "read.py"]
        return Reader(DLT_TUNED if tuned else DLT, "dlt", command, self._variables_of_scripts() | own)

    def dlt_into_postgres(self, label: str, database_url: str, *, file_format: str, tuned: bool) -> Reader:
        """Return dlt from its rest_api source into PostgreSQL.

        Args:
            label: Its name in the tables.
            database_url: The database.
            file_format: That of its load files; empty for its default.
            tuned: Whether it gets what makes it faster.
        """
        own = {
            "BENCH_OUTPUT": str(self.folder / "dlt"),
            "BENCH_TUNED": "1" if tuned else "0",
            "BENCH_FORMAT": file_format,
            "BENCH_DATABASE": _with_socket_as_host(database_url),
            "BENCH_SCHEMA": DLT_SCHEMA,
        }
        command = [python_of("dlt_postgres"), PEERS / "dlt_postgres" / "load.py"]
        return Reader(label, "dlt", command, self._variables_of_scripts() | own)

    def airbyte(self) -> Reader:
        """Return airbyte-cdk's declarative source."""
        program = python_of("airbyte_cdk").with_name("source-declarative-manifest")
        files: list[str | Path] = ["--config", self._airbyte_config, "--catalog", self._airbyte_catalog]
        files += ["--manifest-path", PEERS / "airbyte_cdk" / "manifest.yaml"]
        variables = {
            "PYTHONPATH": os.pathsep.join([str(PEERS_SHARED), str(PEERS / "airbyte_cdk")]),
            "AIRBYTE_ENABLE_UNSAFE_CODE": "true",  # the manifest uses a custom component
        }
        return Reader(AIRBYTE, "airbyte", [program, "read", *files], variables)

    def bound(self, in_flight: int = 1) -> Reader:
        """Return the loop that only fetches, parses and dumps.

        Args:
            in_flight: How many pages it fetches at a time.
        """
        label = BOUND if in_flight == 1 else f"{BOUND}, {in_flight} in flight"
        variables = self._variables_of_scripts() | {"BENCH_IN_FLIGHT": str(in_flight)}
        return Reader(label, "rows", [python_of("bound"), PEERS / "bound" / "read.py"], variables)

    def peers(self) -> list[Reader]:
        """Return all that our tap is compared with, except the bound."""
        return [self.plain(), self.plain(fastest=True), self.dlt(), self.dlt(tuned=True), self.airbyte()]

    def clear_outputs(self) -> None:
        """Delete what dlt wrote; every other output is overwritten by the next one."""
        shutil.rmtree(self.folder / "dlt", ignore_errors=True)

    def _our_tap(self, concurrency: int, catalog: Path, *, rate_limited: bool) -> Reader:
        config = self._write(f"config-{concurrency}.json", self._credentials | {"concurrency": concurrency})
        command: list[str | Path] = [*OUR_TAP, "--config", config, "--catalog", catalog]
        return Reader(our_label(concurrency), "singer", command, {} if rate_limited else NO_RATE_LIMIT)

    def _plain_tap(self, label: str, streams: Path, *, fastest: bool) -> Reader:
        variables = {
            "BENCH_STREAMS": str(streams),
            "BENCH_FASTEST": "1" if fastest else "0",
            "PYTHONPATH": str(PEERS_SHARED),
        }
        return Reader(label, "singer", [*PLAIN_TAP, "--config", self._config], variables)

    def _variables_of_scripts(self) -> dict[str, str]:
        return {
            "BENCH_URL": self.api_url,
            "BENCH_QUERY": json.dumps(self._query),
            "BENCH_HEADERS": json.dumps(_HEADERS),
            "PYTHONPATH": str(PEERS_SHARED),
        }

    def _catalog_with(self, names: Container[str]) -> dict[str, Any]:
        """Return the catalog of our tap with these streams selected."""
        catalog = _json_output_of([*OUR_TAP, "--discover", "--config", self._config])
        for stream in catalog["streams"]:
            (own,) = (entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"])
            own["selected"] = stream["tap_stream_id"] in names
        return catalog

    def _write(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


def _with_socket_as_host(database_url: str) -> str:
    """Return the URL of a database with the folder of its socket as the host, which dlt requires."""
    parts = urlsplit(database_url)
    folder = dict(parse_qsl(parts.query)).get("host")
    if folder is None:
        return database_url
    return f"postgresql://{parts.username}:@{quote(folder, safe='')}{parts.path}"


def _json_output_of(command: Sequence[str | Path]) -> dict[str, Any]:
    words = [str(word) for word in command]
    finished = subprocess.run(  # noqa: S603 - our own program
        words, cwd=ROOT, env=clean_environment({}), capture_output=True, check=False
    )
    if finished.returncode:
        raise RuntimeError(f"{' '.join(words[1:3])} failed:\n{finished.stderr.decode(errors='replace')[-2000:]}")
    output: dict[str, Any] = json.loads(finished.stdout)
    return output
