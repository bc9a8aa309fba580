"""A preview opens, is brought up to date, waits for a yes, and closes. Nothing here commits:
a webhook's delivery, the preview and its Runs are one transaction."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from forges.events import PullRequest
from forges.filters import chosen
from jobs.ending import cancel_all
from jobs.hosts.placing import why_not_first
from jobs.models import Environment, Preview, Project, Run, now
from jobs.previews.policy import Policy, environment_of, policy_of
from jobs.records import record
from jobs.requests import add_run
from jobs.settings import Settings
from stacks.errors import PortwrightError

CLOSING = ("closed", "merged")
FULL = "is the most"
AT_FORGE = "pull request"
UNKNOWN = "it is a fork's, and of its commit only"


def told(
    session: Session, settings: Settings, project: Project, pull: PullRequest, *, by: str
) -> tuple[list[Run], str]:
    """What a forge says of a pull request; the Runs that come of it, and the same in words."""
    preview = preview_numbered(session, project, pull.number)
    if pull.action in CLOSING:
        if preview is None or preview.state == "closed":
            return [], f"pull request {pull.number} had no preview"
        return [close(session, preview, f"{AT_FORGE} {pull.number} was {pull.action}", by=by)], (
            f"the preview of pull request {pull.number} goes: it was {pull.action}"
        )
    policy = policy_of(project)
    if not policy.enabled:
        return [], "previews are off for this project"
    if not chosen(list(policy.bases) or [project.branch], pull.base_branch):
        return [], f"pull request {pull.number} goes to {pull.base_branch}, which gets no previews"
    if pull.fork and policy.forks == "off":
        return [], f"pull request {pull.number} is a fork's, and those get no previews"
    if preview is None:
        preview = create(session, project, pull)
    elif same_commit(preview.head_commit, pull.head_commit) and not reopens(preview, pull):
        describe(preview, pull)
        return [], f"the preview of pull request {pull.number} is at that commit already"
    describe(preview, pull)
    if not same_commit(preview.head_commit, pull.head_commit):
        preview.head_commit = pull.head_commit
    run = ask(session, settings, preview, policy, by=by)
    if run is None:
        return [], f"the preview of pull request {pull.number} waits: {preview.held}"
    return [run], f"a preview of pull request {pull.number}"


def is_whole(commit: str) -> bool:
    return len(commit) == 40


def reopens(preview: Preview, pull: PullRequest) -> bool:
    return preview.state == "closed" and pull.action in ("opened", "reopened")


def same_commit(known: str, told: str) -> bool:
    """Of two that may be told by their first digits (Bitbucket): what is known whole stays."""
    return known.startswith(told) or told.startswith(known)


def preview_numbered(session: Session, project: Project, number: int) -> Preview | None:
    return session.scalar(
        select(Preview).where(Preview.project_id == project.id, Preview.number == number)
    )


def create(session: Session, project: Project, pull: PullRequest) -> Preview:
    environment = Environment(
        name=environment_of(pull.number), kind="preview", policy="auto", project=project
    )
    preview = Preview(
        project=project, environment=environment, number=pull.number, fork=pull.fork,
        head_commit=pull.head_commit, head_branch=pull.head_branch, base_branch=pull.base_branch,
    )  # fmt: skip
    session.add_all([environment, preview])
    session.flush()
    return preview


def describe(preview: Preview, pull: PullRequest) -> None:
    preview.title, preview.author, preview.url = pull.title[:200], pull.author[:100], pull.url
    preview.head_branch, preview.base_branch = pull.head_branch, pull.base_branch
    preview.fork = preview.fork or pull.fork  # once a stranger's, always one


def ask(
    session: Session, settings: Settings, preview: Preview, policy: Policy, *, by: str
) -> Run | None:
    """The Run that shows the preview's head commit; None where it is held, with the reason in it."""
    preview.held = hold(session, settings, preview, policy)
    preview.closed = preview.closed_at = preview.gone_at = None
    preview.asleep, preview.wake_at, preview.seen_at = False, None, now()
    preview.expires_at = now() + timedelta(hours=policy.ttl_hours) if policy.ttl_hours else None
    if preview.held:
        preview.state = "held"
        return None
    if preview.state == "closed":
        preview.opened_at = now()
    preview.state = "open"
    # Bitbucket tells the first digits only: the branch is then asked for, at just that commit.
    short = "" if is_whole(preview.head_commit) else preview.head_commit
    ref = preview.head_branch if short else preview.head_commit
    return add_run(session, preview.environment, "deploy", by=by, ref=ref, begins=short)


