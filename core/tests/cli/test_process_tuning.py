"""Settings of the whole process."""

from __future__ import annotations

import subprocess
import sys


def test_large_buffers_are_returned_and_garbage_is_collected_less_often() -> None:
    program = (
        "import gc, os, platform\n"
        "from singer_rest_core.cli.process_tuning import tune\n"
        "tune()\n"
        "def resident(): return int(open('/proc/self/statm').read().split()[1]) * os.sysconf('SC_PAGE_SIZE')\n"
        "before = resident()\n"
        "for _ in range(3):\n"
        "    pages = [b'x' * 600_000 for _ in range(50)]\n"
        "    kept = [object() for _ in range(1000)]\n"
        "    del pages\n"
        "print(gc.get_threshold(), (resident() - before) < 5_000_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "(20000, 20, 20) True"
