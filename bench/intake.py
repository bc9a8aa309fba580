"""A flood of webhooks while deploys go on, beside a bare Flask handler under the same flood."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.ports import free_ports
from bench.project import ScratchProject
from bench.recovery import quantile
from bench.scratch import platform, say
from jobs.hooks import create_hook
from jobs.models import Run
from jobs.states import FINAL

SENDERS = 16
PATIENCE = 300.0
BARE = """
from flask import Flask, request
app = Flask(__name__)
@app.post("/hooks/<address>")
def receive(address):
    request.get_data()
    return {"run": 1}, 202
"""


class Flood:
    """count signed pushes over `seconds`, at even distances, on connections that stay open."""

    def __init__(self, port: int, path: str, secret: str, commit: str) -> None:
        self.port, self.path, self.secret, self.commit = port, path, secret, commit
        self.local = threading.local()
        self.statuses: list[int] = []
        self.took_ms: list[float] = []
        self.lock = threading.Lock()

    def send(self, number: int, due: float) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        body = json.dumps({"ref": "refs/heads/main", "after": self.commit, "n": number}).encode()
        signature = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Portwright-Delivery": f"{self.port}-{number}",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        begun = time.monotonic()
        status = self.ask(body, headers)
        took = (time.monotonic() - begun) * 1000
        with self.lock:
            self.statuses.append(status)
            self.took_ms.append(took)

    def ask(self, body: bytes, headers: dict[str, str]) -> int:
        if not hasattr(self.local, "connection"):
            self.local.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            self.local.connection.request("POST", self.path, body, headers)
            answer = self.local.connection.getresponse()
            answer.read()
            return int(answer.status)
        except (OSError, http.client.HTTPException):
            del self.local.connection
            return 0

    def run(self, count: int, seconds: float) -> None:
        begun = time.monotonic() + 0.5
        with ThreadPoolExecutor(SENDERS) as senders:
            for number in range(count):
                senders.submit(self.send, number, begun + number * seconds / count)
        self.took_ms.sort()


def measure(webhooks: int, seconds: float) -> dict[str, Any]:
    with platform("pwbenchintake", lambda s: s.extra.update(PORTWRIGHT_SAMPLE="no")) as scratch:
        project = ScratchProject(scratch, scratch.home.parent / "intake", "intake")
        content = {
            "services": {
                "one": {"image": "portwright/python:3.13", "command": ["sleep", "infinity"]}
            }
        }
        project.deploy(content)
        commit = project.commit(content, "Another")
        with project.sessions() as session:
            key = project.settings.key("vault-key")
            hook, secret = create_hook(
                session, key, project.environment(session).project, "generic", by="bench"
            )
            path = f"/hooks/{hook.address}"
        with Bare(scratch.home.parent) as port:
            Flood(port, path, secret, commit).run(webhooks // 5, seconds / 5)  # warm
            baseline = Flood(port, path, secret, commit)
            with Deploys(project, content):
                baseline.run(webhooks, seconds)
        Flood(scratch.ports[0], path, "wrong", commit).run(webhooks // 5, seconds / 5)  # warm
        flood = Flood(scratch.ports[0], path, secret, commit)
        say("the flood begins")
        flood.run(webhooks, seconds)
        say(f"p99 {quantile(flood.took_ms, 0.99)} ms; waiting for all to end")
        deadline = time.monotonic() + PATIENCE
        unfinished = -1
        while unfinished and time.monotonic() < deadline:
            time.sleep(0.5)
            with project.sessions() as session:
                query = select(func.count()).select_from(Run).where(Run.state.not_in(FINAL))
                unfinished = session.scalar(query) or 0
        with project.sessions() as session:
            made = session.scalar(
                select(func.count()).select_from(Run).where(Run.requested_by == "webhook")
            )
    accepted = sum(status == 202 for status in flood.statuses)
    return {
        "accepted": accepted,
        "runs": made,
        "p50_ms": quantile(flood.took_ms, 0.5),
        "p99_ms": quantile(flood.took_ms, 0.99),
        "baseline_p99_ms": quantile(baseline.took_ms, 0.99),
        "unfinished": unfinished,
    }


class Deploys:
    """Deploys go on, as they do under the portal's own flood."""

    def __init__(self, project: ScratchProject, content: dict[str, Any]) -> None:
        self.project, self.content = project, content
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.go_on)

    def go_on(self) -> None:
        while not self.over.is_set():
            self.project.deploy(self.content)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()


class Bare:
    """A Flask application that only answers, under the portal's own server and settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (self.port,) = free_ports(1)

    def __enter__(self) -> int:
        (self.folder / "bare_app.py").write_text(BARE)
        command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "1",
            "--threads", "32", "--preload", "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning",
            "--no-control-socket", "bare_app:app",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=self.folder)
        deadline = time.monotonic() + 20
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=1).connect()
                return self.port
            except OSError:
                assert time.monotonic() < deadline, "the bare application does not come up"
                time.sleep(0.1)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()
