"""`portwright host restore`: a bare server becomes the host whose backups are at PORTWRIGHT_BACKUP.

The steps of bootstrap, with these between them: the backup's files before anything is made with
new keys, its data before portal and worker, and at the end what served is deployed again. The
repository's password and a bucket's keys are secrets that the operator gives the host. Run again
after a failure, it goes on from there.
"""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy

from jobs.settings import Settings
from provision.operations import unless
from provision.where import module
from stacks.errors import PortwrightError


@deploy("fetch")
def fetch(settings: Settings) -> None:
    if not settings.backup:
        raise PortwrightError(
            "it is not said where the backups are",
            remedy="set BACKUP in the host's settings in inventory/hosts.py",
            path="PORTWRIGHT_BACKUP",
        )
    password = f"{settings.home}/keys/backup-password"
    snapshot = ["--snapshot", host.data.snapshot] if host.data.snapshot else []
    step(
        settings,
        "files of the backup",
        "fetched",
        *("fetch", settings.backup, "--password-file", password, *snapshot),
    )


@deploy("load")
def load(settings: Settings) -> None:
    step(settings, "database and engine's state", "loaded", "load")
    step(settings, "volumes", "filled", "fill")


@deploy("follow")
def follow(settings: Settings) -> None:
    unless(
        f"test ! -e {settings.home}/backups/restore.json",
        module(settings, "jobs.backup", "follow"),
        name="what served is deployed again",
    )


def step(settings: Settings, name: str, done: str, *argv: str) -> None:
    unless(
        f"({module(settings, 'jobs.backup', 'restored', done)})",
        module(settings, "jobs.backup", *argv),
        name=name,
    )