def hold(session: Session, settings: Settings, preview: Preview, policy: Policy) -> str | None:
    """Why the preview may not run now; None where it may."""
    if preview.fork and not is_whole(preview.head_commit):
        return f"{UNKNOWN} {preview.head_commit} is known yet"
    if preview.fork and preview.approved_commit != preview.head_commit:
        return (
            f"it is a fork's: a maintainer must let commit {preview.head_commit[:7]} run, "
            "which is the code of a stranger"
        )
    drained = why_not_first(session, preview.environment)
    if drained:
        return drained
    others = select(func.count()).where(Preview.state == "open", Preview.id != preview.id)
    here = session.scalar(others.where(Preview.project_id == preview.project_id)) or 0
    if here >= policy.most:
        return f"{here} previews of this project are open, which {FULL}"
    everywhere = session.scalar(others) or 0
    if everywhere >= settings.previews:
        return f"{everywhere} previews are open on this host, which {FULL}"
    return None


def approve(
    session: Session, settings: Settings, preview: Preview, commit: str, *, by: str
) -> Run | None:
    """Let a fork's commit run. Raises PortwrightError where it is not the one that was read, all
    40 digits of it: others that begin alike can be made."""
    if not is_whole(commit):
        raise PortwrightError(
            "that is no whole commit",
            remedy="give all 40 digits; where the forge tells fewer, keep a token of its API, by "
            "which they are asked for",
            path="commit",
        )
    if preview.state != "held" or commit != preview.head_commit:
        raise PortwrightError(
            f"the pull request is at {preview.head_commit[:10]} now and {preview.state}",
            remedy="read what it is now, then let that commit run",
            path="commit",
        )
    preview.approved_commit = commit
    record(
        session, by, "preview.approved", preview.project.name, number=preview.number, commit=commit
    )
    return ask(session, settings, preview, policy_of(preview.project), by=by)


def extend(session: Session, preview: Preview, hours: int, *, by: str) -> None:
    """Let it stay for so many hours from now. Raises PortwrightError for what can't be."""
    if preview.state == "closed":
        raise PortwrightError(
            "the preview is closed", remedy="push to its branch, which opens it again", path="hours"
        )
    if not 1 <= hours <= 8760:
        raise PortwrightError(f"{hours} can't be used", remedy="give 1 to 8760", path="hours")
    preview.expires_at = now() + timedelta(hours=hours)
    record(
        session, by, "preview.extended", preview.project.name, number=preview.number, hours=hours
    )


def close(session: Session, preview: Preview, why: str, *, by: str) -> Run:
    """The Run that takes everything of it away, its volumes too; what waited or ran is cancelled."""
    preview.state, preview.closed, preview.closed_at = "closed", why, now()
    preview.gone_at = None
    preview.held = None
    preview.asleep, preview.wake_at = False, None
    record(session, by, "preview.closed", preview.project.name, number=preview.number, why=why)
    cancel_all(session, preview.environment, by=by)
    return add_run(session, preview.environment, "destroy", by=by, every_volume=True)


def closed_at_forge(preview: Preview) -> bool:
    """Whether it went because its pull request did."""
    return preview.state == "closed" and (preview.closed or "").startswith(AT_FORGE)


def all_previews(session: Session, project: Project) -> list[Preview]:
    return list(session.scalars(select(Preview).where(Preview.project_id == project.id)))


def open_previews(session: Session, project: Project | None = None) -> list[Preview]:
    query = select(Preview).where(Preview.state != "closed").order_by(Preview.number)
    if project is not None:
        query = query.where(Preview.project_id == project.id)
    return list(session.scalars(query))
