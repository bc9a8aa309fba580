"""Builds that print without end, that hold secrets, and that are killed."""

from __future__ import annotations

import os
import re
import resource
import signal
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from attack_ground import BASE, Ground, Place
from harness import until

from stacks.docker.builds.progress import MAX_LINE
from stacks.errors import PortwrightError

SECRET = {"web": {"build": {"context": ".", "secrets": {"t": {"secret": "TOKEN"}}}}}
SLOW = f"FROM {BASE}\nRUN --mount=type=secret,id=t echo begun-{{mark}}; sleep 600\n"
OUTPUT = f"""FROM {BASE}
RUN i=0; while [ $i -lt 3000 ]; do printf 'progress %d\\r' $i; i=$((i+1)); done; echo drawn
RUN head -c 20000 /dev/urandom; printf '\\033[2J\\033]0;title\\007\\000end\\n'
RUN yes | tr -d '\\n' | head -c 30000000; echo
RUN yes 'a line of the output' | head -c 50000000
RUN echo finished
"""


def test_no_output_is_too_much(mallory: Place) -> None:
    """Lines that are drawn again, binary bytes, a line of 30 MB, and 50 MB of lines."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said: list[str] = []
    started = time.monotonic()
    mallory.build(OUTPUT, log=said.append)
    assert time.monotonic() - started < 60
    (log,) = said
    assert "finished" in log and "drawn" in log
    assert len(log) < 16 << 20
    assert max(len(line) for line in log.splitlines()) < MAX_LINE + 100
    assert not re.search("[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]|\x1b(?!\\[[0-9;]*m)", log)
    assert log.count("progress") < 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 << 10


def test_the_last_lines_of_a_step_that_fails_are_in_the_error(mallory: Place) -> None:
    """Also of one that printed a lot, in very short lines, before."""
    started = time.monotonic()
    with pytest.raises(PortwrightError, match=r"the build failed: .*the cause is 42"):
        mallory.build(
            f"FROM {BASE}\nRUN yes | head -c 9000000; echo the cause is $((40+2)); exit 3\n"
        )
    assert time.monotonic() - started < 20


@contextmanager
def building(place: Place, value: str) -> Iterator[subprocess.Popen[str]]:
    """A worker in the middle of a build that has a secret; yields when its command runs."""
    place.secret("TOKEN", value)
    mark = uuid.uuid4().hex
    place.commit({"Dockerfile": SLOW.format(mark=mark)}, SECRET)
    settings = place.ground.settings
    log = settings.home / "runs/worker.log"
    log.unlink(missing_ok=True)
    env = {
        **os.environ,
        "PORTWRIGHT_HOME": str(settings.home),
        "PORTWRIGHT_INSTANCE": settings.instance,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    argv = [sys.executable, str(Path(__file__).with_name("attack_worker.py")), place.project.name]
    worker = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: log.exists() and re.search(rf"#\d+ begun-{mark}", log.read_text()), 60)
        yield worker
    finally:
        worker.kill()
        worker.communicate()


def buildctls(ground: Ground) -> list[int]:
    """Processes of this ground's buildctl, and of the `docker exec` that it starts."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit():
                argv = (entry / "cmdline").read_bytes()
                if f"{ground.settings.instance}.builder.".encode() in argv:
                    found.append(int(entry.name))
    return found


def holders(value: str, since: float, folders: tuple[str, ...]) -> list[str]:
    """Files below these folders, and arguments and environments of processes, with the value.

    since: older files are not read.
    """
    sought, found = value.encode(), []
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for path in (Path(parent, name) for name in names):
                with suppress(OSError):
                    status = path.lstat()
                    new = stat.S_ISREG(status.st_mode) and status.st_ctime >= since
                    if new and sought in path.read_bytes():
                        found.append(str(path))
    for entry in Path("/proc").iterdir():
        for name in ("cmdline", "environ"):
            with suppress(OSError):
                if entry.name.isdigit() and sought in (entry / name).read_bytes():
                    found.append(str(entry / name))
    return found


def steps_with(place: Place, text: str) -> str:
    """The builder's processes whose arguments have the text."""
    container = place.builder()
    titles, rows = (container.top()[each] for each in ("Titles", "Processes"))
    return "\n".join(row[titles.index("CMD")] for row in rows if text in row[titles.index("CMD")])


def test_a_killed_worker_leaves_no_secret_no_process_and_a_builder_that_works(
    ground: Ground, alice: Place
) -> None:
    value = f"secret-{uuid.uuid4().hex}"
    since, folders = time.time() - 1, ("/tmp", "/dev/shm", "/run", str(ground.settings.home))
    with building(alice, value) as worker:
        assert len(buildctls(ground)) >= 1
        assert holders(value, since, folders) == []
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        until(lambda: buildctls(ground) == [], 10)
        assert holders(value, since, folders) == []
        until(lambda: steps_with(alice, "sleep 600") == "", 10)
    assert alice.build(f"FROM {BASE}\nRUN echo well >/out\n").text() == "well"


def test_a_cancelled_build_leaves_no_process(ground: Ground, alice: Place) -> None:
    """The supervisor kills what carries the run's mark, which buildctl does, and raises."""
    started = alice.builder().attrs["State"]["StartedAt"]
    with building(alice, "canceled") as worker:
        for pid in buildctls(ground):
            os.kill(pid, signal.SIGKILL)
        output, _ = worker.communicate(timeout=15)
        assert worker.returncode == 1 and "the build failed" in output
        until(lambda: buildctls(ground) == [], 10)
        until(lambda: steps_with(alice, "sleep 600") == "", 10)
    assert alice.builder().attrs["State"]["StartedAt"] == started
    assert alice.build(f"FROM {BASE}\nRUN echo again >/out\n").text() == "again"
