"""The portal under fault: the same webhook many times at once, and a restart while a log is read."""

from __future__ import annotations

import hashlib
import hmac
import html
import http.client
import json
import os
import re
import signal
import threading
import time

import pytest

from bench.faults.ground import Ground, daemon
from jobs.hooks import create_hook
from jobs.models import ApiToken, Member, Project, Run, User
from jobs.terminal import clean
from portal.bearer import digest

COPIES = 50


def test_the_same_webhook_fifty_times_at_once_is_one_run(field: Ground) -> None:
    field.change()
    commit = field.project.git("rev-parse", "HEAD")
    with field.project.sessions() as session:
        key = field.project.settings.key("vault-key")
        hook, secret = create_hook(
            session, key, field.project.environment(session).project, "generic", by="test"
        )
        path = f"/hooks/{hook.address}"
    body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "push",
        "X-Portwright-Delivery": "one",
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    answers: list[tuple[int, int]] = []
    gate = threading.Barrier(COPIES)

    def send() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", field.scratch.ports[0], timeout=30)
        connection.connect()
        gate.wait()
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answers.append((answer.status, json.loads(answer.read())["run"]))

    threads = [threading.Thread(target=send) for _ in range(COPIES)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(status for status, _ in answers) == [200] * (COPIES - 1) + [202]
    (run,) = {run for _, run in answers}
    assert field.wait_final(run).state == "succeeded"
    assert field.number_served() == field.number


@pytest.fixture(scope="module")
def token(field: Ground) -> str:
    with field.project.sessions() as session:
        user = User(email="reader@example.org", password_hash="-")
        session.add(user)
        session.flush()
        project = session.query(Project).filter_by(name="faulty").one()
        session.add(Member(project_id=project.id, user_id=user.id, role="viewer"))
        text = "pw_of-the-reader-of-logs"
        session.add(ApiToken(user_id=user.id, digest=digest(text), label="reader"))
        session.commit()
        return text


class Reader:
    """Reads the stream of a Run's log as a browser does: it comes back with the last event's id."""

    def __init__(self, field: Ground, run: int, token: str) -> None:
        self.field, self.path = field, f"/api/runs/{run}/log/stream"
        self.headers = {"Authorization": f"Bearer {token}"}
        self.lines: list[str] = []
        self.last = ""
        self.ended = False
        self.lost = 0

    def read(self, patience: float = 90) -> None:
        deadline = time.monotonic() + patience
        while not self.ended and time.monotonic() < deadline:
            try:
                self.once()
            except (OSError, http.client.HTTPException):
                self.lost += 1
                time.sleep(0.5)

    def once(self) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.field.scratch.ports[0], timeout=20
        )
        resumed = {"Last-Event-ID": self.last} if self.last else {}
        connection.request("GET", self.path, headers={**self.headers, **resumed})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        event: dict[str, list[str]] = {}
        while line := answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                event.setdefault(name, []).append(value)
                continue
            if event.get("event") == ["log"]:
                self.lines += event["data"]
                self.last = event["id"][0]
            self.ended = self.ended or event.get("event") == ["end"]
            event = {}
            if self.ended:
                return
        raise ConnectionError("the stream was cut off")


def test_the_portal_dies_while_a_log_is_read(field: Ground, token: str) -> None:
    """Not a line is lost or comes twice, and the deploy does not care."""
    field.change()
    run = field.project.request("deploy")
    reader = Reader(field, run, token)
    thread = threading.Thread(target=reader.read)
    thread.start()
    deadline = time.monotonic() + 30
    while not reader.lines:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(daemon(field.scratch, "portal"), signal.SIGKILL)
    field.scratch.quickstart()
    thread.join()
    with field.project.sessions() as session:
        assert session.get_one(Run, run).state == "succeeded"
    assert reader.ended and reader.lost
    shown = [html.unescape(re.sub("<[^>]*>", "", line)) for line in reader.lines]
    assert shown == clean(field.project.log(run)).splitlines()


def test_what_services_print_is_read_and_followed_without_loss(field: Ground, token: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", field.scratch.ports[0], timeout=20)
    headers = {"Authorization": f"Bearer {token}"}

    def get(path: str, **more: str) -> http.client.HTTPResponse:
        connection.request("GET", f"/api/projects/faulty/{path}", headers={**headers, **more})
        return connection.getresponse()

    lines = get("logs?service=idle&tail=5").read().decode().splitlines()
    assert len(lines) == 5 and all(" idle | tick " in line for line in lines)
    assert get("logs?q=no-such-words").read() == b""
    ticks: list[int] = []
    last = ""
    for _ in range(3):  # a reader that is cut off twice
        answer = get("logs/stream?service=idle", **({"Last-Event-ID": last} if last else {}))
        seen = 0
        while seen < 4:
            line = answer.readline().decode().strip()
            if line.startswith("id: "):
                last = line.removeprefix("id: ")
            elif line.startswith("data: "):
                ticks.append(int(line.rpartition(" ")[2]))
            elif not line and ticks:
                seen += 1
        connection.close()
        time.sleep(1)
    assert ticks == list(range(ticks[0], ticks[0] + len(ticks)))
