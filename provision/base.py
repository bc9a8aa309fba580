"""Packages that the rest needs, the home folder, and the keys: made once, never overwritten."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs.settings import Settings
from provision.inventory import FOLDER as INVENTORY
from provision.operator_secrets import given
from provision.packages import packages
from provision.secret_file import given_secret, secret_file
from provision.where import is_node, managed

SECRETS = INVENTORY / "secrets"
# How each is made where it is missing; those without a form are only given by the operator.
KEYS = {
    "secret-key": "hex",
    "vault-key": "fernet",
    "passphrase": "url",
    "backup-password": "url",
    "postgres-password": "url",
    "backup-s3-id": "",
    "backup-s3-secret": "",
}
FOLDERS = (
    "backups",
    "bin",
    "checkouts",
    "git",
    "log",
    "mirrors",
    "pulumi",
    "run",
    "runs",
    "state",
    "stacks",
)


@deploy("base")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    packages(host.data.packages)
    # Postgres runs as a user of its own and must reach its folder: passing through is allowed, reading is not.
    files.directory(name="home", path=home, mode="711")
    for folder in FOLDERS:
        files.directory(
            name=folder, path=f"{home}/{folder}", mode="711" if folder == "run" else "700"
        )
    files.directory(name="keys", path=f"{home}/keys", mode="700")
    if is_node():
        marker = "/etc/portwright/node"  # read by fitness
        files.file(name="it is a node", path=marker, mode="644")
        if settings.https_port:  # what makes the path by which a name is known to lead there
            secret_file(name="key secret-key", path=f"{home}/keys/secret-key", form="hex")
        return
    for name, form in KEYS.items():
        own = given(SECRETS / host.name, name) if managed() else None
        if own:
            given_secret(name=f"key {name}, given", path=f"{home}/keys/{name}", secret=own)
        elif form:
            secret_file(name=f"key {name}", path=f"{home}/keys/{name}", form=form)
