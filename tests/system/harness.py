"""A whole platform of the tests' own: a fresh copy of the code, `./quickstart`, real everything."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.ports import free_ports
from bench.scratch import Scratch

CHECKOUT = Path(__file__).resolve().parents[2]
__all__ = ["Platform", "Repository", "copy_checkout", "free_ports", "until"]

EMAIL = "alice@example.com"
PASSWORD = "correct horse battery staple"
IDENTITY = ["-c", "user.name=Alice", "-c", f"user.email={EMAIL}"]


def copy_checkout(target: Path) -> None:
    """What a clone would hold, with the changes that are not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = CHECKOUT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


class Platform(Scratch):
    """A scratch platform with Alice signed in."""

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports[0]}"

    def cli(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The `portwright` command, signed in."""
        return self.run(".venv/bin/portwright", *argv, check=check)

    def sign_in(self) -> None:
        """Become the owner by the one-time link, then log the command line in."""
        with httpx.Client(base_url=self.url) as web:
            token = (self.home / "keys/setup-token").read_text()
            form = {"token": token, "email": EMAIL, "password": PASSWORD}
            form["csrf_token"] = csrf(web.get("/setup", params={"token": token}).text)
            assert web.post("/setup", data=form).status_code == 302
        answer = httpx.post(
            f"{self.url}/api/login", json={"email": EMAIL, "password": PASSWORD, "label": "tests"}
        )
        self.cli("login", self.url, "--token", answer.json()["token"])

    def api(self, path: str) -> Any:
        token = json.loads((self.home / "cli.json").read_text())["token"]
        answer = httpx.get(f"{self.url}/api{path}", headers={"Authorization": f"Bearer {token}"})
        answer.raise_for_status()
        return answer.json()

    def release(self) -> int:
        """The number of the sample's release that serves."""
        return int(self.api("/projects/sample")["project"]["release"])

    def last_run(self) -> Any:
        return self.api("/projects/sample/runs?limit=1")["runs"][0]

    def plan(self) -> Any:
        """The sample's plan, as the command line gives it."""
        return json.loads(self.cli("plan", "sample", "--json").stdout)

    def get(
        self, host: str, path: str = "/", method: str = "GET", body: str = ""
    ) -> httpx.Response:
        """A request through Traefik. *.localhost need not resolve here: the Host header tells."""
        return httpx.request(
            method,
            f"http://127.0.0.1:{self.ports[1]}{path}",
            headers={"Host": host},
            content=body or None,
            timeout=20,
        )

    def health(self) -> Any:
        return self.get("web.sample.localhost", "/health").json()


@dataclass
class Repository:
    """A clone of the sample's repository, as a developer has it."""

    folder: Path

    def git(self, *argv: str) -> str:
        done = subprocess.run(
            ["git", *IDENTITY, *argv], cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def replace(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def push(self, message: str) -> str:
        """Commit everything and push; returns the SHA."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "HEAD:main")
        return self.git("rev-parse", "HEAD")


def csrf(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, "the form has no CSRF token"
    return found[1]


def until(condition: Any, seconds: float = 15.0) -> Any:
    """The first true value of a callable, polled."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s")
