"""Changing the door one came in by: undone by itself unless a second, new login worked.

A timer on the host is armed before the change and disarmed after the second login. So the old
state comes back when the new one locks everybody out, when the connection dies in between, and
when the machine that converges dies. A reboot ends the timer: a unit does its work before sshd
begins.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand
from pyinfra.api.exceptions import PyinfraError
from pyinfra.connectors.sshuserclient import SSHClient

from provision.operations import text_file

# Why operations failed: pyinfra keeps no words of a function that raises.
REASONS: list[str] = []
ATTEMPTS = 4
FOLDER = "/var/lib/portwright-guard"
UNIT = "/etc/systemd/system/portwright-guard.service"
UNIT_TEXT = f"""# Portwright's.
[Unit]
Description=Portwright: put back what was not proved before the reboot
DefaultDependencies=no
RequiresMountsFor={FOLDER}
After=local-fs.target
Before=portwright-firewall.service ssh.service ssh.socket
ConditionDirectoryNotEmpty={FOLDER}

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for each in {FOLDER}/*; do sh "$each"; done'
TimeoutStartSec=60

[Install]
WantedBy=sysinit.target
"""


def at_boot() -> None:
    """A step of a deploy, before the first guarded change."""
    text_file(
        name="what is not proved goes back at a reboot",
        path=UNIT,
        text=UNIT_TEXT,
        then="systemctl daemon-reload && systemctl enable --quiet portwright-guard",
    )


def timer(what: str) -> str:
    return f"portwright-guard-{what}"


def settled(what: str) -> str:
    """A shell test: no change waits for its proof, and none was cut off (a reboot ends timers)."""
    return f"! systemctl is-active --quiet {timer(what)}.timer && test ! -e {FOLDER}/{what}"


def guarded(what: str, undo: str, change: list[str], seconds: int) -> Generator[Any, None, None]:
    """Steps of an operation. undo: a shell command, right at any moment, also when run twice."""
    script = f"{FOLDER}/{what}"
    yield f"mkdir -p -m 700 {FOLDER} && systemctl stop {timer(what)}.timer 2>/dev/null; true"
    text = f"#!/bin/sh\n{undo}\nrm -f {script}\n"
    yield f"umask 077; test -e {script} || printf %s {shlex.quote(text)} >{script}"
    yield (
        f"systemd-run --quiet --collect --unit {timer(what)} --on-active={seconds}"
        f" --timer-property=AccuracySec=1 /bin/sh {script}"
    )
    for step in change:
        yield f"{{ {step}; }} || {{ {back(what)}; exit 1; }}"
    yield FunctionCommand(prove_a_second_login, [what], {})
    yield settle(what)


def settle(what: str) -> str:
    """A shell command: it stays. Where the timer was quicker, the login was one to the old state."""
    script = f"{FOLDER}/{what}"
    late = (
        "the old state was back before the second login; raise guard_seconds in inventory/hosts.py"
    )
    return (
        f"systemctl stop {timer(what)}.timer;"
        f" test -e {script} && rm -f {script} || {{ echo '{late}' >&2; exit 1; }}"
    )


def back(what: str) -> str:
    """A shell command: the old state now, and no timer for it."""
    return f"sh {FOLDER}/{what}; systemctl stop {timer(what)}.timer"


def prove_a_second_login(what: str) -> None:
    """A login of its own with the same key, and a command in it; else the old state comes back at once."""
    if not hasattr(host.connector, "make_paramiko_kwargs"):
        return
    why = ""
    for _ in range(ATTEMPTS):
        why = trial(host.connector.make_paramiko_kwargs())
        if not why:
            return
        # sshd begins anew when it reads its configuration. A login that it refuses is not
        # tried again: fail2ban counts those.
        if "Authentication" in why:
            break
        time.sleep(1)
    host.run_shell_command(back(what))
    REASONS.append(f"a second login did not work ({why}); the old state is back")
    raise PyinfraError(REASONS[-1])


def trial(told: dict[str, Any]) -> str:
    """Why a new login did not work; empty where it did."""
    client = SSHClient()
    try:
        client.connect(told.pop("hostname"), **told)
        _, output, _ = client.exec_command("echo second", timeout=20)
        return "" if output.read().strip() == b"second" else "it answered with something else"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        client.close()
