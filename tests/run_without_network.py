"""Run the pipeline in a network namespace of its own, where only loopback is up; started by test_pipeline."""

from __future__ import annotations

import fcntl
import socket
import struct
import sys

import psycopg

from scripts.local_world import local_world

_SIOCSIFFLAGS = 0x8914
_UP_AND_RUNNING = 0x1 | 0x40


def raise_loopback() -> None:
    """Set the loopback interface up, as `ip link set lo up` does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", _UP_AND_RUNNING, b""))


def main() -> int:
    """Run the pipeline, and print how many rows were loaded."""
    raise_loopback()
    try:
        socket.create_connection(("192.0.2.1", 443), timeout=2)
    except OSError as error:
        print(f"no network: {error.strerror}")  # noqa: T201 - the test reads it
    with local_world() as world:
        if world.run("meltano", "run", "tap-productive", "target-postgres", quiet=True):
            return 1
        with psycopg.connect(world.database_url) as connection:
            (count,) = connection.execute("select count(*) from tap_productive.invoices").fetchone() or (0,)
        print(f"rows: {count} invoices")  # noqa: T201 - the test reads it
    return 0


if __name__ == "__main__":
    sys.exit(main())
