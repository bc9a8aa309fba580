"""A project's hooks as its forge has them: which forge that is, making them there and taking them away."""

from __future__ import annotations

from cryptography.fernet import Fernet
from sqlalchemy.orm import Session

from forges.client import Client
from forges.registry import forge
from jobs.hooks import delete_hook
from jobs.models import Hook, Project, Source
from jobs.records import record
from jobs.settings import Settings
from jobs.source.address import parse
from jobs.sources import client_of, ensure_source, full_name_of, source_of
from stacks.errors import PortwrightError

PUBLIC = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
WORDS = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}


def guess(repository: str) -> str:
    """The kind of forge that a repository's address speaks of; generic where it speaks of none."""
    host = host_of(repository)
    if host in PUBLIC:
        return PUBLIC[host]
    labels = host.split(".")
    return next((kind for word, kind in WORDS.items() if word in labels), "generic")


def host_of(repository: str) -> str:
    """Empty for a path on this server, and for what can't be read."""
    try:
        return parse(repository).host.lower()
    except PortwrightError:
        return ""


def adopt(session: Session, project: Project, kind: str) -> Source:
    """The project's source, made where it has none, and of that kind unless it has one already.

    The caller commits. With a source the forge is also polled.
    """
    source = ensure_source(session, project)
    if source.forge == "generic" and kind != "generic":
        source.forge = forge(kind).kind
    return source


def set_up(session: Session, settings: Settings, hook: Hook, *, by: str) -> None:
    """Make the hook at the forge with the secret that it has now, in place of one made before.

    Raises PortwrightError where the forge has no API here, or refuses.
    """
    project = hook.project
    source = source_of(session, project)
    client = asked(settings, hook, source)
    assert source is not None
    name = full_name_of(project, source)
    if hook.forge_id:
        client.remove_hook(name, hook.forge_id)
    secret = Fernet(settings.key("vault-key")).decrypt(hook.sealed).decode()
    hook.forge_id = client.add_hook(name, f"{settings.portal_url}/hooks/{hook.address}", secret)
    record(session, by, "hook.set_up", project.name, hook=hook.id, forge=source.forge)
    session.commit()


def asked(settings: Settings, hook: Hook, source: Source | None) -> Client:
    client = client_of(settings, source) if source and source.forge == hook.scheme else None
    if client is None:
        raise PortwrightError(
            f"no token of {forge(hook.scheme).title} is kept for {hook.project.name}",
            remedy="keep one with the project's source, or set the hook up by hand",
            path="token",
        )
    return client


def remove(session: Session, settings: Settings, hook: Hook, *, by: str) -> str:
    """Delete the hook here, and at the forge where we made it there.

    What could not be done at the forge is told in words; the hook is gone here all the same.
    """
    told = ""
    if hook.forge_id:
        source = source_of(session, hook.project)
        try:
            client = asked(settings, hook, source)
            assert source is not None
            client.remove_hook(full_name_of(hook.project, source), hook.forge_id)
        except PortwrightError as error:
            told = f"It stays at the forge, for {error.message}: remove it there."
    delete_hook(session, hook, by=by)
    return told
