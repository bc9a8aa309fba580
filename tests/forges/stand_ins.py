"""Stand-ins for the forges' APIs, built from what each publishes: the real ones can't be reached in tests.

They keep comments, states and hooks, ask for the token, and answer in the published shapes.
GitHub: https://docs.github.com/en/rest; GitLab: https://docs.gitlab.com/api/rest/;
Gitea: https://docs.gitea.com/api/; Bitbucket: https://developer.atlassian.com/cloud/bitbucket/rest/
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import forge_payloads as sent
from forge_payloads import A, B, Json, changed
from forge_servers import Reply, Seen

TOKEN, USER = "token-of-the-test", "bot@example.org"
HOST = {"github": "github.com", "gitea": "git.example.org", "bitbucket": "bitbucket.org"}
BASIC = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


@dataclass
class StandIn:
    """comments: id -> (author, text); states and hooks: bodies as sent; commits: of pull request 5;
    tell: an answer instead of its own."""

    kind: str
    comments: dict[int, tuple[str, str]] = field(default_factory=dict)
    states: list[tuple[str, Json]] = field(default_factory=list)
    hooks: dict[str, Json] = field(default_factory=dict)
    pull_requests: list[Json] = field(default_factory=list)
    commits: list[str] = field(default_factory=list)
    tell: Callable[[Seen], Reply | None] = lambda seen: None
    me: str = "bot"
    scopes: str = ""
    writes: bool = True

    def __call__(self, seen: Seen) -> Reply:
        told = self.tell(seen)
        if told is not None:
            return told
        if seen.headers.get("authorization") not in (f"Bearer {TOKEN}", f"Basic {BASIC}"):
            return reply(401, {"message": "Bad credentials"})
        parts = urlsplit(seen.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = json.loads(seen.body) if seen.body else {}
        for method, pattern, handler in ROUTES[self.kind]:
            found = re.fullmatch(pattern, parts.path)
            if found and method == seen.method:
                return handler(self, [unquote(each) for each in found.groups()], query, body)
        return reply(404, {"message": "Not Found"})


def reply(status: int, body: object = None, **headers: str) -> Reply:
    return Reply(status, b"" if body is None else json.dumps(body).encode(), headers)


def page(items: list[Any], query: Json) -> list[Any]:
    size = int(query.get("per_page") or query.get("limit") or query.get("pagelen") or 20)
    start = (int(query.get("page", 1)) - 1) * size
    return items[start : start + size]


def listed(s: StandIn, items: list[Any], query: Json) -> Reply:
    """Gitea's comments have no pages: its query is empty then."""
    items = page(items, query) if query else items
    return reply(200, {"values": items, "size": 99} if s.kind == "bitbucket" else items)


def shown(s: StandIn, number: int) -> Json:
    author, text = s.comments[number]
    if s.kind == "gitlab":
        return {"id": number, "author": {"username": author}, "body": text, "system": False}
    if s.kind == "bitbucket":
        return {"id": number, "user": {"uuid": author}, "content": {"raw": text}, "deleted": False}
    return {"id": number, "user": {"login": author}, "body": text}


