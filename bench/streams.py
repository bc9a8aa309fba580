"""Many readers of one live log, and how long the portal's pages take beside them and without."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from typing import Any

import httpx
from werkzeug.security import generate_password_hash

from bench.project import ScratchProject
from bench.recovery import quantile
from bench.scratch import Scratch, platform, say
from jobs.models import Member, Project, User

TICKS = "import time\nfor n in range({lines}): print('tick', n, flush=True); time.sleep(0.02)"
EMAIL, PASSWORD = "reader@example.org", "correct horse battery"
PAGE = "/projects/streamed"
EVERY = 0.05
AGENT = "bench"  # a session belongs to the program that signed in


class Streamed:
    """A project whose build prints a line every 20 ms, and somebody who may read it."""

    def __init__(self, scratch: Scratch) -> None:
        self.scratch = scratch
        self.project = ScratchProject(scratch, scratch.home.parent / "streamed", "streamed")
        self.url = f"http://127.0.0.1:{scratch.ports[0]}"
        with self.project.sessions() as session:
            user = User(
                email=EMAIL, password_hash=generate_password_hash(PASSWORD, "scrypt:1024:8:1")
            )
            session.add(user)
            session.flush()
            project = session.query(Project).filter_by(name="streamed").one()
            session.add(Member(project_id=project.id, user_id=user.id, role="viewer"))
            session.commit()
        self.number = 0

    def begin(self, lines: int) -> int:
        """Ask for a deploy whose build prints so many lines; returns the Run's id."""
        self.number += 1
        self.project.write("web/ticks.py", TICKS.format(lines=lines) + f"  # {self.number}")
        self.project.write(
            "web/Dockerfile",
            "FROM portwright/python:3.13\nCOPY ticks.py /\nRUN python3 /ticks.py\nCMD sleep infinity\n",
        )
        self.project.commit({"services": {"web": {"build": "web"}}})
        return self.project.request("deploy")

    def client(self) -> httpx.Client:
        """A browser that is signed in."""
        headers = {"User-Agent": AGENT}
        web = httpx.Client(base_url=self.url, timeout=30, headers=headers)
        token = web.get("/sign-in").text.partition('name="csrf_token" value="')[2].partition('"')[0]
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token}
        assert web.post("/sign-in", data=form).status_code == 302
        return web


class Readers:
    """So many readers of a Run's log, in a process of their own."""

    def __init__(self, streamed: Streamed, run: int, count: int, cookie: str) -> None:
        asked = {
            "port": streamed.scratch.ports[0],
            "run": run,
            "count": count,
            "cookie": cookie,
            "agent": AGENT,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.readers", json.dumps(asked)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def end(self, patience: float) -> list[dict[str, Any]]:
        """What each has seen, once all have ended."""
        out, _ = self.process.communicate(timeout=patience)
        told: list[dict[str, Any]] = json.loads(out)
        return told


class Pages:
    """Asks for a page again and again; milliseconds of each, sorted."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.over = threading.Event()
        self.took_ms: list[float] = []
        self.thread = threading.Thread(target=self.ask)

    def ask(self) -> None:
        while not self.over.wait(EVERY):
            began = time.monotonic()
            assert self.client.get(PAGE).status_code == 200
            self.took_ms.append((time.monotonic() - began) * 1000)

    def __enter__(self) -> Pages:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()
        self.took_ms.sort()


def measure(readers: int, lines: int) -> dict[str, Any]:
    with platform("pwbenchstream", lambda s: s.extra.update(PORTWRIGHT_SAMPLE="no")) as scratch:
        streamed = Streamed(scratch)
        with contextlib.closing(streamed.client()) as web:
            with Pages(web) as alone:
                streamed.project.ended(streamed.begin(lines))
            say(f"without readers: p95 {quantile(alone.took_ms, 0.95)} ms")
            run = streamed.begin(lines)
            cookie = "; ".join(f"{each.name}={each.value}" for each in web.cookies.jar)
            crowd = Readers(streamed, run, readers, cookie)
            with Pages(web) as beside:
                streamed.project.ended(run)
            seen = crowd.end(60)
        expected = len(streamed.project.log(run).splitlines())
    return {
        "readers": sum(each["ended"] for each in seen),
        "lines": expected,
        "page_p95_ms": quantile(beside.took_ms, 0.95),
        "baseline_page_p95_ms": quantile(alone.took_ms, 0.95),
        "dropped_lines": sum(max(0, expected - each["lines"]) for each in seen),
        "repeated_lines": sum(max(0, each["lines"] - expected) for each in seen),
        "reconnected": sum(each["connections"] - 1 for each in seen),
    }
