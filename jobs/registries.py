"""Credentials of registries: set per project and registry host, stored encrypted, opened for pulls."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from forges.errors import Unreachable
from jobs.models import Project, RegistryCredential, User, now
from jobs.records import record
from jobs.settings import Settings
from jobs.sources import guard_of
from jobs.token_command import SECONDS, run_token_command
from stacks.docker.images.certificates import check_certificates
from stacks.docker.images.login import Login
from stacks.docker.images.registry_host import DOCKER_HUB, address_of, check_registry_host
from stacks.errors import PortwrightError

LONGEST_PASSWORD = 64 * 1024
LONGEST_COMMAND = 8 * 1024
LONGEST_USERNAME = 255
MOST = 50
Say = Callable[[str], None]


def credentials(session: Session, project: Project) -> list[RegistryCredential]:
    """Return the project's credentials by host."""
    query = select(RegistryCredential).where(RegistryCredential.project_id == project.id)
    return list(session.scalars(query.order_by(RegistryCredential.host)))


def credential_of(session: Session, project: Project, host: str) -> RegistryCredential | None:
    return session.scalar(
        select(RegistryCredential).where(
            RegistryCredential.project_id == project.id, RegistryCredential.host == host
        )
    )


def set_credential(
    session: Session,
    settings: Settings,
    project: Project,
    host: str,
    *,
    by: User,
    username: str | None = None,
    password: str | None = None,
    command: Sequence[str] | None = None,
    ca: str | None = None,
) -> RegistryCredential:
    """Store how the project logs in to a registry, in place of what was stored before.

    username: with password or command. command: argv list that prints a password at each use.
    ca: PEM certificates; None leaves the stored ones, empty text removes them. Without a
    username the stored login stays, so that the CA alone can be changed.
    A command and a CA affect the host and are for the host's owner only.

    Raises PortwrightError with the field, never with a secret value.
    """
    host = check_registry_host(host)
    kind, secret = check_login(username, password, command)
    if kind is None and ca is None:
        raise PortwrightError(
            "nothing to set", remedy="Give a username and password, or a CA.", path="username"
        )
    if command is not None:
        require_host_owner(by, "command", "a command runs on the platform's host")
    if ca:
        require_host_owner(by, "ca", "a CA is trusted by the Docker engine of the host")
        if host == DOCKER_HUB:
            raise PortwrightError(
                "Docker Hub uses a public CA", remedy="Leave the CA out for docker.io.", path="ca"
            )
        ca = check_certificates(ca)
    check_registry(settings, host)
    found = credential_of(session, project, host)
    kept = ca if ca is not None else found.ca if found else None
    if kind is None and not kept and (found is None or found.kind == "none"):
        raise PortwrightError(
            f"without a CA nothing is stored for {host}",
            remedy="Give a username and password or a CA, or remove the registry.",
            path="ca",
        )
    if found is None:
        found = new_credential(session, settings, project, host)
    if kind is not None:
        found.kind, found.username, found.sealed = kind, username or "", seal(settings, secret)
    found.ca = kept or None
    found.created_at, found.created_by = now(), by.email
    record(
        session, by.email, "registry.set", project.name,
        host=host, kind=found.kind, username=found.username, ca=found.ca is not None,
    )  # fmt: skip
    session.commit()
    return found


def new_credential(
    session: Session, settings: Settings, project: Project, host: str
) -> RegistryCredential:
    """Add a row without a login; raises PortwrightError where the project has too many."""
    if len(credentials(session, project)) >= MOST:
        raise PortwrightError(
            f"{project.name} already has credentials for {MOST} registries",
            remedy="Remove one that is no longer used.",
            path="host",
        )
    found = RegistryCredential(
        project_id=project.id, host=host, username="", kind="none", sealed=seal(settings, None)
    )
    session.add(found)
    return found


def remove_credential(session: Session, project: Project, host: str, *, by: User) -> str:
    """Delete the credential and return the host it was for; raises PortwrightError for none."""
    host = check_registry_host(host)
    found = credential_of(session, project, host)
    if found is None:
        raise PortwrightError(
            f"{project.name} has no credentials for {host}",
            remedy=f"Choose from the list: portwright registries list {project.name}",
            path="host",
        )
    session.delete(found)
    record(session, by.email, "registry.removed", project.name, host=host)
    session.commit()
    return host


def logins_of(
    session: Session,
    settings: Settings,
    project: Project,
    say: Say,
    *,
    hosts: Collection[str] | None = None,
    seconds: float = SECONDS,
) -> dict[str, Login]:
    """Return the project's logins by registry host; commands are run now, for a fresh password.

    hosts: only these registries; None for all. seconds: time limit of each command.
    The caller hides the passwords from the Run's log.

    Raises PortwrightError that names the registry, never with a password or a command's output.
    """
    found = {}
    for row in credentials(session, project):
        if row.kind == "none" or (hosts is not None and row.host not in hosts):
            continue
        secret = opened(settings, row)
        if row.kind == "command":
            say(f"Requesting a password for {row.host} (user {row.username})")
            secret = run_token_command(secret, row.host, seconds=seconds)
        found[row.host] = Login(row.username, str(secret))
    return found


