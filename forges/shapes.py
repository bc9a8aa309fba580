"""What several forges' hooks have in common."""

from __future__ import annotations

import re
from collections.abc import Sequence

from forges.events import Event, Other, Push, Repository
from forges.reading import Node

BRANCH, TAG = "refs/heads/", "refs/tags/"
NOWHERE = "0" * 40
MOST_PATHS = 20_000
LONGEST_PATH = 4096
ANY = re.compile(r".+", re.DOTALL)
LONGEST_MESSAGE = 10_000


def repository(node: Node) -> Repository:
    """As GitHub and Gitea show it."""
    return Repository(
        node.at("full_name").full_name(),
        node.at("clone_url").clone_url(),
        node.at("html_url").web_url(),
    )


def moved(node: Node) -> str | None:
    """A commit of a push; None for the forty zeros that stand for 'not there'."""
    commit = node.sha()
    return None if commit == NOWHERE else commit


def earlier(node: Node) -> str | None:
    """Where it was before; None also where that is not told, as if it were new."""
    return None if node.value is None else moved(node)


def changed(commits: Sequence[Node]) -> frozenset[str] | None:
    """All files that these commits add, remove or modify; None where a commit does not tell, or there is none."""
    paths: set[str] = set()
    for commit in commits:
        lists = [commit.at(name) for name in ("added", "removed", "modified")]
        if all(each.value is None for each in lists):
            return None
        for each in lists:
            paths.update(path.matching(ANY, "path", LONGEST_PATH) for path in each.items())
        if len(paths) > MOST_PATHS:
            return None
    return frozenset(paths) if commits else None


def push(
    root: Node,
    repository: Repository,
    *,
    message: Node,
    commits_told: bool,
    tagged: Node,
) -> Event:
    """A push with GitHub's names for its fields: ref, before, after, commits.

    commits_told: whether all commits are in it. tagged: the commit of an annotated tag, whose
    own object is `after`.
    """
    ref = root.at("ref").text(600)
    if not ref.startswith((BRANCH, TAG)):
        return Other("push")
    name = Node(ref.removeprefix(BRANCH).removeprefix(TAG), "ref").ref()
    branch = ref.startswith(BRANCH)
    before, commit = earlier(root.at("before")), moved(root.at("after"))
    if commit is not None and not branch and tagged.value is not None:
        commit = tagged.sha()
    known = branch and commits_told and before is not None and commit is not None
    return Push(
        branch=name if branch else None,
        tag=None if branch else name,
        before=before,
        commit=commit,
        message=message.text(LONGEST_MESSAGE, default=""),
        paths=changed(root.at("commits").items()) if known else None,
        deleted=commit is None,
        repository=repository,
    )
