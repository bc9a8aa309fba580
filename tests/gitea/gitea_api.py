"""Gitea's JSON API, as far as tests need it: users, repositories, hooks, pull requests.

`by` is who does it, the admin unless told. Every call asserts that Gitea agrees.
https://docs.gitea.com/api
"""

from __future__ import annotations

from typing import Any

import httpx

ADMIN = "root-admin"
PASSWORD = "correct horse battery staple"


class GiteaApi:
    """`url` is its address; `tokens` has one with all rights for each user that was made."""

    url: str
    tokens: dict[str, str]

    def api(self, method: str, path: str, json: Any = None, by: str = ADMIN) -> Any:
        """The JSON of an answer, None where it has no body; `path` is what follows /api/v1."""
        headers = {"Authorization": f"token {self.tokens[by]}"}
        url = f"{self.url}/api/v1{path}"
        answer = httpx.request(method, url, json=json, headers=headers, timeout=30)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def create_user(self, name: str) -> str:
        """A user with PASSWORD; returns a token that may do all that the user may."""
        user = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
        self.api("POST", "/admin/users", {**user, "must_change_password": False})
        self.tokens[name] = self.create_token(name)
        return self.tokens[name]

    def create_token(
        self, user: str, name: str = "tests", scopes: tuple[str, ...] = ("all",)
    ) -> str:
        """A token of the user's with only these scopes, such as "read:repository"."""
        url = f"{self.url}/api/v1/users/{user}/tokens"
        body = {"name": name, "scopes": scopes}
        answer = httpx.post(url, json=body, auth=(user, PASSWORD), timeout=30)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["sha1"])

    def create_repository(self, owner: str, name: str, private: bool = True) -> str:
        """An empty one; returns its address for `git clone` over HTTP, without a token."""
        made = self.api("POST", f"/admin/users/{owner}/repos", {"name": name, "private": private})
        return str(made["clone_url"])

    def fork(self, owner: str, repo: str, by: str) -> str:
        """Into the account of `by`; returns the fork's address for `git clone`."""
        return str(self.api("POST", f"/repos/{owner}/{repo}/forks", {}, by)["clone_url"])

    def rename_repository(self, owner: str, repo: str, new: str) -> None:
        self.api("PATCH", f"/repos/{owner}/{repo}", {"name": new})

    def delete_branch(self, owner: str, repo: str, branch: str) -> None:
        self.api("DELETE", f"/repos/{owner}/{repo}/branches/{branch}")

    def add_hook(self, owner: str, repo: str, url: str, secret: str, *events: str) -> int:
        """A webhook for these events, such as "push" and "pull_request"; returns its id."""
        config = {"url": url, "secret": secret, "content_type": "json"}
        hook = {"type": "gitea", "config": config, "events": events, "active": True}
        return int(self.api("POST", f"/repos/{owner}/{repo}/hooks", hook)["id"])

    def hooks(self, owner: str, repo: str) -> list[Any]:
        return list(self.api("GET", f"/repos/{owner}/{repo}/hooks"))

    def open_pull(
        self, owner: str, repo: str, head: str, base: str, title: str, by: str = ADMIN
    ) -> int:
        """The number of a new pull request; `head` of a fork is "user:branch"."""
        pull = {"head": head, "base": base, "title": title}
        return int(self.api("POST", f"/repos/{owner}/{repo}/pulls", pull, by)["number"])

    def merge(self, owner: str, repo: str, number: int) -> None:
        self.api("POST", f"/repos/{owner}/{repo}/pulls/{number}/merge", {"Do": "merge"})

    def close(self, owner: str, repo: str, number: int) -> None:
        self._set_state(owner, repo, number, "closed")

    def reopen(self, owner: str, repo: str, number: int) -> None:
        self._set_state(owner, repo, number, "open")

    def _set_state(self, owner: str, repo: str, number: int, state: str) -> None:
        self.api("PATCH", f"/repos/{owner}/{repo}/pulls/{number}", {"state": state})

    def comments(self, owner: str, repo: str, number: int) -> list[Any]:
        """What was said of a pull request, oldest first: dicts with `id`, `body`, `user`."""
        return list(self.api("GET", f"/repos/{owner}/{repo}/issues/{number}/comments"))

    def statuses(self, owner: str, repo: str, sha: str) -> list[Any]:
        """Of a commit, newest first: dicts with `context`, `status`, `target_url`."""
        return list(self.api("GET", f"/repos/{owner}/{repo}/commits/{sha}/statuses"))