def certificates_of(session: Session, project: Project) -> dict[str, str]:
    """Return PEM certificates by host for the registries where this project has set a CA.

    The Docker engine has one file per registry for all projects, so each value holds the CAs of
    every project for that host: no project's pull breaks another's.
    """
    wanted = {row.host for row in credentials(session, project) if row.ca}
    query = select(RegistryCredential).where(
        RegistryCredential.host.in_(wanted), RegistryCredential.ca.is_not(None)
    )
    found: dict[str, dict[str, None]] = {}
    for row in session.scalars(query.order_by(RegistryCredential.id)):
        found.setdefault(row.host, {})[row.ca or ""] = None
    return {host: "".join(texts) for host, texts in sorted(found.items())}


def check_registry(settings: Settings, host: str) -> None:
    """Check that this host may connect to the registry, by the same rule as for git.

    The mirror of PORTWRIGHT_IMAGES is the operator's own choice and always allowed.

    Raises PortwrightError for a loopback or private address that PORTWRIGHT_ALLOWED_HOSTS does
    not permit, and Unreachable for a name without an address.
    """
    host = check_registry_host(host)
    if host == mirror_host(settings):
        return
    name, port = address_of(host)
    try:
        guard_of(settings).resolve(name, port)
    except Unreachable:
        raise Unreachable(
            f"the registry {host} has no address",
            remedy="Check the spelling of its name, and the DNS of this server.",
            path="host",
        ) from None
    except PortwrightError as error:
        raise PortwrightError(
            f"the registry {host} is not allowed: {error.message}",
            remedy="Use a public registry, or ask the host's owner to add its name or address to "
            "PORTWRIGHT_ALLOWED_HOSTS.",
            path="host",
        ) from None


def mirror_host(settings: Settings) -> str | None:
    """Return the host of the configured mirror; None where there is none."""
    scheme, _, rest = settings.images.partition(":")
    return rest.partition("/")[0] if scheme == "mirror" else None


def check_login(
    username: str | None, password: str | None, command: Sequence[str] | None
) -> tuple[str | None, str | list[str] | None]:
    """Return kind and secret of a new login; None and None where there is none."""
    if username is None and password is None and command is None:
        return None, None
    if password is not None and command is not None:
        raise PortwrightError(
            "a password and a command were given", remedy="Give one of them.", path="command"
        )
    check_username(username or "")
    if command is not None:
        return "command", check_command(command)
    return "password", check_password(password or "")


def check_username(username: str) -> None:
    if not username or len(username) > LONGEST_USERNAME:
        raise PortwrightError(
            "the user name must have 1 to 255 characters",
            remedy="Give the registry's user name; for ECR it is AWS.",
            path="username",
        )
    if ":" in username or not username.isprintable():
        raise PortwrightError(
            "the user name contains a colon or a control character",
            remedy="Give the user name without the password.",
            path="username",
        )


def check_password(password: str) -> str:
    if not password:
        raise PortwrightError(
            "the password is empty", remedy="Give the password or token.", path="password"
        )
    if "\0" in password or not is_unicode(password):
        raise PortwrightError(
            "the password contains a NUL byte or is not valid Unicode text",
            remedy="Give the password as the registry issued it.",
            path="password",
        )
    if len(password.encode()) > LONGEST_PASSWORD:
        raise PortwrightError(
            "the password is longer than 64 KiB", remedy="Give a shorter token.", path="password"
        )
    return password


def check_command(command: Sequence[str]) -> list[str]:
    """Return the argv list; raises PortwrightError where no program can be started by it."""
    argv = list(command)
    if not argv or not argv[0] or ("/" in argv[0] and not argv[0].startswith("/")):
        raise PortwrightError(
            "the command must start with a program's name or absolute path",
            remedy='Give it such as "aws ecr get-login-password --region eu-central-1".',
            path="command",
        )
    if any("\0" in each or not is_unicode(each) for each in argv):
        raise PortwrightError(
            "the command contains a NUL byte or is not valid Unicode text",
            remedy="Type the command again.",
            path="command",
        )
    if sum(len(each.encode()) + 1 for each in argv) > LONGEST_COMMAND:
        raise PortwrightError(
            "the command is longer than 8 KiB",
            remedy="Put it into a script and give the script's path.",
            path="command",
        )
    return argv


def is_unicode(text: str) -> bool:
    """Whether the text can be encoded: JSON may contain lone surrogates, UTF-8 may not."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def require_host_owner(by: User, path: str, reason: str) -> None:
    if not by.host_owner:
        raise PortwrightError(
            f"only the host's owner can set this: {reason}",
            remedy="Ask the owner of this host.",
            path=path,
        )


def seal(settings: Settings, secret: str | list[str] | None) -> bytes:
    return Fernet(settings.key("vault-key")).encrypt(json.dumps(secret).encode())


def opened(settings: Settings, row: RegistryCredential) -> str | list[str]:
    """Return the password or the command's argv list."""
    secret: str | list[str] = json.loads(Fernet(settings.key("vault-key")).decrypt(row.sealed))
    return secret
