"""A disk that is soon full: a file system in memory of some kilobytes, seen by the programs that are run inside."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOUNT = 'mount -t tmpfs -o size="$1"k tmpfs "$2" && echo mounted && exec cat'


@dataclass(frozen=True)
class SmallDisk:
    """The disk.

    Args:
        folder: Where the programs inside see it.
        holder: The process that has the mount namespace.
    """

    folder: Path
    holder: int

    @property
    def seen_from_outside(self) -> Path:
        """Where its files are for this process."""
        return Path(f"/proc/{self.holder}/root{self.folder}")

    def inside(self, command: Sequence[str]) -> list[str]:
        """Return a command that runs another one where the disk is mounted."""
        of_a_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        return ["nsenter", f"--target={self.holder}", "--mount", *of_a_user, "--", *command]

    def resize(self, kilobytes: int) -> None:
        """Make it larger or smaller; what is on it stays."""
        subprocess.run(self.inside(["mount", "-o", f"remount,size={kilobytes}k", str(self.folder)]), check=True)


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[SmallDisk]:
    """Mount a disk in a mount namespace of its own, which a user may have, too, where the kernel lets users have one.

    Args:
        folder: Where; it is made.
        kilobytes: Its size.

    Yields:
        The disk.
    """
    folder.mkdir()
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--mount", *as_root, "sh", "-c", _MOUNT, "sh", str(kilobytes), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as holder:
        said = holder.stdout.readline() if holder.stdout else b""
        if said != b"mounted\n":
            why = holder.communicate()[1].decode()
            raise RuntimeError(f"A disk for the test could not be mounted (unshare --mount, mount -t tmpfs): {why}")
        try:
            yield SmallDisk(folder, holder.pid)
        finally:
            holder.communicate(b"")
