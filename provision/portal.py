"""The portal and the worker. A change of the code or the settings restarts them."""

from __future__ import annotations

import hashlib
import secrets
import sys

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.environment import environment, listen
from provision.operations import CHECKOUT, Succeeds, daemon
from provision.secret_file import secret_file

ROOMS = ("jobs", "portal", "stacks")


@deploy("portal")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    env = environment(settings)
    if not host.get_fact(
        Succeeds, check=f"{assignments(env)} '{sys.executable}' -m jobs.admin claimed"
    ):
        path = f"{home}/keys/setup-token"
        secret_file(name="one-time token", path=path, make=lambda: secrets.token_urlsafe(32))
    else:
        files.file(name="no one-time token", path=f"{home}/keys/setup-token", present=False)
    code = code_hash()
    address = listen(settings.bind, settings.portal_port)
    for name, argv, ready, grace in (
        ("portal", gunicorn(address), address, 15.0),
        ("worker", [sys.executable, "-m", "jobs.worker"], "", 600.0),
    ):
        wanted = Daemon(
            name,
            argv,
            env={**env, "PORTWRIGHT_CODE": code},
            cwd=str(CHECKOUT),
            ready=ready,
            grace=grace,
        )
        daemon(name=name, home=home, wanted=wanted)


def gunicorn(address: str) -> list[str]:
    """How it serves is said in portal.server."""
    config = ["--config", "python:portal.server", "--bind", address]
    return [sys.executable, "-m", "gunicorn", *config, "portal.wsgi:app"]


def assignments(env: dict[str, str]) -> str:
    """For a shell; every value has passed the settings' patterns or is a path of ours."""
    return " ".join(f"{key}='{value}'" for key, value in sorted(env.items()))


def code_hash() -> str:
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    digest.update((CHECKOUT / "pyproject.toml").read_bytes())
    return digest.hexdigest()[:16]
