"""Gitea's and Forgejo's hooks: GitHub's shapes, but for a few names.

https://docs.gitea.com/usage/webhooks; the fields: modules/structs/hook.go of Gitea 1.26.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forges import shapes
from forges.events import Action, Event, Other
from forges.github.hook import pull_request_event
from forges.headers import delivery_of, event_of, header
from forges.reading import Node, parse_object
from forges.signatures import hex_signed

ACTIONS: dict[str, Action] = {
    "opened": "opened", "synchronized": "updated", "reopened": "reopened", "closed": "closed",
}  # fmt: skip


def signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """Two headers with one signature; Forgejo sends the second one too."""
    given = header(headers, "X-Gitea-Signature") or header(headers, "X-Hub-Signature-256")
    return hex_signed(secrets, body, given)


def delivery(headers: Mapping[str, str]) -> str | None:
    return delivery_of(headers, ["X-Gitea-Delivery", "X-Forgejo-Delivery", "X-GitHub-Delivery"])


def events(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...]:
    root = parse_object(body)
    name = next((n for n in ("X-Gitea-Event", "X-Forgejo-Event") if header(headers, n)), "")
    kind = event_of(headers, name)
    if kind == "push":
        return (push(root),)
    if kind == "pull_request":
        return (pull_request_event(root, ACTIONS, base="changes.ref"),)
    return (Other(kind),)


def push(root: Node) -> Event:
    """total_commits counts also those that are not told."""
    commits, total = root.at("commits").items(), root.at("total_commits").value
    return shapes.push(
        root,
        shapes.repository(root.at("repository")),
        message=root.at("head_commit.message"),
        commits_told=total is None or total == len(commits),
        tagged=root.at("head_commit.id"),
    )
