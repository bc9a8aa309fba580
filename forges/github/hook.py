"""GitHub's hooks. https://docs.github.com/en/webhooks/webhook-events-and-payloads"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forges import shapes
from forges.events import Action, Event, Other, Ping, PullRequest, Renamed
from forges.headers import delivery_of, event_of, header
from forges.reading import Node, parse_object
from forges.signatures import hex_signed

# "a maximum of 2048 commits"; "a maximum of 3000 changed files will be reported per commit".
MOST_COMMITS = 2048
MOST_FILES = 3000
ACTIONS: dict[str, Action] = {
    "opened": "opened", "synchronize": "updated", "reopened": "reopened", "closed": "closed",
}  # fmt: skip


def signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    return hex_signed(secrets, body, header(headers, "X-Hub-Signature-256"))


def delivery(headers: Mapping[str, str]) -> str | None:
    return delivery_of(headers, ["X-GitHub-Delivery"])


def events(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...]:
    return (event(event_of(headers, "X-GitHub-Event"), parse_object(body)),)


def event(kind: str, root: Node) -> Event:
    if kind == "ping":
        return Ping()
    if kind == "push":
        return push(root)
    if kind == "pull_request":
        return pull_request_event(root, ACTIONS, base="changes.base")
    if kind == "repository":
        return renamed(root)
    return Other(kind)


def push(root: Node) -> Event:
    commits = root.at("commits").items()
    cut = len(commits) >= MOST_COMMITS or any(files(each) >= MOST_FILES for each in commits)
    return shapes.push(
        root,
        shapes.repository(root.at("repository")),
        message=root.at("head_commit.message"),
        commits_told=not cut and not root.at("forced").flag(),
        tagged=root.at("head_commit.id"),
    )


def files(commit: Node) -> int:
    return sum(len(commit.at(each).items()) for each in ("added", "removed", "modified"))


def pull_request_event(root: Node, actions: Mapping[str, Action], *, base: str) -> Event:
    """Gitea's too. base: where an edited one tells that it goes to another branch now."""
    told = root.at("action").text(60)
    action = actions.get(told)
    if told == "edited" and root.at(base).value is not None:
        action = "updated"
    if action is None:
        return Other(f"pull_request.{told}")
    if action == "closed" and root.at("pull_request.merged").flag():
        action = "merged"
    return pull_request(root.at("pull_request"), action)


def pull_request(node: Node, action: Action) -> PullRequest:
    """Also as the API shows it; head.repo is null where the fork was deleted."""
    head, base = node.at("head.repo"), node.at("base.repo")
    gone = head.value is None
    return PullRequest(
        action=action,
        number=node.at("number").number(),
        title=node.at("title").text(),
        head_branch=node.at("head.ref").ref(),
        head_commit=node.at("head.sha").sha(),
        base_branch=node.at("base.ref").ref(),
        fork=gone or head.at("id").number() != base.at("id").number(),
        author=node.at("user.login").text(100, default=""),
        url=node.at("html_url").web_url(),
        head_clone_url=None if gone else head.at("clone_url").clone_url(),
        repository=shapes.repository(base),
    )


def renamed(root: Node) -> Event:
    """Of another name, or of another owner."""
    told, name = root.at("action").text(60), "repository.full_name"
    if told not in ("renamed", "transferred"):
        return Other(f"repository.{told}")
    new = root.at(name).full_name()
    owner, _, short = new.partition("/")
    if told == "renamed":
        short = root.at("changes.repository.name.from").text(100)
    else:
        before = root.at("changes.owner.from")
        whose = "user.login" if before.at("user").value is not None else "organization.login"
        owner = before.at(whose).text(100)
    old = Node(f"{owner}/{short}", "changes").full_name()
    return Renamed(old, new, root.at("repository.clone_url").clone_url())
