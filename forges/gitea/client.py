"""Gitea's and Forgejo's API, GitHub's but for details. https://docs.gitea.com/api/"""

from __future__ import annotations

from collections.abc import Iterator

from forges.api import Api
from forges.asked import Comment, State, named, numbered, usable
from forges.client import Client
from forges.credentials import Token
from forges.events import PullRequest
from forges.fetch import Fetcher
from forges.github.client import comment
from forges.github.hook import pull_request
from forges.reading import Node

RIGHTS = (
    "the token needs read:user, write:repository and write:issue; its account must be able to write"
)
STATES: dict[State, str] = {
    "pending": "pending", "running": "pending", "success": "success", "failure": "failure",
    "cancelled": "error",
}  # fmt: skip
# Of pull requests not their labels, comments and reviews.
EVENTS = ["push", "pull_request_only", "pull_request_sync"]


class Gitea(Client):
    def __init__(self, url: str, token: Token, fetcher: Fetcher) -> None:
        super().__init__(Api(url, fetcher, token.headers, RIGHTS))

    def me(self) -> str:
        return self.api.read("GET", "/user").at("login").text(100)

    def lacking(self, full_name: str) -> str:
        if full_name and not self.repository(full_name).at("permissions.push").flag():
            return f"the token's account may not write to {full_name}"
        return ""

    def repository(self, full_name: str) -> Node:
        return self.api.read("GET", f"/repos/{named(full_name)}")

    def commit(self, full_name: str, ref: str) -> str:
        place = f"/repos/{named(full_name)}/git/commits/{Node(ref, 'ref').ref()}"
        return self.api.read("GET", place).at("sha").sha()

    def set_status(
        self, full_name: str, commit: str, state: State, url: str, description: str, context: str
    ) -> None:
        place = f"/repos/{named(full_name)}/statuses/{Node(commit, 'commit').sha()}"
        told = {"state": STATES[state], "target_url": url, "description": description[:255]}
        self.api.call("POST", place, {**told, "context": context})

    def pull_requests(self, full_name: str) -> list[PullRequest]:
        items = self.api.pages(f"/repos/{named(full_name)}/pulls", state="open", limit=20)
        return usable(items, lambda node: pull_request(node, "opened"))

    def comments(self, full_name: str, number: int) -> Iterator[Comment]:
        """All at once: this list has no pages."""
        return map(comment, self.api.read("GET", self.thread(full_name, number)).items())

    def add_comment(self, full_name: str, number: int, text: str) -> str:
        place = self.thread(full_name, number)
        return self.api.read("POST", place, {"body": text}).at("id").identity()

    def edit_comment(self, full_name: str, number: int, comment_id: str, text: str) -> None:
        self.api.call("PATCH", self.comment_place(full_name, comment_id), {"body": text})

    def delete_comment(self, full_name: str, number: int, comment_id: str) -> None:
        self.api.gone(self.comment_place(full_name, comment_id))

    def thread(self, full_name: str, number: int) -> str:
        return f"/repos/{named(full_name)}/issues/{numbered(number)}/comments"

    def comment_place(self, full_name: str, comment_id: str) -> str:
        identity = Node(comment_id, "comment").identity()
        return f"/repos/{named(full_name)}/issues/comments/{identity}"

    def add_hook(self, full_name: str, url: str, secret: str) -> str:
        config = {"url": url, "content_type": "json", "secret": secret}
        hook = {"type": "gitea", "active": True, "events": EVENTS, "config": config}
        return self.api.read("POST", f"/repos/{named(full_name)}/hooks", hook).at("id").identity()

    def remove_hook(self, full_name: str, hook_id: str) -> None:
        self.api.gone(f"/repos/{named(full_name)}/hooks/{Node(hook_id, 'hook').identity()}")
