"""Documents in a bucket: a tap that was installed with the extra for it, against a server that answers as S3 does."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.wheels import VirtualEnvironment, bare_environment, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import SandboxSettings
    from sandbox.server import RunningSandbox
    from tests.wheels import BuiltDistributions

pytestmark = [pytest.mark.slow, pytest.mark.one_at_a_time]

BUCKET = "invoices"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}
MAKE_BUCKET = """
import sys, boto3
place = {"LocationConstraint": "eu-west-1"}
boto3.resource("s3", endpoint_url=sys.argv[1]).create_bucket(Bucket=sys.argv[2], CreateBucketConfiguration=place)
"""
LIST_BUCKET = """
import sys, boto3
for each in boto3.resource("s3", endpoint_url=sys.argv[1]).Bucket(sys.argv[2]).objects.all():
    print(each.key)
"""


@pytest.fixture
def s3(built: BuiltDistributions, tmp_path: Path) -> Iterator[tuple[VirtualEnvironment, str]]:
    """An environment with moto, and the address of its server."""
    environment = VirtualEnvironment.empty(tmp_path / "moto", built)
    environment.install("moto[server]")
    command = [str(environment.folder / "bin" / "moto_server"), "--host=127.0.0.1", "--port=0"]
    with subprocess.Popen(command, env=bare_environment(), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr
        try:
            addresses = (re.search(r"Running on (http://\S+)", line) for line in server.stderr)
            address = next(found[1] for found in addresses if found)
            yield environment, address
        finally:
            server.terminate()


def test_a_tap_with_the_extra_stores_documents_in_the_bucket_and_one_without_says_what_to_install(
    built: BuiltDistributions,
    s3: tuple[VirtualEnvironment, str],
    sandbox: RunningSandbox,
    sandbox_settings: SandboxSettings,
    tmp_path: Path,
) -> None:
    moto, address = s3
    variables = bare_environment() | CREDENTIALS | {"FSSPEC_S3_ENDPOINT_URL": address}
    run([str(moto.folder / "bin" / "python"), "-c", MAKE_BUCKET, address, BUCKET], environment=variables)
    account = sandbox.admin.system("invobi")
    kept, *others = [row["id"] for row in account.records("invoices")]
    for invoice in others:
        account.delete("invoices", invoice)
    config = tmp_path / "config.json"
    settings = {**sandbox_settings("tap-invobi"), "documents_url": f"s3://{BUCKET}/documents", "details": "none"}
    config.write_text(json.dumps(settings), encoding="utf-8")
    environment = VirtualEnvironment.empty(tmp_path / "venv", built)
    command = [str(environment.folder / "bin" / "tap-invobi"), "--config", str(config)]

    environment.install("tap-invobi")
    done = run(command, environment=variables, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert (
        "Setting documents_url needs the package s3fs for s3://, the extra s3: run `pip install 'tap-invobi[s3]'`, "
        "or with Meltano set pip_url: tap-invobi[s3] and install again" in done.stderr
    )

    environment.install(f"tap-invobi[s3] @ {built.file('tap-invobi').as_uri()}")
    done = run(command, environment=variables)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (record,) = [line["record"] for line in lines if line["type"] == "RECORD" and line["stream"] == "invoice_documents"]
    stored = run([str(moto.folder / "bin" / "python"), "-c", LIST_BUCKET, address, BUCKET], environment=variables)
    assert record["id"] == kept
    assert record["url"] == f"s3://{BUCKET}/documents/{record['name']}"
    assert f"documents/{record['name']}" in stored.stdout.splitlines()