def list_comments(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    return listed(s, [shown(s, number) for number in s.comments], query)


def text_of(body: Json) -> str:
    text = body["content"]["raw"] if "content" in body else body["body"]
    assert isinstance(text, str)
    return text


def add_comment(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    number = max(s.comments, default=100) + 1
    s.comments[number] = (s.me, text_of(body))
    return reply(201, shown(s, number))


def edit_comment(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    number = int(way[-1])
    if number not in s.comments:
        return reply(404, {"message": "Not Found"})
    s.comments[number] = (s.comments[number][0], text_of(body))
    return reply(200, shown(s, number))


def delete_comment(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    return reply(204 if s.comments.pop(int(way[-1]), None) else 404)


def set_state(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    s.states.append((way[-1], body))
    return reply(201, {"id": 1})


def add_hook(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    identity = "{0a1b-2c}" if s.kind == "bitbucket" else str(len(s.hooks) + 7)
    s.hooks[identity] = body
    if s.kind == "bitbucket":
        return reply(201, {"uuid": identity, "url": body["url"]})
    return reply(201, {"id": int(identity), "signing_token_present": "signing_token" in body})


def remove_hook(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    return reply(204 if s.hooks.pop(way[-1], None) else 404)


def list_pull_requests(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    assert query["state"] in ("open", "opened", "OPEN")
    return listed(s, s.pull_requests, query)


def list_commits(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    return listed(s, [{"type": "commit", "hash": sha} for sha in s.commits], query)


def user(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    name = {"gitlab": "username", "bitbucket": "uuid"}.get(s.kind, "login")
    return reply(200, {name: s.me}, **({"X-OAuth-Scopes": s.scopes} if s.scopes else {}))


def own_token(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    return reply(200, {"scopes": s.scopes.split(",")}) if s.scopes else reply(404, {})


def repository(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    if s.kind == "bitbucket":
        return reply(200, sent.bitbucket_repository())
    if s.kind != "gitlab":
        there = sent.repository(HOST[s.kind])
        return reply(200, {**there, "permissions": {"push": s.writes}})
    level = {"access_level": 40 if s.writes else 20}
    project = {**sent.GITLAB_PROJECT, "http_url_to_repo": sent.GITLAB_PROJECT["git_http_url"]}
    permissions = {"project_access": level, "group_access": None}
    return reply(200, {**project, "permissions": permissions})


def whole_commit(s: StandIn, way: list[str], query: Json, body: Json) -> Reply:
    name = {"gitlab": "id", "bitbucket": "hash"}.get(s.kind, "sha")
    return reply(200, {name: B}) if way[-1] in ("main", B[:12]) else reply(404, {})


Route = tuple[str, str, Callable[[StandIn, list[str], Json, Json], Reply]]


def hub(commit: str) -> list[Route]:
    repo = "/repos/alice/shop"
    return [
        ("GET", "/user", user),
        ("GET", repo, repository),
        ("GET", f"{repo}/{commit}/(.+)", whole_commit),
        ("POST", f"{repo}/statuses/({A}|{B})", set_state),
        ("GET", f"{repo}/pulls", list_pull_requests),
        ("GET", f"{repo}/issues/5/comments", list_comments),
        ("POST", f"{repo}/issues/5/comments", add_comment),
        ("PATCH", f"{repo}/issues/comments/([0-9]+)", edit_comment),
        ("DELETE", f"{repo}/issues/comments/([0-9]+)", delete_comment),
        ("POST", f"{repo}/hooks", add_hook),
        ("DELETE", f"{repo}/hooks/([0-9]+)", remove_hook),
    ]


PROJECT = "/projects/group%2Fsub%2Fshop"
SLUG = "/repositories/alice/shop"
ROUTES: dict[str, list[Route]] = {
    "github": hub("commits"),
    "gitea": hub("git/commits"),
    "gitlab": [
        ("GET", "/user", user),
        ("GET", "/personal_access_tokens/self", own_token),
        ("GET", PROJECT, repository),
        ("GET", f"{PROJECT}/repository/commits/([^/]+)", whole_commit),
        ("POST", f"{PROJECT}/statuses/({A}|{B})", set_state),
        ("GET", f"{PROJECT}/merge_requests", list_pull_requests),
        ("GET", f"{PROJECT}/merge_requests/5/notes", list_comments),
        ("POST", f"{PROJECT}/merge_requests/5/notes", add_comment),
        ("PUT", f"{PROJECT}/merge_requests/5/notes/([0-9]+)", edit_comment),
        ("DELETE", f"{PROJECT}/merge_requests/5/notes/([0-9]+)", delete_comment),
        ("POST", f"{PROJECT}/hooks", add_hook),
        ("DELETE", f"{PROJECT}/hooks/([0-9]+)", remove_hook),
    ],
    "bitbucket": [
        ("GET", "/user", user),
        ("GET", SLUG, repository),
        ("GET", f"{SLUG}/commit/([^/]+)", whole_commit),
        ("POST", f"{SLUG}/commit/({A}|{B})/statuses/build", set_state),
        ("GET", f"{SLUG}/pullrequests", list_pull_requests),
        ("GET", f"{SLUG}/pullrequests/5/commits", list_commits),
        ("GET", f"{SLUG}/pullrequests/5/comments", list_comments),
        ("POST", f"{SLUG}/pullrequests/5/comments", add_comment),
        ("PUT", f"{SLUG}/pullrequests/5/comments/([0-9]+)", edit_comment),
        ("DELETE", f"{SLUG}/pullrequests/5/comments/([0-9]+)", delete_comment),
        ("POST", f"{SLUG}/hooks", add_hook),
        ("DELETE", f"{SLUG}/hooks/([^/]+)", remove_hook),
    ],
}


def open_pull_request(kind: str, number: int) -> Json:
    """As the list of open ones shows it."""
    if kind == "gitlab":
        return {
            "iid": number,
            "title": "Say hello",
            "state": "opened",
            "source_branch": "hello",
            "target_branch": "main",
            "sha": B,
            "source_project_id": 15,
            "target_project_id": 15,
            "author": {"username": "bob"},
            "web_url": f"https://gitlab.com/group/sub/shop/-/merge_requests/{number}",
        }
    if kind == "bitbucket":
        shown = sent.BITBUCKET_PULL_REQUEST["pullrequest"]
        return changed(shown, id=number)
    return changed(sent.hub_pull_request(HOST[kind])["pull_request"], number=number)
