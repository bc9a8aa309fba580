"""GitLab's REST API. https://docs.gitlab.com/api/rest/"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from forges.api import Api
from forges.asked import Comment, State, named, numbered, usable
from forges.client import Client
from forges.credentials import Token
from forges.errors import Answered
from forges.events import PullRequest, Repository
from forges.fetch import Fetcher
from forges.gitlab.requests import comment, hook, merge_request, project
from forges.reading import Node
from forges.signatures import WHSEC
from stacks.errors import PortwrightError

RIGHTS = "the token needs the scope api and the role Maintainer (Developer without hooks)"
DEVELOPER = 30
STATES: dict[State, str] = {
    "pending": "pending", "running": "running", "success": "success", "failure": "failed",
    "cancelled": "canceled",
}  # fmt: skip


class GitLab(Client):
    def __init__(self, url: str, token: Token, fetcher: Fetcher) -> None:
        super().__init__(Api(url, fetcher, token.headers, RIGHTS))

    def me(self) -> str:
        return self.api.read("GET", "/user").at("username").text(255)

    def lacking(self, full_name: str) -> str:
        """OAuth's tokens do not tell their scopes."""
        try:
            told = self.api.read("GET", "/personal_access_tokens/self").at("scopes").items()
        except Answered:
            told = []
        if told and "api" not in [each.value for each in told]:
            return "the token lacks the scope api"
        if not full_name:
            return ""
        node = self.api.read("GET", place(full_name)).at("permissions")
        levels = [
            node.at(f"{whose}.access_level").value for whose in ("project_access", "group_access")
        ]
        if max((each for each in levels if isinstance(each, int)), default=0) < DEVELOPER:
            return f"the token's account may not write to {full_name}"
        return ""

    def repository(self, full_name: str) -> Repository:
        return project(self.api.read("GET", place(full_name)))

    def commit(self, full_name: str, ref: str) -> str:
        given = quote(Node(ref, "ref").ref(), safe="")
        return self.api.read("GET", f"{place(full_name)}/repository/commits/{given}").at("id").sha()

    def set_status(
        self, full_name: str, commit: str, state: State, url: str, description: str, context: str
    ) -> None:
        """The same state once more is refused by GitLab, and is what was wanted."""
        body = {
            "state": STATES[state],
            "target_url": url,
            "description": description[:255],
            "name": context,
        }
        try:
            self.api.call(
                "POST", f"{place(full_name)}/statuses/{Node(commit, 'commit').sha()}", body
            )
        except Answered as answered:
            if answered.status != 400 or "Cannot transition status" not in answered.message:
                raise

    def pull_requests(self, full_name: str) -> list[PullRequest]:
        whose = self.repository(full_name)
        items = self.api.pages(f"{place(full_name)}/merge_requests", state="opened", per_page=20)
        return usable(items, lambda node: merge_request(node, whose))

    def comments(self, full_name: str, number: int) -> Iterator[Comment]:
        return map(comment, self.api.pages(self.thread(full_name, number), per_page=30))

    def add_comment(self, full_name: str, number: int, text: str) -> str:
        place = self.thread(full_name, number)
        return self.api.read("POST", place, {"body": text}).at("id").identity()

    def edit_comment(self, full_name: str, number: int, comment_id: str, text: str) -> None:
        self.api.call("PUT", self.note(full_name, number, comment_id), {"body": text})

    def delete_comment(self, full_name: str, number: int, comment_id: str) -> None:
        self.api.gone(self.note(full_name, number, comment_id))

    def thread(self, full_name: str, number: int) -> str:
        return f"{place(full_name)}/merge_requests/{numbered(number)}/notes"

    def note(self, full_name: str, number: int, comment_id: str) -> str:
        return f"{self.thread(full_name, number)}/{Node(comment_id, 'comment').identity()}"

    def add_hook(self, full_name: str, url: str, secret: str) -> str:
        """A secret `whsec_…` (of 32 bytes) is made the signing token, which GitLab 19 and later take."""
        signing = secret.startswith(WHSEC)
        told = self.api.read("POST", f"{place(full_name)}/hooks", hook(url, secret, signing))
        made = told.at("id").identity()
        if signing and not told.at("signing_token_present").flag():
            self.remove_hook(full_name, made)
            raise PortwrightError(
                "this GitLab does not sign what its hooks send",
                remedy="use a secret that is sent along, without whsec_",
                path="secret",
            )
        return made

    def remove_hook(self, full_name: str, hook_id: str) -> None:
        self.api.gone(f"{place(full_name)}/hooks/{Node(hook_id, 'hook').identity()}")


def place(full_name: str) -> str:
    return f"/projects/{quote(named(full_name), safe='')}"
