"""The readers that are compared: what each is started with, and how its output is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.environments import PEERS, PLACE, ROOT, python_of
from bench.processes import environment
from sandbox.productive.api import CONTENT_TYPE, TOKEN, WORLD
from tap_productive.streams import STREAMS
from tap_productive.tap import TapProductive

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from bench.outputs import Form
    from bench.processes import ServerAtWork
    from tap_productive.client import ProductiveStream

PLAIN, FASTEST = "plain singer-sdk", "singer-sdk, fastest settings"
DLT, DLT_TUNED, AIRBYTE, BOUND = "dlt extract", "dlt extract, tuned", "airbyte-cdk", "bound: fetch, parse, dump"
SCHEMAS = ROOT / "taps" / "tap-productive" / "tap_productive" / "schemas"
_HEADERS = {"X-Auth-Token": TOKEN, "X-Organization-Id": WORLD, "Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}
_SHARED = str(PEERS / "shared")
"""What the peers have in common: it makes their records as flat as ours."""
_OURS = [sys.executable, "-m", "bench.our_tap"]


def ours(concurrency: int | None) -> str:
    """The label of our tap.

    Args:
        concurrency: Its setting, or None where the tap has none.
    """
    return f"tap-productive, concurrency {concurrency}" if concurrency else "tap-productive"


@dataclass(frozen=True)
class Reader:
    """A way to read the list.

    Args:
        label: What it is called in the tables.
        form: How its output is written.
        command: Program and arguments.
        environment: What it needs in its environment.
    """

    label: str
    form: Form
    command: Sequence[str | Path]
    environment: Mapping[str, str] = field(default_factory=dict)


class Site:
    """The files that the readers are started with.

    Args:
        folder: Where they go, and the outputs too.
        server: What is read.
    """

    def __init__(self, folder: Path, server: ServerAtWork) -> None:
        """Write them, and find out what our tap can be told."""
        self.folder = folder
        self.api_url = f"{server.url}/productive/api/v2"
        self.settings = _settings_of_our_tap()
        (invoices,) = (stream for stream in lists(len(STREAMS)) if stream.name == "invoices")
        self.query = query_of(invoices)
        self._credentials = {"auth_token": TOKEN, "organization_id": WORLD, "api_url": self.api_url}
        self._plain_config = self._write("plain.json", self._credentials)
        self._invoices = self._write("invoices.json", [described(invoices)])
        stream = {"name": "invoices", "json_schema": {}, "supported_sync_modes": ["full_refresh"]}
        configured = {"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
        self._airbyte_catalog = self._write("airbyte-catalog.json", {"streams": [configured]})
        airbyte = {"url": self.api_url, "token": TOKEN, "query": self.query}
        self._airbyte_config = self._write("airbyte.json", airbyte)
        self._catalog = self._write("catalog.json", _selecting({"invoices"}, self._config(None)))

    def warm_up_command(self) -> list[str | Path]:
        """The bare client over the same pages as everybody's."""
        text = "&".join(f"{name}={value}" for name, value in self.query.items()).replace("[", "%5B")
        url = f"{self.api_url}/invoices?{text.replace(']', '%5D')}"
        return [
            sys.executable,
            "-m",
            "bench.bare_client",
            url,
            *(f"{name}={value}" for name, value in _HEADERS.items()),
        ]

    def concurrencies(self, *wanted: int) -> list[int | None]:
        """The values of `concurrency` that our tap takes.

        Args:
            wanted: Those that a scenario asks for.

        Returns:
            These, or None alone where the tap has no such setting.
        """
        return [*wanted] if "concurrency" in self.settings else [None]

    def our_tap(self, concurrency: int | None, *, quota: bool = False) -> Reader:
        """Our tap, reading invoices alone.

        Args:
            concurrency: Its setting.
            quota: Whether it keeps to the vendor's quota.
        """
        command: list[str | Path] = [*_OURS, "--config", self._config(concurrency), "--catalog", self._catalog]
        return Reader(ours(concurrency), "singer", command, {} if quota else {"BENCH_NO_QUOTA": "1"})

    def our_lists(self, count: int, concurrency: int | None, *, quota: bool = False) -> Reader:
        """Our tap, reading that many streams.

        Args:
            count: How many.
            concurrency: Its setting.
            quota: Whether it keeps to the vendor's quota.
        """
        names = {stream.name for stream in lists(count)}
        catalog = self._write(f"catalog-{count}.json", _selecting(names, self._config(None)))
        command: list[str | Path] = [*_OURS, "--config", self._config(concurrency), "--catalog", catalog]
        return Reader(ours(concurrency), "singer", command, {} if quota else {"BENCH_NO_QUOTA": "1"})

    def plain(self, *, fastest: bool = False) -> Reader:
        """The plain tap, reading invoices.

        Args:
            fastest: With the fastest settings that the SDK supports.
        """
        own = {"BENCH_TAP": str(self._invoices), "BENCH_FASTEST": "1" if fastest else "0", "PYTHONPATH": _SHARED}
        return Reader(FASTEST if fastest else PLAIN, "singer", self.plain_command, own)

    @property
    def plain_command(self) -> list[str | Path]:
        """How the plain tap is started."""
        return [python_of("singer_sdk"), PEERS / "singer_sdk" / "tap.py", "--config", self._plain_config]

    def plain_lists(self, count: int) -> Reader:
        """The plain tap, reading that many streams.

        Args:
            count: How many.
        """
        told = self._write(f"lists-{count}.json", [described(stream) for stream in lists(count)])
        return Reader(PLAIN, "singer", self.plain_command, {"BENCH_TAP": str(told), "PYTHONPATH": _SHARED})

    def dlt(self, *, tuned: bool = False) -> Reader:
        """The rest_api source of dlt, extracted.

        Args:
            tuned: With what makes it faster.
        """
        own = self._for_scripts() | {"BENCH_OUTPUT": str(self.folder / "dlt"), "BENCH_TUNED": "1" if tuned else "0"}
        return Reader(DLT_TUNED if tuned else DLT, "dlt", [python_of("dlt"), PEERS / "dlt" / "read.py"], own)

    def airbyte(self) -> Reader:
        """airbyte-cdk's declarative source."""
        program = python_of("airbyte_cdk").with_name("source-declarative-manifest")
        files: list[str | Path] = ["--config", self._airbyte_config, "--catalog", self._airbyte_catalog]
        files += ["--manifest-path", PEERS / "airbyte_cdk" / "manifest.yaml"]
        own = {
            "PYTHONPATH": os.pathsep.join([_SHARED, str(PEERS / "airbyte_cdk")]),
            "AIRBYTE_ENABLE_UNSAFE_CODE": "true",  # for the manifest's own component
        }
        return Reader(AIRBYTE, "airbyte", [program, "read", *files], own)

    def bound(self, in_flight: int = 1) -> Reader:
        """The loop that only fetches, parses and dumps.

        Args:
            in_flight: How many pages it fetches at a time.
        """
        label = BOUND if in_flight == 1 else f"{BOUND}, {in_flight} in flight"
        own = self._for_scripts() | {"BENCH_IN_FLIGHT": str(in_flight)}
        return Reader(label, "rows", [python_of("bound"), PEERS / "bound" / "read.py"], own)

    def peers(self) -> list[Reader]:
        """All that our tap is compared with, the bound apart."""
        return [self.plain(), self.plain(fastest=True), self.dlt(), self.dlt(tuned=True), self.airbyte()]

    def _for_scripts(self) -> dict[str, str]:
        query, headers = json.dumps(self.query), json.dumps(_HEADERS)
        return {
            "BENCH_URL": self.api_url,
            "BENCH_QUERY": query,
            "BENCH_HEADERS": headers,
            "PYTHONPATH": _SHARED,
        }

    def _config(self, concurrency: int | None) -> Path:
        setting = {"concurrency": concurrency} if concurrency else {}
        return self._write(f"ours-{concurrency}.json", self._credentials | setting)

    def _write(self, name: str, content: object) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(content))
        return path


