"""What forges tell: signatures over the raw bytes, deliveries that count once, pushes to deploy.

GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries;
Gitea and Forgejo sign alike, without the prefix; any other sender does as GitHub does, with
headers of ours.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.models import Delivery, Environment, Hook, Run
from jobs.records import record
from jobs.requests import Doorbell, request_run
from stacks.errors import PortwrightError

SIGNATURES = ("X-Hub-Signature-256", "X-Gitea-Signature", "X-Portwright-Signature")
DELIVERIES = ("X-GitHub-Delivery", "X-Gitea-Delivery", "X-Portwright-Delivery")
KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
SHA = re.compile(r"[0-9a-f]{40}")
BRANCH = "refs/heads/"


@dataclass(frozen=True)
class Outcome:
    """run: of this delivery, also of an earlier one of the same key; else why there is none."""

    run: Run | None
    repeated: bool = False
    reason: str = ""


def create_hook(
    session: Session, vault_key: str, environment: Environment, *, by: str
) -> tuple[Hook, str]:
    """A hook of the environment, and its secret, which is shown this once."""
    secret = random.token_urlsafe(32)
    hook = Hook(
        environment_id=environment.id,
        address=random.token_urlsafe(24),
        sealed=Fernet(vault_key).encrypt(secret.encode()),
    )
    session.add(hook)
    record(session, by, "hook.created", environment.project.name, environment=environment.name)
    session.commit()
    return hook, secret


def signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the raw body was signed with this secret; compared in constant time."""
    given = next((headers[name] for name in SIGNATURES if name in headers), "")
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.removeprefix("sha256=").encode(), expected.encode())


def receive(
    session: Session,
    ring: Doorbell,
    hook: Hook,
    headers: Mapping[str, str],
    body: bytes,
) -> Outcome:
    """Record a signed delivery, and a deploy where it tells of a push to the project's branch.

    Both are in one transaction: what was answered for is not lost, and what is sent again
    is answered with the Run it made the first time. Raises PortwrightError for a bad body.
    """
    key = next((headers[name] for name in DELIVERIES if name in headers), "")
    if not KEY.fullmatch(key):
        key = f"sha256:{hashlib.sha256(body).hexdigest()}"
    known = earlier(session, hook, key)
    if known is not None:
        return known
    branch, commit = push_of(body)
    delivery = Delivery(hook_id=hook.id, key=key)
    project = hook.environment.project
    try:
        if branch != project.branch or commit is None:
            session.add(delivery)
            session.commit()
            return Outcome(None, reason=f"no push to {project.branch}")
        run = request_run(
            session, ring, hook.environment, "deploy", by="webhook", ref=commit, delivery=delivery
        )
    except IntegrityError:
        session.rollback()
        known = earlier(session, hook, key)
        if known is None:
            raise
        return known
    return Outcome(run)


def earlier(session: Session, hook: Hook, key: str) -> Outcome | None:
    query = select(Delivery).where(Delivery.hook_id == hook.id, Delivery.key == key)
    known = session.scalar(query)
    if known is None:
        return None
    run = session.get(Run, known.run_id) if known.run_id else None
    return Outcome(run, repeated=True, reason="" if run else "it made no run the first time")


def push_of(body: bytes) -> tuple[str | None, str | None]:
    """Branch and commit of a push; None, None where it is another event or a deletion."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise PortwrightError(
            "the body is no JSON object", remedy="let the forge send JSON", path="body"
        )
    ref, commit = told.get("ref"), told.get("after")
    if not isinstance(ref, str) or not ref.startswith(BRANCH):
        return None, None
    if not isinstance(commit, str) or not SHA.fullmatch(commit) or not commit.strip("0"):
        return None, None
    return ref.removeprefix(BRANCH), commit
