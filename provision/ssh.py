"""sshd: keys only, few tries. A change stays only after a second login has worked."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from io import StringIO
from typing import Any

from pyinfra import host
from pyinfra.api import deploy, operation
from pyinfra.operations import files

from jobs.settings import Settings
from provision.guard import FOLDER, at_boot, guarded, settled
from provision.operations import DRAFT, Succeeds

PATH = "/etc/ssh/sshd_config.d/00-portwright.conf"
OLD = f"{PATH}.portwright-old"
# Where a socket starts it (Ubuntu 24.04), it may not run yet, and reads all when it does.
RELOAD = "systemctl try-reload-or-restart ssh.service"

# Debian's and Ubuntu's sshd_config begin with it; a provider's own may not.
INCLUDED = (
    "sshd -T -C user=root,host=localhost,addr=127.0.0.1,laddr=127.0.0.1,lport=22"
    " | grep -qx 'passwordauthentication no' || { echo 'sshd does not read what is in"
    " /etc/ssh/sshd_config.d: put `Include /etc/ssh/sshd_config.d/*.conf` at the top of"
    " /etc/ssh/sshd_config' >&2; false; }"
)


@deploy("ssh")
def deploy_component(settings: Settings) -> None:
    at_boot()
    hardened(
        name="sshd takes keys only", text=config(host.data.sshd), seconds=host.data.guard_seconds
    )


def config(options: Mapping[str, str]) -> str:
    lines = [f"{key} {value}" for key, value in options.items()]
    return "\n".join(["# Portwright's; sshd takes the first value that it reads.", *lines, ""])


@operation()
def hardened(text: str, seconds: int) -> Generator[Any, None, None]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    same = f'{settled("ssh")} && echo "{digest}  {PATH}" | sha256sum -c --status'
    if host.get_fact(Succeeds, check=same):
        host.noop("sshd is so")
        return
    draft = PATH.removesuffix(".conf") + DRAFT
    undo = f"if test -e {OLD}; then cp -p {OLD} {PATH}; else rm -f {PATH}; fi; {RELOAD}"
    yield from files.put._inner(src=StringIO(text), dest=draft, mode="600")
    keep = f"rm -f {OLD}; if test -e {PATH}; then cp -p {PATH} {OLD}; fi"
    change = [
        f"mv {draft} {PATH}",
        "sshd -t",
        *((INCLUDED,) if "\nPasswordAuthentication no\n" in text else ()),
        RELOAD,
    ]
    yield f"{settled('ssh')} || sh {FOLDER}/ssh; {keep}"
    yield from guarded("ssh", undo, change, seconds)
    yield f"rm -f {OLD}"
