"""Bitbucket Cloud's hooks. https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/

It tells neither changed files nor whole commits of pull requests, but several moves in one push.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forges import shapes
from forges.events import Action, Event, Other, PullRequest, Push, Renamed, Repository
from forges.headers import delivery_of, event_of, header
from forges.reading import Node, parse_object
from forges.signatures import hex_signed

ACTIONS: dict[str, Action] = {
    "created": "opened", "updated": "updated", "fulfilled": "merged", "rejected": "closed",
}  # fmt: skip


def signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/#Secure-webhooks"""
    return hex_signed(secrets, body, header(headers, "X-Hub-Signature"))


def delivery(headers: Mapping[str, str]) -> str | None:
    return delivery_of(headers, ["X-Request-UUID"])


def events(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...]:
    root, kind = parse_object(body), event_of(headers, "X-Event-Key")
    if kind == "repo:push":
        whose = repository(root.at("repository"))
        return tuple(change(each, whose) for each in root.at("push.changes").items())
    group, _, told = kind.partition(":")
    if group == "pullrequest" and told in ACTIONS:
        return (pull_request(root.at("pullrequest"), ACTIONS[told]),)
    if kind == "repo:updated" and root.at("changes.full_name.old").value is not None:
        now = repository(root.at("repository"))
        old = root.at("changes.full_name.old").full_name()
        return (Renamed(old, now.full_name, now.clone_url),)
    return (Other(kind),)


def repository(node: Node) -> Repository:
    """It is cloned from its page's address with `.git`."""
    page = node.at("links.html.href").web_url()
    clone = Node(f"{page}.git", node.at("links.html.href").path).clone_url()
    return Repository(node.at("full_name").full_name(), clone, page)


def change(node: Node, whose: Repository) -> Event:
    """One branch or tag; `new` is null where it was deleted, `old` where it was created."""
    new, old = node.at("new"), node.at("old")
    now = old if new.value is None else new
    kind = now.at("type").text(60)
    if kind not in ("branch", "tag", "named_branch", "annotated_tag"):
        return Other(f"push of a {kind}")
    name, branch = now.at("name").ref(), kind.endswith("branch")
    return Push(
        branch=name if branch else None,
        tag=None if branch else name,
        before=None if old.value is None else old.at("target.hash").sha(),
        commit=None if new.value is None else new.at("target.hash").sha(),
        message=new.at("target.message").text(shapes.LONGEST_MESSAGE, default=""),
        paths=None,
        deleted=new.value is None,
        repository=whose,
    )


def pull_request(node: Node, action: Action) -> PullRequest:
    """Also as the API shows it; source.repository is null where the fork was deleted."""
    source, base = node.at("source.repository"), repository(node.at("destination.repository"))
    head = None if source.value is None else repository(source)
    return PullRequest(
        action=action,
        number=node.at("id").number(),
        title=node.at("title").text(),
        head_branch=node.at("source.branch.name").ref(),
        head_commit=node.at("source.commit.hash").short_sha(),
        base_branch=node.at("destination.branch.name").ref(),
        fork=head is None or head.full_name != base.full_name,
        author=node.at("author.nickname").text(100, default=""),
        url=node.at("links.html.href").web_url(),
        head_clone_url=head.clone_url if head else None,
        repository=base,
    )
