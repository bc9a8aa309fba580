"""What a preview's Spec is made of besides its commit: its secrets, its names, who may look."""

from __future__ import annotations

from sqlalchemy import select

from jobs.context import Context
from jobs.hosts.reach import is_remote
from jobs.models import Preview
from jobs.previews.policy import policy_of
from jobs.previews.secrets import preview_versions
from jobs.queries import secret_versions
from jobs.vault import open_newest
from stacks.errors import PortwrightError
from stacks.freeze import Preview as Names
from stacks.guards import members, password
from stacks.project_file import ProjectFile, secrets_named

# The secret that visitors of protected previews must know.
PASSWORD = "preview_password"


def preview_of(context: Context) -> Preview | None:
    """The preview that the Run's environment is; None of a standing one."""
    if context.environment.kind != "preview":
        return None
    return context.session.scalar(
        select(Preview).where(Preview.environment_id == context.environment.id)
    )


def versions(context: Context, wanted: ProjectFile, preview: Preview | None) -> dict[str, int]:
    """name → version of the secrets that this environment may have."""
    if preview is None:
        return secret_versions(context.session, context.project, context.environment.name)
    needed = secrets_named(wanted.services_in(context.environment.name, preview=True))
    return preview_versions(context.session, context.settings.key("vault-key"), preview, needed)


def names(context: Context, preview: Preview | None) -> Names | None:
    if preview is None:
        return None
    protect = policy_of(context.project).protect
    guard = None
    if protect == "members" and is_remote(context.project.host):
        raise PortwrightError(
            "previews on another host can't be shown to members only: its Traefik does not reach "
            "the portal",
            remedy="protect them with a password, or place the project on the portal's own host",
            path="previews.protect",
        )
    if protect == "members":
        guard = members(f"http://127.0.0.1:{context.settings.portal_port}/previews/door")
    elif protect == "password":
        try:
            key = context.settings.key("vault-key")
            _, value = open_newest(context.session, key, context.environment, PASSWORD)
        except PortwrightError as error:
            raise PortwrightError(
                "previews are protected by a password, and none is set",
                remedy=error.remedy,
                path="previews.protect",
            ) from None
        context.log.hide([value])
        salt = f"{context.project.id}:{preview.number}"
        guard = password("preview", visitor_password(value), salt)
    return Names(guard, preview.fork)


def visitor_password(value: str) -> str:
    """Return the secret as visitors type it: the final newline of a file is not part of it."""
    typed = value.removesuffix("\n").removesuffix("\r")
    if not typed:
        raise PortwrightError(
            "the preview password is empty",
            remedy=f"Set the secret {PASSWORD} to a password.",
            path="previews.protect",
        )
    return typed


def forbid_host_access(preview: Preview | None, wanted: ProjectFile) -> None:
    """No pull request gets power over the host, whatever its project may."""
    for name, service in wanted.services.items():
        if preview is not None and service.host:
            raise PortwrightError(
                "asks for power over the host, which no preview gets",
                remedy="leave previews off for this project, or take `host` out",
                path=f"services.{name}.host",
            )
