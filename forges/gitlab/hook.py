"""GitLab's project hooks. https://docs.gitlab.com/user/project/integrations/webhook_events/"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from forges import shapes
from forges.events import Action, Event, Other, PullRequest, Repository
from forges.headers import delivery_of, header
from forges.reading import Node, parse_object
from forges.signatures import WHSEC, same_token, standard_signed

ACTIONS: dict[str, Action] = {
    "open": "opened", "update": "updated", "reopen": "reopened", "close": "closed",
    "merge": "merged",
}  # fmt: skip


def signed(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> bool:
    """A secret `whsec_…` is a signing token and must have signed; any other is sent along as it is.

    https://docs.gitlab.com/user/project/integrations/webhooks/#validate-webhook-requests
    """
    plain = [each for each in secrets if not each.startswith(WHSEC)]
    signing = [each for each in secrets if each.startswith(WHSEC)]
    return same_token(plain, header(headers, "X-Gitlab-Token")) or standard_signed(
        signing, headers, body
    )


def delivery(headers: Mapping[str, str]) -> str | None:
    """The same when it is sent again."""
    return delivery_of(headers, ["webhook-id", "Idempotency-Key"])


def events(headers: Mapping[str, str], body: bytes) -> tuple[Event, ...]:
    root = parse_object(body)
    kind = root.at("object_kind").text(60, default="unknown")
    if kind in ("push", "tag_push"):
        return (push(root),)
    if kind == "merge_request":
        return (merge_request_event(root),)
    return (Other(kind),)


def repository(node: Node) -> Repository:
    return Repository(
        node.at("path_with_namespace").full_name(),
        node.at("git_http_url").clone_url(),
        node.at("web_url").web_url(),
    )


def push(root: Node) -> Event:
    """At most 20 commits are told, the newest last; a forced push does not say so."""
    commits, total = root.at("commits").items(), root.at("total_commits_count").value
    at = root.at("checkout_sha")
    head = next((each for each in commits if each.at("id").value == at.value), Node(None))
    return shapes.push(
        root,
        repository(root.at("project")),
        message=head.at("message"),
        commits_told=total == len(commits),
        tagged=at,
    )


def merge_request_event(root: Node) -> Event:
    node = root.at("object_attributes")
    told = node.at("action").text(60, default="none")
    action = ACTIONS.get(told)
    # Also titles and labels are updates; only new commits come with the old one's id.
    idle = told == "update" and not (
        node.at("oldrev").value or root.at("changes.target_branch").value
    )
    if action is None or idle:
        return Other(f"merge_request.{told}")
    source = node.at("source.git_http_url")
    return PullRequest(
        action=action,
        number=node.at("iid").number(),
        title=node.at("title").text(),
        head_branch=node.at("source_branch").ref(),
        head_commit=node.at("last_commit.id").sha(),
        base_branch=node.at("target_branch").ref(),
        fork=node.at("source_project_id").value != node.at("target_project_id").number(),
        author=root.at("user.username").text(100, default=""),
        url=node.at("url").web_url(),
        head_clone_url=None if source.value is None else source.clone_url(),
        repository=repository(root.at("project")),
    )
