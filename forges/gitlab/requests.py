"""What GitLab's API shows and takes, in other words than its hooks.

https://docs.gitlab.com/api/merge_requests/, https://docs.gitlab.com/api/projects/
"""

from __future__ import annotations

from collections.abc import Mapping

from forges.asked import Comment
from forges.events import PullRequest, Repository
from forges.reading import Node


def project(node: Node) -> Repository:
    return Repository(
        node.at("path_with_namespace").full_name(),
        node.at("http_url_to_repo").clone_url(),
        node.at("web_url").web_url(),
    )


def merge_request(node: Node, whose: Repository) -> PullRequest:
    """Where a fork is cloned from is not told."""
    fork = node.at("source_project_id").value != node.at("target_project_id").number()
    return PullRequest(
        action="opened",
        number=node.at("iid").number(),
        title=node.at("title").text(),
        head_branch=node.at("source_branch").ref(),
        head_commit=node.at("sha").sha(),
        base_branch=node.at("target_branch").ref(),
        fork=fork,
        author=node.at("author.username").text(255, default=""),
        url=node.at("web_url").web_url(),
        head_clone_url=None if fork else whose.clone_url,
        repository=whose,
    )


def hook(url: str, secret: str, signing: bool) -> Mapping[str, object]:
    return {
        "url": url,
        "signing_token" if signing else "token": secret,
        "push_events": True,
        "tag_push_events": True,
        "merge_requests_events": True,
        "enable_ssl_verification": True,
    }


def comment(node: Node) -> Comment:
    return Comment(
        node.at("id").identity(),
        node.at("author.username").text(255, default=""),
        node.at("body").text(200, default=""),
    )
