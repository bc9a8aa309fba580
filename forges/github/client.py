"""GitHub's REST API. https://docs.github.com/en/rest"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from forges.api import Api
from forges.asked import Comment, State, named, numbered, usable
from forges.client import Client
from forges.credentials import App, Credentials
from forges.events import PullRequest
from forges.fetch import Fetcher
from forges.github import checks
from forges.github.app import Installation, statement
from forges.github.hook import pull_request
from forges.reading import Node

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
RIGHTS = (
    "a classic token needs the scope repo (and admin:repo_hook); a fine-grained one or an App "
    "commit statuses (an App checks), pull requests and webhooks: read and write, contents: read"
)
STATES: dict[State, str] = {
    "pending": "pending", "running": "pending", "success": "success", "failure": "failure",
    "cancelled": "error",
}  # fmt: skip
EVENTS = ["push", "pull_request", "repository"]
LONGEST_DESCRIPTION = 140


class GitHub(Client):
    """app: the API as the App itself, None with a token."""

    def __init__(self, url: str, credentials: Credentials, fetcher: Fetcher) -> None:
        self.app: Api | None = None
        if isinstance(credentials, App):
            self.app = Api(url, fetcher, partial(statement, credentials), RIGHTS, HEADERS)
            headers = Installation(credentials, self.app).headers
        else:
            headers = credentials.headers
        super().__init__(Api(url, fetcher, headers, RIGHTS, HEADERS))

    def me(self) -> str:
        if self.app is not None:
            return f"{self.app.read('GET', '/app').at('slug').text(100)}[bot]"
        return self.api.read("GET", "/user").at("login").text(100)

    def lacking(self, full_name: str) -> str:
        """Only classic tokens tell their scopes; a role tells what may be written."""
        if self.app is None:
            scopes = self.api.call("GET", "/user").headers.get("x-oauth-scopes", "")
            given = {each.strip() for each in scopes.split(",")} - {""}
            if given and "repo" not in given and not {"repo:status", "public_repo"} <= given:
                return "the token lacks the scope repo"
        if not full_name:
            return ""
        told = self.api.read("GET", f"/repos/{full_name}")
        if self.app is None and not told.at("permissions.push").flag():
            return f"the token's account may not write to {full_name}"
        return ""

    def commit(self, full_name: str, ref: str) -> str:
        place = f"/repos/{named(full_name)}/commits/{Node(ref, 'ref').ref()}"
        return self.api.read("GET", place).at("sha").sha()

    def set_status(
        self, full_name: str, commit: str, state: State, url: str, description: str, context: str
    ) -> None:
        """A commit status; with an App a check run, which shows more."""
        name, sha = named(full_name), Node(commit, "commit").sha()
        if self.app is not None:
            checks.show(self.api, name, sha, state, url, description, context)
            return
        self.api.call(
            "POST",
            f"/repos/{name}/statuses/{sha}",
            {
                "state": STATES[state],
                "target_url": url,
                "description": description[:LONGEST_DESCRIPTION],
                "context": context,
            },
        )

    def pull_requests(self, full_name: str) -> list[PullRequest]:
        place = f"/repos/{named(full_name)}/pulls"
        items = self.api.pages(place, state="open", per_page=20)
        return usable(items, lambda node: pull_request(node, "opened"))

    def comments(self, full_name: str, number: int) -> Iterator[Comment]:
        place = f"/repos/{named(full_name)}/issues/{numbered(number)}/comments"
        return map(comment, self.api.pages(place, per_page=30))

    def add_comment(self, full_name: str, number: int, text: str) -> str:
        place = f"/repos/{named(full_name)}/issues/{numbered(number)}/comments"
        return self.api.read("POST", place, {"body": text}).at("id").identity()

    def edit_comment(self, full_name: str, number: int, comment_id: str, text: str) -> None:
        self.api.call("PATCH", self.comment_place(full_name, comment_id), {"body": text})

    def delete_comment(self, full_name: str, number: int, comment_id: str) -> None:
        self.api.gone(self.comment_place(full_name, comment_id))

    def comment_place(self, full_name: str, comment_id: str) -> str:
        identity = Node(comment_id, "comment").identity()
        return f"/repos/{named(full_name)}/issues/comments/{identity}"

    def add_hook(self, full_name: str, url: str, secret: str) -> str:
        config = {"url": url, "content_type": "json", "secret": secret, "insecure_ssl": "0"}
        hook = {"name": "web", "active": True, "events": EVENTS, "config": config}
        return self.api.read("POST", f"/repos/{named(full_name)}/hooks", hook).at("id").identity()

    def remove_hook(self, full_name: str, hook_id: str) -> None:
        self.api.gone(f"/repos/{named(full_name)}/hooks/{Node(hook_id, 'hook').identity()}")


def comment(node: Node) -> Comment:
    """Also Gitea's."""
    return Comment(
        node.at("id").identity(),
        node.at("user.login").text(100, default=""),
        node.at("body").text(200, default=""),
    )
