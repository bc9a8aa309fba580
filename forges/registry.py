"""The kinds of forges. Which one a hook belongs to is kept with the hook, never read from what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from forges import generic
from forges.bitbucket import hook as bitbucket
from forges.events import Event, Other
from forges.gitea import hook as gitea
from forges.github import hook as github
from forges.gitlab import hook as gitlab
from stacks.errors import PortwrightError

Headers = Mapping[str, str]


@dataclass(frozen=True)
class Forge:
    """events: all that one delivery tells, mostly one; raises PortwrightError with the field's path.

    delivery: its unique id, None where none is sent. signed: whether the raw body is from who
    knows one of the secrets.
    """

    kind: str
    title: str
    events: Callable[[Headers, bytes], tuple[Event, ...]]
    delivery: Callable[[Headers], str | None]
    signed: Callable[[Sequence[str], Headers, bytes], bool]

    def event(self, headers: Headers, body: bytes) -> Event:
        """The first of events: enough for all but Bitbucket, where one push moves several branches."""
        return next(iter(self.events(headers, body)), Other("nothing"))


FORGES: dict[str, Forge] = {
    kind: Forge(kind, title, room.events, room.delivery, room.signed)
    for kind, title, room in (
        ("github", "GitHub", github),
        ("gitlab", "GitLab", gitlab),
        ("gitea", "Gitea or Forgejo", gitea),
        ("bitbucket", "Bitbucket Cloud", bitbucket),
        ("generic", "any other", generic),
    )
}


def forge(kind: str) -> Forge:
    """Raises PortwrightError for a kind that there is not."""
    if kind not in FORGES:
        raise PortwrightError(
            f"{kind[:40]!r} is no kind of forge",
            remedy=f"use one of {', '.join(FORGES)}",
            path="kind",
        )
    return FORGES[kind]
