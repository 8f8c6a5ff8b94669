"""The manifests for Kubernetes: valid in each version, confined, and about programs and variables that exist."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions

from invoicing_orchestrate.account_run import FOLDER_VARIABLE
from invoicing_orchestrate.command import main
from invoicing_orchestrate.load_command import FILE_VARIABLE
from scripts.local_world import ROOT
from tests.dockerfile import instructions

MANIFESTS = {path.stem: path for path in sorted((ROOT / "orchestrate" / "kubernetes").glob("*.yaml"))}
VERSIONS = all_versions()[-4:]
"""Those that are maintained, and the one before."""
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8")


def manifest(name: str) -> dict[str, Any]:
    """The object that a file describes."""
    content: dict[str, Any] = yaml.safe_load(MANIFESTS[name].read_text(encoding="utf-8"))
    return content


def pod_of(content: dict[str, Any]) -> dict[str, Any]:
    """The pod of a Deployment or a CronJob."""
    spec = content["spec"]
    template = spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    pod: dict[str, Any] = template["spec"]
    return pod


def container_of(name: str) -> dict[str, Any]:
    """The only container of a manifest."""
    (container,) = pod_of(manifest(name))["containers"]
    return dict(container)


def test_workers_are_a_deployment_and_the_other_way_is_a_cronjob() -> None:
    assert {name: manifest(name)["kind"] for name in MANIFESTS} == {"workers": "Deployment", "cronjob": "CronJob"}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: str, version: str) -> None:
    content = manifest(name)
    kubernetes_validate.validate(content, version, strict=True)
    broken = copy.deepcopy(content)
    pod_of(broken)["containers"][0]["securityContext"]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate(broken, version, strict=True)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_pod_is_confined_as_the_restricted_standard_of_kubernetes_wants_it(name: str) -> None:
    pod, container = pod_of(manifest(name)), container_of(name)
    (user,) = [words for instruction, words in instructions(DOCKERFILE) if instruction == "USER"]
    of_pod = pod["securityContext"]
    assert f"{of_pod['runAsUser']}:{of_pod['runAsGroup']}" == user
    assert of_pod["runAsNonRoot"] is True
    assert of_pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False
    assert container["resources"]["limits"].keys() >= {"memory"}
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_container_runs_a_command_that_exists(name: str) -> None:
    command, *arguments = container_of(name)["args"]
    with click.Context(main.commands[command]) as context:
        main.commands[command].parse_args(context, arguments)
        assert context.params["at_once"] == 2


@pytest.mark.parametrize("name", MANIFESTS)
def test_what_a_run_writes_is_in_a_volume(name: str) -> None:
    container, volumes = container_of(name), {each["name"]: each for each in pod_of(manifest(name))["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container["volumeMounts"]}
    assert {each["name"] for each in container["volumeMounts"]} == volumes.keys()
    writable = {path for path, volume in mounts.items() if "emptyDir" in volume}
    places = {
        str(Path("/app") / place)
        for _, words in instructions(DOCKERFILE)
        for found in re.findall(r"install --directory --owner=\S+ --group=\S+ ([^&]+)", words)
        for place in found.split()
    }
    assert writable == {*places, "/tmp"}  # noqa: S108 - of the container
    variables = {each["name"]: each.get("value", "") for each in container["env"]}
    assert Path(variables[FOLDER_VARIABLE]).parent == Path("/data")
    assert "configMap" in mounts[str(Path(variables[FILE_VARIABLE]).parent)]


@pytest.mark.parametrize("name", MANIFESTS)
def test_secrets_come_from_secrets_that_the_guide_makes(name: str) -> None:
    container, pod = container_of(name), pod_of(manifest(name))
    plain = {each["name"] for each in container["env"] if "value" in each}
    assert plain == {FOLDER_VARIABLE, FILE_VARIABLE}
    of_variables = {each["valueFrom"]["secretKeyRef"]["name"] for each in container["env"] if "valueFrom" in each}
    of_volumes = {each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    assert set(re.findall(r"kubectl create secret generic (\S+)", PAGE)) == of_variables | of_volumes
    maps = {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    assert set(re.findall(r"kubectl create configmap (\S+)", PAGE)) == maps


def test_the_probes_of_a_worker_look_at_the_file_that_it_touches() -> None:
    container = container_of("workers")
    file = container["args"][container["args"].index("--alive-file") + 1]
    for probe in ("startupProbe", "livenessProbe"):
        assert f"find {file} -mmin -3" in container[probe]["exec"]["command"][-1]
