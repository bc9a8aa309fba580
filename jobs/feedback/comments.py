"""The one comment at a pull request: where its preview is, how it is, what it would make of production."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from forges.client import Client
from jobs.models import Preview, Run, Source, now
from jobs.queries import release_numbered, runs_of, service_urls
from jobs.settings import Settings
from jobs.sources import full_name_of
from jobs.states import FINAL
from stacks.render import escaped, markdown

LONGEST_PLAN = 20_000
# After so long a closed preview's last word is taken to have been told.
REMEMBERED = timedelta(hours=6)


def uncommented(session: Session, settings: Settings, source: Source) -> list[tuple[Preview, str]]:
    """Previews whose comment is not what it should be, with what it should be."""
    query = select(Preview).where(
        Preview.project_id == source.project_id,
        or_(
            Preview.state != "closed",
            Preview.comment_id.is_not(None)
            & (Preview.gone_at.is_(None) | (Preview.gone_at > now() - REMEMBERED)),
        ),
    )
    found = []
    for preview in session.scalars(query.order_by(Preview.id)):
        body = text(session, settings, preview)
        if digest(body) != preview.comment_digest:
            found.append((preview, body))
    return found


def digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def tell(session: Session, settings: Settings, source: Source, client: Client) -> None:
    """Raises PortwrightError where the forge does not take it."""
    name = full_name_of(source.project, source)
    for preview, body in uncommented(session, settings, source):
        preview.comment_id = client.comment(name, preview.number, body, preview.comment_id)
        preview.comment_digest = digest(body)
        session.commit()


def text(session: Session, settings: Settings, preview: Preview) -> str:
    """Markdown. Everything that a pull request could have chosen is escaped."""
    project = escaped(preview.project.name)
    if preview.state == "closed":
        left = "nothing of it is left" if preview.gone_at else "it is being taken away"
        return (
            f"### Preview of {project}\n\nIt is gone: {escaped(preview.closed or '')}; "
            f"{left} on the server.\n"
        )
    lines = [f"### Preview of {project}", ""]
    lines.append(f"**{escaped(how(session, preview))}** · commit `{preview.head_commit[:10]}`")
    urls = service_urls(session, preview.environment, settings)
    lines += ["", *(f"- <{url}>" for url in urls)] if urls else []
    if preview.expires_at:
        lines += [
            "",
            f"It goes on {preview.expires_at:%Y-%m-%d at %H:%M} UTC unless it is pushed to.",
        ]
    lines += ["", *against_production(session, preview)]
    here = f"{settings.portal_url}/projects/{preview.project.name}/previews"
    return "\n".join([*lines, "", f"<sub>[all previews of this project]({here})</sub>", ""])


def how(session: Session, preview: Preview) -> str:
    if preview.state == "held":
        return f"Waits: {preview.held}"
    newest = next(iter(runs_of(session, preview.environment, 1)), None)
    if newest is not None and newest.state not in FINAL:
        return "Being brought up to date"
    if newest is not None and newest.state == "failed":
        error = newest.error or {}
        again = "; what was there before serves still" if preview.environment.release else ""
        return f"Failed: {error.get('message', 'see its log')}{again}"
    if preview.asleep:
        return "Asleep: the first visit wakes it"
    return "Ready" if preview.environment.release else "Not there yet"


def against_production(session: Session, preview: Preview) -> list[str]:
    run = session.get(Run, preview.compared) if preview.compared else None
    if run is None or run.state not in FINAL:
        return []
    if run.state != "succeeded" or not run.plan:
        error = run.error or {}
        return [
            "#### In production",
            "",
            f"A deploy of this would fail: {escaped(str(error.get('message', run.state)))}",
        ]
    shown = markdown(run.plan)
    if len(shown) > LONGEST_PLAN:
        shown = markdown({**run.plan, "steps": []}) + "\n(the steps are too many to show here)\n"
    serving = release_numbered(session, run.environment, run.environment.release)
    since = f" against release {serving.number}" if serving else ""
    return [f"#### What it would change in production{since}", "", shown.rstrip()]
