"""What a hook can tell, the same for every forge. Each value was checked when it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["opened", "updated", "closed", "merged", "reopened"]


@dataclass(frozen=True)
class Repository:
    """full_name: owner/name, with GitLab also group/subgroup/name. URLs: http or https, '' where not told."""

    full_name: str
    clone_url: str
    web_url: str


@dataclass(frozen=True)
class Push:
    """One branch or one tag moved.

    commit: 40 hex digits it is at now, None where it was deleted; of an annotated tag the commit.
    before: where it was, None where it is new. message: the head commit's, '' where not told.
    paths: files that the push's commits change; None where that is not known (a new branch,
    a forced push, more commits than are told).
    """

    branch: str | None
    tag: str | None
    before: str | None
    commit: str | None
    message: str
    paths: frozenset[str] | None
    deleted: bool
    repository: Repository


@dataclass(frozen=True)
class PullRequest:
    """Something that counts for a preview happened to a pull (merge) request.

    head_commit: 40 hex digits; with Bitbucket its first 12 (Client.commit tells all).
    fork: its branch is in another repository, also where that is gone. head_clone_url: of the
    repository with its branch, None where it is gone or not told. author: who opened it; in
    GitLab's hooks who did this.
    """

    action: Action
    number: int
    title: str
    head_branch: str
    head_commit: str
    base_branch: str
    fork: bool
    author: str
    url: str
    head_clone_url: str | None
    repository: Repository


@dataclass(frozen=True)
class Ping:
    """The forge tries the hook."""


@dataclass(frozen=True)
class Renamed:
    """The repository has another name or owner."""

    old_full_name: str
    new_full_name: str
    clone_url: str


@dataclass(frozen=True)
class Other:
    """Anything else, by the forge's own name for it."""

    name: str


Event = Push | PullRequest | Ping | Renamed | Other
