"""The worker's pool of processes."""

from __future__ import annotations

import subprocess
import sys
import time

from stacks.processes import start_time

POOL = """
import os, time
from jobs.pool import Pool

def work():
    os.write(1, b"%d\\n" % os.getpid())
    time.sleep(600)

pool = Pool(2, work)
pool.fill()
time.sleep(600)
"""


def test_no_process_of_the_pool_outlives_a_worker_that_is_killed() -> None:
    """It would go on taking Runs, with the code of before, beside the worker that comes next."""
    with subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        children = [int(worker.stdout.readline()) for _ in range(2)]
        assert all(start_time(pid) for pid in children)
        worker.kill()
        worker.wait()
        deadline = time.monotonic() + 30
        while any(start_time(pid) for pid in children):
            assert time.monotonic() < deadline, children
            time.sleep(0.05)
