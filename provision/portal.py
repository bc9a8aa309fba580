"""The portal and the worker. A change of the code or the settings restarts them."""

from __future__ import annotations

import hashlib

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.settings import Settings
from provision.daemons import Daemon
from provision.environment import environment, listen
from provision.inventory import PLACE
from provision.old_versions import PREVIOUS, PROJECT_FILE
from provision.operations import CHECKOUT, Succeeds, daemon, text_file, unless
from provision.secret_file import secret_file
from provision.takeover import taken_over
from provision.where import managed, module

ROOMS = ("forges", "jobs", "portal", "stacks", "zones")


@deploy("portal")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    if not host.get_fact(Succeeds, check=f"({module(settings, 'jobs.admin', 'claimed')})"):
        path = f"{home}/keys/setup-token"
        secret_file(name="one-time token", path=path, form="url")
    else:
        files.file(name="no one-time token", path=f"{home}/keys/setup-token", present=False)
    wanted = daemons(settings)
    if managed():
        command = module(settings, "provision.upgrade_units")
        taken_over(name="portal and worker", home=home, wanted=wanted, command=command)
        after_take_over(settings)
        return
    for each in wanted:
        daemon(name=each.name, home=home, wanted=each)


def after_take_over(settings: Settings) -> None:
    """What shows the new version, and the end of old ones: not where the old one serves again."""
    command = module(settings, "jobs.admin").replace("&& ", "&& exec env ", 1)
    text_file(
        name="portwright-admin, the administrator's commands",
        path="/usr/local/sbin/portwright-admin",
        text=f'#!/bin/sh\n# Portwright\'s.\n{command} "$@"\n',
        mode="755",
    )
    unless(
        f'[ "$(readlink {PLACE}/current)" = {host.data.code} ]',
        f"test ! -e {PLACE}/current || ln -sfn $(readlink {PLACE}/current) {PLACE}/{PREVIOUS}",
        f"ln -sfn {host.data.code} {PLACE}/current",
        name="current version",
    )
    unless(
        f"[ $(ls -d {PLACE}/*/{PROJECT_FILE} 2>/dev/null | grep -vcE '/(current|{PREVIOUS})/') -le 2 ]",
        module(settings, "provision.old_versions", PLACE),
        name="old versions",
    )


def daemons(settings: Settings) -> list[Daemon]:
    env = {**environment(settings), "PORTWRIGHT_CODE": code_hash()}
    # A managed host's portal is reached through SSH's forwarding, or a domain of Traefik's.
    address = listen("127.0.0.1" if managed() else settings.bind, settings.portal_port)
    worker = [host.data.python, "-m", "jobs.worker"]
    return [
        Daemon("portal", gunicorn(address), env, host.data.code, ready=address),
        Daemon("worker", worker, env, host.data.code, grace=600.0),
    ]


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
