"""Bitbucket Cloud's REST API. https://developer.atlassian.com/cloud/bitbucket/rest/"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from forges.api import Api
from forges.asked import Comment, State, named, numbered, usable
from forges.bitbucket.commits import only
from forges.bitbucket.hook import pull_request
from forges.client import Client
from forges.credentials import Token
from forges.errors import Answered
from forges.events import PullRequest
from forges.fetch import Fetcher
from forges.reading import Node

RIGHTS = (
    "the token needs repository: write, pull request: write and webhook: read and write; "
    "an API token also its account's e-mail address"
)
STATES: dict[State, str] = {
    "pending": "INPROGRESS", "running": "INPROGRESS", "success": "SUCCESSFUL",
    "failure": "FAILED", "cancelled": "STOPPED",
}  # fmt: skip
EVENTS = [
    "repo:push", "repo:updated", "pullrequest:created", "pullrequest:updated",
    "pullrequest:fulfilled", "pullrequest:rejected",
]  # fmt: skip
LONGEST_KEY = 40


class Bitbucket(Client):
    # It shows HTML comments as they are; a link's definition is hidden.
    marker = "[//]: # (portwright:preview)\n"

    def __init__(self, url: str, token: Token, fetcher: Fetcher) -> None:
        super().__init__(Api(url, fetcher, token.headers, RIGHTS))

    def me(self) -> str:
        """'' with a repository's access token, which may not ask that."""
        try:
            return self.api.read("GET", "/user").at("uuid").text(60)
        except Answered as answered:
            if answered.status != 403:
                raise
            return ""

    def lacking(self, full_name: str) -> str:
        if full_name:
            self.api.call("GET", place(full_name))
        return ""

    def commit(self, full_name: str, ref: str) -> str:
        given = Node(ref, "ref").ref()
        return self.api.read("GET", f"{place(full_name)}/commit/{given}").at("hash").sha()

    def head_of(self, full_name: str, number: int, begins: str) -> str:
        """From the pull request: its commits may be in a fork that the token does not see."""
        path = f"{place(full_name)}/pullrequests/{numbered(number)}/commits?pagelen=50"
        return only(self.api.read("GET", path).at("values").items(), number, begins)

    def set_status(
        self, full_name: str, commit: str, state: State, url: str, description: str, context: str
    ) -> None:
        """One of the same key replaces what was there."""
        short = len(context) <= LONGEST_KEY
        key = context if short else hashlib.sha256(context.encode()).hexdigest()[:LONGEST_KEY]
        body = {
            "key": key,
            "name": context,
            "state": STATES[state],
            "url": url,
            "description": description[:255],
        }
        sha = Node(commit, "commit").sha()
        self.api.call("POST", f"{place(full_name)}/commit/{sha}/statuses/build", body)

    def pull_requests(self, full_name: str) -> list[PullRequest]:
        items = self.values(f"{place(full_name)}/pullrequests", state="OPEN", pagelen=20)
        return usable(items, lambda node: pull_request(node, "opened"))

    def comments(self, full_name: str, number: int) -> Iterator[Comment]:
        """Those by whoever we are; where that is not known by all, of which only ours can be changed."""
        items = self.values(self.thread(full_name, number), pagelen=30)
        return (comment(node) for node in items if not node.at("deleted").flag())

    def values(self, path: str, **query: str | int) -> Iterator[Node]:
        return self.api.pages(path, "values", **query)

    def add_comment(self, full_name: str, number: int, text: str) -> str:
        body = {"content": {"raw": text}}
        told = self.api.read("POST", self.thread(full_name, number), body)
        return told.at("id").identity()

    def edit_comment(self, full_name: str, number: int, comment_id: str, text: str) -> None:
        self.api.call("PUT", self.one(full_name, number, comment_id), {"content": {"raw": text}})

    def delete_comment(self, full_name: str, number: int, comment_id: str) -> None:
        self.api.gone(self.one(full_name, number, comment_id))

    def thread(self, full_name: str, number: int) -> str:
        return f"{place(full_name)}/pullrequests/{numbered(number)}/comments"

    def one(self, full_name: str, number: int, comment_id: str) -> str:
        return f"{self.thread(full_name, number)}/{Node(comment_id, 'comment').identity()}"

    def add_hook(self, full_name: str, url: str, secret: str) -> str:
        hook = {
            "description": "Portwright",
            "url": url,
            "active": True,
            "secret": secret,
            "events": EVENTS,
        }
        told = self.api.read("POST", f"{place(full_name)}/hooks", hook)
        return told.at("uuid").identity()

    def remove_hook(self, full_name: str, hook_id: str) -> None:
        identity = Node(hook_id, "hook").identity().replace("{", "%7B").replace("}", "%7D")
        self.api.gone(f"{place(full_name)}/hooks/{identity}")


def place(full_name: str) -> str:
    return f"/repositories/{named(full_name)}"


def comment(node: Node) -> Comment:
    return Comment(
        node.at("id").identity(),
        node.at("user.uuid").text(60, default=""),
        node.at("content.raw").text(200, default=""),
    )
