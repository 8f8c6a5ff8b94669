"""A Dockerfile, and its steps carried out on this machine: each stage in a root of its own, laid over this machine's.

This machine's files take the place of the base image, so that Python and the system's programs are its own; whatever a
step writes goes into a folder of the test. Needs Linux, and a user who may mount (root, or one whose namespaces may).
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from scripts.local_world import ROOT
from tests.wheels import bare_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Instruction(NamedTuple):
    """One instruction.

    Attributes:
        name: In capitals.
        words: What follows, as one text.
    """

    name: str
    words: str


def instructions(text: str) -> list[Instruction]:
    """Return the instructions of a Dockerfile; lines that go on are put together."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines()]


def build_context(into: Path) -> list[str]:
    """Copy what `.dockerignore` lets into the image; return the paths of the files, below the repository."""
    files = [name for name in _files() if not is_ignored(name)]
    for name in files:
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    return files


def is_ignored(name: str) -> bool:
    """Return whether `.dockerignore` keeps a file out; the last rule that matches it, or a folder above it, decides."""
    ignored = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = re.escape(line.removeprefix("!")).replace(r"\*\*/", "(.*/)?").replace(r"\*", "[^/]*")
            if re.fullmatch(f"{pattern}(/.*)?", name):
                ignored = not line.startswith("!")
    return ignored


def _files() -> Iterator[str]:
    for folder, folders, names in os.walk(ROOT):
        if Path(folder) == ROOT:
            folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (str((Path(folder) / name).relative_to(ROOT)) for name in names)


@dataclass(frozen=True)
class Image:
    """What the Dockerfile makes: a root over this machine's, and how it runs.

    Args:
        folder: Where the roots of the stages are.
        environment: The environment variables of the last stage.
        workdir: The folder in which it runs.
        user: The user and group, as numbers.
        entrypoint: The program and its first arguments.
        healthcheck: The command of the health check.
    """

    folder: Path
    environment: Mapping[str, str]
    workdir: str
    user: str
    entrypoint: Sequence[str]
    healthcheck: Sequence[str]

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        socket: tuple[Path, Path] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as the container would.

        Args:
            command: The program and its arguments.
            environment: More environment variables.
            socket: A UNIX socket of this machine, and where the container finds it.
        """
        bound = ""
        if socket:
            source, target = shlex.quote(str(socket[0])), shlex.quote(f"merged{socket[1]}")
            bound = f"mkdir -p $(dirname {target})\ntouch {target}\nmount --bind {source} {target}\n"
        variables = {**self.environment, "HOME": "/data"} | dict(environment or {})
        script = f"{_mounted('final')}{bound}{_chroot(command, variables, self.workdir, self.user)}"
        return _in_namespace(script, self.folder)


def build(dockerfile: str, folder: Path, arguments: Mapping[str, str]) -> Image:
    """Carry out the steps of a Dockerfile of two stages, `build` and the last one.

    Args:
        dockerfile: Its text.
        folder: Where the roots of the stages are put.
        arguments: Values of its `ARG` instructions.
    """
    build_context(folder / "context")
    stage = _Stage("", folder)
    for name, words in instructions(dockerfile):
        if name == "FROM":
            stage = _Stage("build" if words.endswith(" AS build") else "final", folder)
            # The container's user reaches this machine's Python, wherever it is.
            stage.carry_out("chmod o+x merged/root")
        elif name == "ARG" and stage.name:
            key, _, default = words.partition("=")
            stage.environment[key] = arguments.get(key, default.strip('"'))
        elif name == "ENV":
            pairs = dict(re.findall(r"(\w+)=(\S+)", words))
            path = stage.environment["PATH"]
            stage.environment |= {key: value.replace("$PATH", path) for key, value in pairs.items()}
        elif name == "WORKDIR":
            stage.workdir = words
            stage.carry_out(f"mkdir -p merged{words}")
        elif name == "COPY":
            *options, source, target = words.split()
            source = f"stage-build{source}" if options == ["--from=build"] else f"context/{source}"
            place = target if target.startswith("/") else f"{stage.workdir}/{target}"
            stage.carry_out(f"cp -a {source}/. merged{place}/")
        elif name == "RUN":
            command = ["/bin/sh", "-euxc", re.sub(r"^--mount=\S+\s+", "", words)]
            stage.carry_out(_chroot(command, stage.environment, stage.workdir, stage.user))
        elif name == "USER":
            stage.user = words
        elif name in {"ENTRYPOINT", "HEALTHCHECK"}:
            stage.kept[name] = json.loads(words[words.index("[") :])
    kept = stage.kept
    return Image(folder, stage.environment, stage.workdir, stage.user, kept["ENTRYPOINT"], kept["HEALTHCHECK"])


@dataclass
class _Stage:
    """A stage while its steps are carried out.

    Args:
        name: `build` or `final`.
        folder: Where the roots of the stages are.
    """

    name: str
    folder: Path
    workdir: str = "/"
    user: str = "0:0"
    environment: dict[str, str] = field(default_factory=bare_environment)
    kept: dict[str, list[str]] = field(default_factory=dict)

    def carry_out(self, step: str) -> None:
        """Run commands of a shell, with the root of the stage mounted as `merged`."""
        done = _in_namespace(f"{_mounted(self.name)}{step}\n", self.folder)
        assert done.returncode == 0, f"{step}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def _mounted(stage: str) -> str:
    """Return commands that mount the root of a stage as `merged`, and that of the first as `stage-build`."""
    return f"""\
mkdir -p upper-{stage} work-{stage} merged stage-build
[ ! -d upper-build/app ] || mount --bind upper-build stage-build
mount -t overlay overlay -o lowerdir=/,upperdir=upper-{stage},workdir=work-{stage} merged
mount --rbind /dev merged/dev
mount -t proc proc merged/proc
"""


def _chroot(command: Sequence[str], environment: Mapping[str, str], workdir: str, user: str) -> str:
    inner = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', workdir, *command]
    variables = [f"{key}={value}" for key, value in environment.items()]
    return shlex.join(["chroot", f"--userspec={user}", "merged", "/usr/bin/env", "-i", *variables, *inner]) + "\n"


def _in_namespace(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    as_root = [] if os.geteuid() == 0 else ["--map-root-user", "--map-auto"]
    command = ["unshare", *as_root, "--mount", "/bin/sh", "-euc", script]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
