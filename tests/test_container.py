"""The container: what its image would hold, its steps carried out on this machine, and the compose file.

No image can be built where these tests run: `tests/dockerfile.py` says what takes the place of the base image.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import click
import psycopg
import pytest
import yaml

from invoicing_orchestrate.command import main
from scripts.all_taps import tap_names
from scripts.local_world import ROOT
from tests.dockerfile import build, build_context, instructions

if TYPE_CHECKING:
    from conftest import SandboxSettings
    from scripts.local_world import LocalWorld
    from tests.dockerfile import Image

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
TAP = "tap-2invoice"


def value_of(name: str, *, last: bool = True) -> str:
    """Return what follows an instruction."""
    return [words for instruction, words in instructions(DOCKERFILE) if instruction == name][-1 if last else 0]


def test_the_image_holds_what_runs_and_nothing_else(tmp_path: Path) -> None:
    secret = ROOT / "taps" / "tap-invobi" / "tests"
    assert secret.is_dir()
    files = build_context(tmp_path)

    assert {"meltano.yml", "uv.lock", "plugins/extractors/tap-invobi--invoicing-taps.lock"} <= set(files)
    assert "taps/tap-invobi/tap_invobi/schemas/invoices.json" in files
    unwanted = re.compile(
        r"(^|/)(tests|__pycache__|\.[^/]*)(/|$)|^(sandbox|bench|scripts|docs|hub)/|\.pyc$|runs\.jsonl$"
    )
    assert [name for name in files if unwanted.search(name)] == []


def test_it_runs_as_a_user_without_rights() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", value_of("USER")), "a number, so that Kubernetes can check it"
    names = [instruction for instruction, _ in instructions(DOCKERFILE)]
    assert "COPY" not in names[names.index("USER") :]


def test_every_extractor_is_installed_with_the_uv_of_this_repository() -> None:
    (plugins,) = [words for name, words in instructions(DOCKERFILE) if name == "ARG" and words.startswith("PLUGINS=")]
    assert set(plugins.partition("=")[2].strip('"').split()) == {*tap_names(), "target-postgres"}
    (version,) = re.findall(r"^UV_VERSION := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert f" uv=={version}" in value_of("RUN", last=False)


def test_the_compose_file_runs_commands_and_settings_that_exist() -> None:
    service = COMPOSE["services"]["load"]
    name, *arguments = service["command"]
    command = main.commands[name]
    with click.Context(command) as context:
        command.parse_args(context, list(arguments))
        assert context.params["taps"] in [(tap,) for tap in tap_names()]
    assert service["depends_on"].keys() <= COMPOSE["services"].keys()
    known = re.findall(r"\b(?:TARGET|MELTANO|ORCHESTRATE)_\w+", DOCKERFILE)
    assert set(service["environment"]) - {"PGPASSWORD", "TARGET_POSTGRES_SQLALCHEMY_URL"} <= set(known)
    volumes = [volume.partition(":")[0] for each in COMPOSE["services"].values() for volume in each["volumes"]]
    assert set(volumes) == COMPOSE["volumes"].keys()
    # What is not writable in the image must be so here.
    written = {path.partition(":")[0] for path in service["tmpfs"]} | {"/data"}
    for _, words in instructions(DOCKERFILE):
        if match := re.search(r"install --directory --owner=\S+ --group=\S+ ([^&]+)", words):
            places = {str(Path("/app") / place) for place in shlex.split(match[1])}
            assert places <= written


def test_compose_says_that_the_password_is_missing() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{POSTGRES_PASSWORD[^}]*\}", text)) == {"${POSTGRES_PASSWORD:?set it in .env}"}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, with one tap."""
    return build(DOCKERFILE, tmp_path_factory.mktemp("image"), {"PLUGINS": f"{TAP} target-postgres"})


@pytest.mark.slow
@pytest.mark.one_at_a_time
def test_each_step_works_and_a_run_that_failed_shows_in_the_health_check(
    image: Image, meltano_world: LocalWorld, sandbox_settings: SandboxSettings
) -> None:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(meltano_world.database_url, autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
        (port,) = connection.execute("select current_setting('port')").fetchone() or ()
    database_url = meltano_world.database_url.replace("/postgres?", f"/{name}?")
    (folder,) = (Path(unquote(host)) for host in re.findall(r"host=([^&]+)", database_url))
    file = f".s.PGSQL.{port}"
    socket = (folder / file, Path("/run/postgresql-of-the-test") / file)
    in_container = f"postgresql+psycopg://postgres@/{name}?host={socket[1].parent}&port={port}"
    settings = {f"TAP_2INVOICE_{setting.upper()}": str(value) for setting, value in sandbox_settings(TAP).items()}
    variables = settings | {"TARGET_POSTGRES_SQLALCHEMY_URL": in_container}

    def health() -> tuple[int, str]:
        done = image.run(image.healthcheck)
        return done.returncode, done.stdout

    assert (
        image.run(["sh", "-c", "test -w /data && ! test -w /app && ! test -w /app/taps && id -u"]).stdout == "10001\n"
    )
    assert health() == (0, "No run has ended yet\n")

    for program in ("extractors/tap-2invoice", "loaders/target-postgres"):
        python = f"/app/.meltano/{program}/venv/bin/python"
        done = image.run([python, "-v", "-c", "import singer_sdk, msgspec, singer_rest_core.records"])
        assert done.returncode == 0, done.stderr
        read = re.findall(r"# code object from '?(/app/[^'\n]+)", done.stderr)
        assert len(read) > 100
        assert [path for path in read if not path.endswith(".pyc")] == [], "compiled anew in each run"

    done = image.run([*image.entrypoint, "load", TAP], variables, socket)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{TAP} succeeded" in done.stdout
    assert health()[0] == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute("select count(*) > 0 from tap_2invoice.invoices").fetchone() == (True,)

    done = image.run([*image.entrypoint, "load", TAP], variables | {"TAP_2INVOICE_ACCESS_TOKEN": "wrong"}, socket)
    assert done.returncode != 0
    code, line = health()
    assert code == 1
    assert line.startswith(f"{TAP} failed at ")
    assert "401" in line

    records = image.run(["cat", "/data/runs.jsonl"]).stdout.splitlines()
    assert [json.loads(record)["result"] for record in records] == ["succeeded", "failed"]
    # Whatever a run writes is in a volume or on a tmpfs of compose.yaml, as the rest of the container is read-only.
    written = image.run(["find", "/app", "-user", "10001", "-not", "-path", "/app/.meltano/run/*"]).stdout.split()
    assert [path for path in written if not re.fullmatch(r"/app/\.meltano(/run|/logs(/.*)?)", path)] == []
