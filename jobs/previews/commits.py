"""Where a pull request's commit is fetched from, and all of its digits.

Bitbucket alone has no ref of a fork's pull request in the repository that it is to, and tells the
first 12 digits of commits: https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.client import Client
from forges.errors import Ambiguous
from jobs.context import Context
from jobs.models import Preview, Source
from jobs.previews.lifecycle import UNKNOWN, hold, is_whole
from jobs.previews.policy import policy_of
from jobs.settings import Settings
from jobs.source import Access
from jobs.source.address import parse
from jobs.sources import client_of, full_name_of, source_of
from stacks.errors import PortwrightError

REMEDY = "keep a token of its API with the project's source"


def untold(session: Session, source: Source) -> list[Preview]:
    """Forks' previews that wait, of whose commit only the first digits are known."""
    query = select(Preview).where(
        Preview.project_id == source.project_id,
        Preview.fork.is_(True),
        Preview.state == "held",
        Preview.held.startswith(UNKNOWN),
    )
    return list(session.scalars(query.order_by(Preview.id)))


def ask(session: Session, settings: Settings, source: Source, client: Client) -> None:
    """Learn all digits from the forge; raises PortwrightError where it does not tell. One of whom
    several commits begin alike waits for its next push: its author can't keep the others waiting."""
    name = full_name_of(source.project, source)
    for preview in untold(session, source):
        before, number = preview.head_commit, preview.number
        session.commit()
        try:
            learn(preview, client.head_of(name, number, before))
            preview.held = hold(session, settings, preview, policy_of(preview.project))
        except Ambiguous as error:
            preview.held = f"it is a fork's: {error.message}"
        session.commit()


def learn(preview: Preview, commit: str) -> None:
    """All digits of what was told by its first ones."""
    if not is_whole(preview.head_commit) and commit.startswith(preview.head_commit):
        preview.head_commit = commit


def access_to(context: Context, preview: Preview, access: Access, ref: str) -> Access:
    """How this ref of a preview is reached: a fork's on Bitbucket in the fork itself, and only the
    commit that a maintainer let run. Raises PortwrightError where it is not to be had.

    May ask the forge; the caller has no transaction open that matters.
    """
    source = source_of(context.session, context.project)
    if not (preview.fork and source is not None and source.forge == "bitbucket"):
        return access
    if policy_of(context.project).forks != "approve" or preview.approved_commit != ref:
        raise PortwrightError(
            "it is a fork's commit, and no maintainer has let it run",
            remedy="read it, then let it run on the page Previews",
            path="ref",
        )
    client = client_of(context.settings, source)
    if client is None:
        raise PortwrightError(
            "where the fork is can't be asked without the forge's API", remedy=REMEDY, path="source"
        )
    name, number = full_name_of(context.project, source), preview.number
    context.session.commit()
    pulls = {each.number: each for each in client.pull_requests(name)}
    url = pulls[number].head_clone_url if number in pulls else None
    if url is None:
        raise PortwrightError(
            f"pull request {number} is open no more, or its fork is gone",
            remedy="nothing is to be done",
            path="ref",
        )
    context.log(f"fetching from the fork {url}")
    return to_fork(access, url)


def to_fork(access: Access, url: str) -> Access:
    """Credentials go along only where scheme, host and port are the repository's own; what the
    fork leads to (submodules) gets none of another server's."""
    same = parse(url).origin == parse(access.url).origin
    return replace(
        access,
        url=url,
        username=access.username if same else "",
        password=access.password if same else "",
        private_key="",
        known_hosts="",
    )
