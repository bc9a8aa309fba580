"""The portal and the worker. A change of the code or the settings restarts them."""

from __future__ import annotations

import hashlib

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.environment import environment, listen
from provision.operations import CHECKOUT, Succeeds, daemon, text_file
from provision.secret_file import secret_file
from provision.where import managed, module

ROOMS = ("forges", "jobs", "portal", "stacks", "zones")


@deploy("portal")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    env = environment(settings)
    if not host.get_fact(Succeeds, check=f"({module(settings, 'jobs.admin', 'claimed')})"):
        path = f"{home}/keys/setup-token"
        secret_file(name="one-time token", path=path, form="url")
    else:
        files.file(name="no one-time token", path=f"{home}/keys/setup-token", present=False)
    if managed():
        command = module(settings, "jobs.admin")
        text_file(
            name="portwright-admin, the administrator's commands",
            path="/usr/local/sbin/portwright-admin",
            text=f'#!/bin/sh\n# Portwright\'s.\n{command.replace("&& ", "&& exec env ", 1)} "$@"\n',
            mode="755",
        )
    code = code_hash()
    # A managed host's portal is reached through SSH's forwarding, or a domain of Traefik's.
    address = listen("127.0.0.1" if managed() else settings.bind, settings.portal_port)
    for name, argv, ready, grace in (
        ("portal", gunicorn(address), address, 15.0),
        ("worker", [host.data.python, "-m", "jobs.worker"], "", 600.0),
    ):
        wanted = Daemon(
            name,
            argv,
            env={**env, "PORTWRIGHT_CODE": code},
            cwd=host.data.code,
            ready=ready,
            grace=grace,
        )
        daemon(name=name, home=home, wanted=wanted)


def gunicorn(address: str) -> list[str]:
    """How it serves is said in portal.server."""
    config = ["--config", "python:portal.server", "--bind", address]
    return [host.data.python, "-m", "gunicorn", *config, "portal.wsgi:app"]


def code_hash() -> str:
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((CHECKOUT / room).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(CHECKOUT)).encode() + path.read_bytes())
    digest.update((CHECKOUT / "pyproject.toml").read_bytes())
    return digest.hexdigest()[:16]
