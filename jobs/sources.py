"""How a project's repository is reached: settings, credentials kept sealed, and what is made of
them for git (Access) and for the forge's API (Client)."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.addresses import Guard
from forges.client import Client
from forges.clients import api_url_of, client
from forges.credentials import App, Token
from forges.events import Repository
from forges.fetch import Fetcher
from forges.registry import forge
from jobs.models import Project, Source
from jobs.records import record
from jobs.settings import Settings
from jobs.source import Access, generate_key
from jobs.source.address import parse
from stacks.errors import PortwrightError


@dataclass(frozen=True)
class Credentials:
    """username, password: of https (a token counts as a password). private_key: of ssh. token:
    of the forge's API; app_id, app_key, installation: of a GitHub App instead."""

    username: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    app_id: str = ""
    app_key: str = field(default="", repr=False)
    installation: str = ""


LONGEST = 20_000


def source_of(session: Session, project: Project) -> Source | None:
    return session.scalar(select(Source).where(Source.project_id == project.id))


def ensure_source(session: Session, project: Project) -> Source:
    """The project's source, made where it has none; the caller commits."""
    found = source_of(session, project)
    if found is None:
        found = Source(project=project, heads={})
        session.add(found)
        session.flush()
    return found


def opened(source: Source | None, vault_key: str) -> Credentials:
    if source is None or source.sealed is None:
        return Credentials()
    kept = json.loads(Fernet(vault_key).decrypt(source.sealed))
    known = {each.name for each in fields(Credentials)}
    return Credentials(**{name: value for name, value in kept.items() if name in known})


def keep(
    session: Session, vault_key: str, project: Project, given: dict[str, str], *, by: str
) -> Source:
    """Keep the named credentials beside those that are there; an empty value forgets one.

    Raises PortwrightError with the field, never with its value.
    """
    source = ensure_source(session, project)
    known = asdict(opened(source, vault_key))
    for name, value in given.items():
        if name not in known:
            raise PortwrightError(
                "there is no such field", remedy=f"use {', '.join(known)}", path=name
            )
        if name == "installation" and not re.fullmatch(r"[0-9]{0,12}", value):
            raise PortwrightError("that is no number", remedy="copy it from its URL", path=name)
        if len(value) > LONGEST or "\0" in value or ("key" not in name and not value.isprintable()):
            raise PortwrightError("the value can't be used", remedy="paste it again", path=name)
    sealed = {**known, **given}
    if "private_key" in given:
        source.public_key = None
    source.sealed = Fernet(vault_key).encrypt(json.dumps(sealed).encode())
    record(session, by, "source.credentials", project.name, fields=sorted(given))
    session.commit()
    return source


def new_key(session: Session, vault_key: str, project: Project, *, by: str) -> str:
    """Make an ssh key of the project's own in place of the one before; returns its public part."""
    private, public = generate_key()
    source = keep(session, vault_key, project, {"private_key": private}, by=by)
    source.public_key = public
    session.commit()
    return public


def configure(
    session: Session,
    project: Project,
    *,
    by: str,
    kind: str | None = None,
    api_url: str | None = None,
    full_name: str | None = None,
    submodules: bool | None = None,
    lfs: bool | None = None,
    poll_minutes: int | None = None,
) -> Source:
    """Change the named settings. Raises PortwrightError with the field that can't be used."""
    source = ensure_source(session, project)
    if kind is not None:
        source.forge = forge(kind).kind
    if api_url is not None:
        check_url(api_url)
        source.api_url = api_url.rstrip("/") or None
    if full_name is not None:
        source.full_name = full_name[:300] or None
    if poll_minutes is not None and not 0 <= poll_minutes <= 10_080:
        raise PortwrightError(
            f"{poll_minutes} can't be used", remedy="give 0 (never) to 10080", path="poll_minutes"
        )
    for name, value in (("submodules", submodules), ("lfs", lfs), ("poll_minutes", poll_minutes)):
        if value is not None:
            setattr(source, name, value)
    source.problem = None
    record(session, by, "source.settings", project.name, forge=source.forge, api=source.api_url)
    session.commit()
    return source


def check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = not url or (parts.scheme in ("https", "http") and parts.hostname and not parts.query)
    except ValueError:
        good = False
    if not good or "@" in parts.netloc or not url.isprintable():
        raise PortwrightError(
            "that is no address of an API",
            remedy="give https://host/path, without a password in it",
            path="api_url",
        )


def access_of(settings: Settings, project: Project, source: Source | None) -> Access:
    """What git needs. A forge's token serves for https where no password is kept."""
    kept = opened(source, settings.key("vault-key"))
    return Access(
        url=project.repository,
        username=kept.username or ("portwright" if kept.token else ""),
        password=kept.password or kept.token,
        private_key=kept.private_key,
        known_hosts=(source.known_hosts if source else None) or "",
        submodules=bool(source and source.submodules),
        lfs=bool(source and source.lfs),
        max_bytes=settings.repository_mb * 1024 * 1024,
        allowed=settings.allowed,
    )


def client_of(settings: Settings, source: Source) -> Client | None:
    """The forge's API with what is kept for it; None where nothing is, or it has no API.

    Raises PortwrightError for credentials that can't be used.
    """
    kept = opened(source, settings.key("vault-key"))
    url = source.api_url or default_api_url(source.forge, source.project.repository)
    if source.forge == "generic" or not url or not (kept.token or kept.app_key):
        return None
    credentials: Token | App = (
        App(kept.app_id, int(kept.installation or 0), kept.app_key)
        if kept.app_key and not kept.token
        else Token(kept.token, kept.username if source.forge == "bitbucket" else "")
    )
    return client(source.forge, url, credentials, Fetcher(guard_of(settings)))


def default_api_url(kind: str, repository: str) -> str:
    """Where the forge's API is by its documentation, also of a repository that is read by ssh;
    empty where that is not known."""
    found = api_url_of(kind, repository)
    if found or repository.startswith("http"):
        return found
    try:
        return api_url_of(kind, f"https://{parse(repository).host}/")
    except PortwrightError:
        return ""


def guard_of(settings: Settings) -> Guard:
    """Which addresses this host may connect to for a project."""
    return Guard(settings.allowed)


def full_name_of(project: Project, source: Source) -> str:
    """owner/name on the forge: as it was set, or as the repository's address says."""
    if source.full_name:
        return source.full_name
    path = project.repository.rpartition("@")[2]
    path = (
        urlsplit(project.repository).path if "://" in project.repository else path.partition(":")[2]
    )
    return path.strip("/").removesuffix(".git")


def renamed(session: Session, project: Project, repository: Repository) -> None:
    """Follow a repository that has another name now; what tells it was signed. The new address
    is taken only where it is on the same host, and of the old one's kind."""
    source = source_of(session, project)
    if source is None or not repository.full_name:
        return
    before = full_name_of(project, source)
    if repository.full_name == before:
        return
    if before and before in project.repository:
        project.repository = project.repository.replace(before, repository.full_name)
    source.full_name = repository.full_name
    record(
        session, "webhook", "project.renamed_repository", project.name,
        before=before, now=repository.full_name,
    )  # fmt: skip
