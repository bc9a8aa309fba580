"""A real Gitea for tests, and what people and other programs do with it.

    with running() as gitea:
        gitea.create_user("alice")
        gitea.create_repository("alice", "shop")
        gitea.push(folder, "alice", "shop", "HEAD:main")
        number = gitea.open_pull("alice", "shop", head="topic", base="main", title="Topic")

`gitea_api` has the rest of what can be done.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from gitea_api import ADMIN, PASSWORD, GiteaApi
from gitea_process import GiteaProcess


class Gitea(GiteaProcess, GiteaApi):
    """A server, its API, its pages and git."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: dict[str, str] = {}
        self._web = httpx.Client(base_url=self.url, timeout=30)

    def start(self) -> None:
        super().start()
        made = self.run(
            "admin", "user", "create", "--admin", "--username", ADMIN, "--password", PASSWORD,
            "--email", f"{ADMIN}@example.com", "--must-change-password=false",
        )  # fmt: skip
        assert "successfully created" in made, made
        self.tokens[ADMIN] = self.create_token(ADMIN)
        form = {"user_name": ADMIN, "password": PASSWORD}
        assert self._web.post("/user/login", data=form).status_code == 303

    def stop(self) -> None:
        self._web.close()
        super().stop()

    def page(self, path: str) -> str:
        """The HTML that the signed-in admin sees."""
        answer = self._web.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return answer.text

    def ssh_url(self, owner: str, repo: str) -> str:
        return f"ssh://git@127.0.0.1:{self.ssh_port}/{owner}/{repo}.git"

    def token_url(self, owner: str, repo: str, by: str = ADMIN) -> str:
        """The address for git with a token in it; `url` in its place has none."""
        return f"http://{by}:{self.tokens[by]}@{urlsplit(self.url).netloc}/{owner}/{repo}.git"

    def push(self, folder: Path, owner: str, repo: str, *refspecs: str, by: str = ADMIN) -> None:
        """`git push` from a clone or a new repository; `+topic` is a forced one."""
        argv = ["git", "push", "--quiet", self.token_url(owner, repo, by), *refspecs]
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        done = subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@contextmanager
def running() -> Iterator[Gitea]:
    """A Gitea with an admin, of which nothing is left afterwards."""
    gitea = Gitea()
    try:
        gitea.start()
        yield gitea
    finally:
        gitea.stop()