def lists(count: int) -> list[ProductiveStream]:
    """Give the first lists that our tap reads, bound to a tap that is only looked at.

    Args:
        count: How many.
    """
    tap = TapProductive(config={"auth_token": TOKEN, "organization_id": WORLD, "api_url": "https://localhost"})
    return [stream(tap) for stream in STREAMS[:count]]


def described(stream: ProductiveStream) -> dict[str, Any]:
    """Say of a stream of our tap what the plain tap needs to know to read the same.

    Args:
        stream: One of our tap's.

    Returns:
        Name, schema file, query, and the replication key where rows come in its order.
    """
    return {
        "name": stream.name,
        "schema": str(SCHEMAS / f"{stream.name}.json"),
        "query": query_of(stream),
        "replication_key": stream.replication_key if stream.is_sorted else None,
    }


def query_of(stream: ProductiveStream) -> dict[str, str]:
    """Give the query that our tap sends for a stream.

    Args:
        stream: One of our tap's.

    Returns:
        Its parameters but for the page's number or cursor.
    """
    request = stream.first_request()
    params = dict(request.params or {}) if request is not None else {}
    return {name: str(value) for name, value in params.items() if name not in {"page[number]", "page[after]"}}


def _settings_of_our_tap() -> set[str]:
    told = _output_of([*_OURS, "--about", "--format", "json"])
    return set(told["settings"]["properties"])


def _selecting(names: Container[str], config: Path) -> dict[str, Any]:
    catalog = _output_of([*_OURS, "--discover", "--config", config])
    for stream in catalog["streams"]:
        (own,) = (entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"])
        own["selected"] = stream["tap_stream_id"] in names
    return catalog


def _output_of(command: Sequence[str | Path]) -> dict[str, Any]:
    words = [str(word) for word in command]
    answer = subprocess.run(  # noqa: S603 - our own program
        words, cwd=ROOT, env=environment({}), capture_output=True, check=False
    )
    if answer.returncode:
        raise RuntimeError(f"{' '.join(words[1:3])} failed:\n{answer.stderr.decode(errors='replace')[-2000:]}")
    told: dict[str, Any] = json.loads(answer.stdout)
    return told


def write_wrapper(name: str, command: Sequence[str | Path], own: Mapping[str, str]) -> Path:
    """Write a program that Meltano can start in the place of an installed tap.

    Args:
        name: Of the program.
        command: What it runs, with the arguments it is given behind.
        own: What that needs in its environment.

    Returns:
        Its path.
    """
    path = PLACE / "programs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    exports = "".join(f"export {key}='{value}'\n" for key, value in own.items())
    words = " ".join(f"'{word}'" for word in command)
    python_path = os.pathsep.join([str(ROOT), _SHARED])
    path.write_text(
        f"#!/bin/sh\n# Written by bench/readers.py.\n{exports}export PYTHONPATH='{python_path}'\nexec {words} \"$@\"\n"
    )
    path.chmod(0o755)
    return path
