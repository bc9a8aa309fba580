"""What follows a preview's Runs: the plan against production after it is up, and nothing at all
after it is destroyed."""

from __future__ import annotations

import logging

from sqlalchemy import update

from jobs.cleanup import prune_images
from jobs.context import Context
from jobs.doorbell import doorbell
from jobs.models import Preview, now
from jobs.previews.prepare import preview_of
from jobs.previews.secrets import forget
from jobs.queries import production
from jobs.requests import request_run

BY = "portwright"
log = logging.getLogger(__name__)


def compare(context: Context) -> None:
    """After a preview's deploy: ask what production would become with the same images. Builds
    nothing and changes nothing. Never raises: the preview itself is up."""
    try:
        preview = preview_of(context)
        if preview is None or context.run.kind != "deploy" or not context.run.spec:
            return
        session = context.session
        session.refresh(context.run)
        standing = production(context.project)
        if context.run.state != "succeeded" or standing.release is None:
            return
        ring = doorbell(context.settings.redis_url)
        run = request_run(
            session, ring, standing, "plan",
            by=BY, ref=preview.head_commit, images_of=context.run.id,
        )  # fmt: skip
        set_to = update(Preview).where(Preview.id == preview.id).values(compared=run.id)
        session.execute(set_to)
        session.commit()
    except Exception:
        context.session.rollback()
        log.exception("no plan against production could be asked for")


def finish_preview(context: Context) -> None:
    """After a destroy: its stack, its own secrets and its images go too; the caller commits.

    Rows of the preview, its Runs and Events stay, for the audit trail.
    """
    preview = preview_of(context)
    if preview is None:
        return
    context.engine.remove()
    session = context.session
    forget(session, context.environment)
    session.execute(
        update(Preview).where(Preview.id == preview.id).values(seeded=False, gone_at=now())
    )
    session.flush()
    prune_images(context)
