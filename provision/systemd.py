"""A daemon as a systemd unit: its text, sandboxed, and the commands that make it run. Pure.

Directives are those of systemd.exec(5), systemd.kill(5) and systemd.resource-control(5).
The processes are root's without any of root's privileges but those named here: the engine's
socket is root's, and whoever may use it is as good as root anyway.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from provision.daemons import Daemon

FOLDER = "/etc/systemd/system"
# What is to come to a file's place lies beside it under this name; systemd does not read it.
DRAFT = ".portwright-new"
# What was started last, by its fingerprint: emptied by a reboot, filled by each start.
STARTED = "/run/portwright"
COMMON = (
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "LockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "UMask=0077",
)


@dataclass(frozen=True)
class Box:
    """What a daemon may do: folders below the home that it writes, address families, capabilities.
    runtime: a folder in /run that is made for it, for root only."""

    writes: tuple[str, ...]
    families: str = "AF_UNIX AF_INET AF_INET6 AF_NETLINK"
    capabilities: str = ""
    after: str = "network-online.target"
    user: str = ""
    groups: str = ""
    runtime: str = ""


BOXES = {
    "redis": Box(("run", "redis"), families="AF_UNIX", after=""),
    "postgres": Box(
        ("run/postgres", "postgres"),
        families="AF_UNIX",
        capabilities="CAP_SETUID CAP_SETGID",
        after="",
    ),
    "traefik": Box(
        ("traefik",),
        capabilities="CAP_NET_BIND_SERVICE",
        after="network-online.target docker.service",
    ),
    "portal": Box(
        (".",),
        after="network-online.target docker.service portwright-redis.service portwright-postgres.service",
    ),
    "worker": Box(
        (".",),
        after="network-online.target docker.service portwright-redis.service portwright-postgres.service",
    ),
    # Of a node with HTTPS. It writes the logs of Traefik and of the Traefik that it tries names with.
    "certificates": Box(
        ("traefik", "log"),
        after="network-online.target docker.service portwright-traefik.service",
        runtime="portwright-certificates",
    ),
}


@dataclass(frozen=True)
class Unit:
    name: str
    text: str
    fingerprint: str

    @property
    def path(self) -> str:
        return f"{FOLDER}/{self.name}.service"


def unit_of(daemon: Daemon, home: str, memory: Mapping[str, str]) -> Unit:
    """memory: daemon -> MemoryMax, as systemd takes it (`256M`, `60%`); none where it is not named."""
    box = BOXES[daemon.name]
    writes = " ".join(
        quoted(f"{home}/{folder}".removesuffix("/.")) for folder in (*box.writes, *daemon.writes)
    )
    environment = {"HOME": home, "PYTHONDONTWRITEBYTECODE": "1", **daemon.env}
    lines = [
        f"ExecStart={words(daemon.argv)}",
        *waiting(daemon),
        f"WorkingDirectory={daemon.cwd}",
        *(f"Environment={quoted(f'{key}={value}')}" for key, value in environment.items()),
        f"KillSignal={int(daemon.stop_signal)}",
        "KillMode=mixed",
        f"TimeoutStopSec={daemon.grace:.0f}",
        "Restart=always",
        "RestartSec=2",
        *COMMON,
        f"RestrictAddressFamilies={box.families}",
        f"CapabilityBoundingSet={box.capabilities}",
        f"ReadWritePaths={writes}",
        *([f"RuntimeDirectory={box.runtime}", "RuntimeDirectoryMode=0700"] if box.runtime else []),
        *([f"MemoryMax={memory[daemon.name]}"] if daemon.name in memory else []),
    ]
    fingerprint = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
    name = f"portwright-{daemon.name}"
    told = f"mkdir -p {STARTED} && echo {fingerprint} >{STARTED}/{daemon.name}"
    text = "\n".join(
        [
            "# Portwright's; `portwright host apply` writes it anew.",
            "[Unit]",
            f"Description=Portwright: {daemon.name}",
            *([f"After={box.after}", f"Wants={box.after}"] if box.after else []),
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            f"ExecStartPre=+/bin/sh -c {quoted(told, command=True)}",
            *lines,
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )
    return Unit(name, text, fingerprint)


def waiting(daemon: Daemon) -> list[str]:
    """What starts after it waits until it is up: its unit is only then called started."""
    if not daemon.check:
        return []
    until = f"until {shlex.join(daemon.check)}; do sleep 0.1; done"
    return [
        f"ExecStartPost={words(['/bin/sh', '-c', until])}",
        f"TimeoutStartSec={daemon.patience:.0f}",
    ]


def words(argv: Sequence[str]) -> str:
    return " ".join(quoted(word, command=True) for word in argv)


def quoted(word: str, command: bool = False) -> str:
    """A word as unit files take it; `$` is special in commands only."""
    word = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{word.replace("$", "$$") if command else word}"'


def environment_of(text: str) -> dict[str, str]:
    """The variables that a unit of ours gives its daemon."""
    found = re.findall(r'^Environment="(.*)"$', text, re.MULTILINE)
    return dict(UNQUOTE.sub(plain, each).split("=", 1) for each in found)


def plain(found: re.Match[str]) -> str:
    return {"%%": "%", "\\n": "\n"}.get(found[0], found[0][1:])


UNQUOTE = re.compile(r"\\.|%%")


def as_wanted(unit: Unit) -> str:
    """A shell test: the unit's file is this one, and what runs was started from it."""
    digest = hashlib.sha256(unit.text.encode()).hexdigest()
    started = f"{STARTED}/{unit.name.removeprefix('portwright-')}"
    return (
        f'echo "{digest}  {unit.path}" | sha256sum -c --status'
        f" && systemctl is-active --quiet {unit.name} && systemctl is-enabled --quiet {unit.name}"
        f" && echo {unit.fingerprint} | cmp -s - {started}"
    )


def start(unit: Unit, daemon: Daemon) -> Iterator[str]:
    """Shell commands: it runs as its file says, at each boot too, and answers."""
    yield "systemctl daemon-reload"
    yield f"systemctl enable --quiet {unit.name}"
    told = f"{{ systemctl status --no-pager --lines 20 {unit.name} >&2; exit 1; }}"
    yield f"systemctl restart {unit.name} || {told}"
    if daemon.ready:
        yield f"timeout {daemon.patience:.0f} /usr/bin/python3 -c {shlex.quote(PROBE)} {shlex.quote(daemon.ready)} || {told}"


PROBE = """
import socket, sys, time
host, colon, port = sys.argv[1].rpartition(":")
while True:
    try:
        if colon and port.isdigit():
            socket.create_connection((host.strip("[]"), int(port)), 1).close()
        else:
            socket.socket(socket.AF_UNIX).connect(sys.argv[1])
        break
    except OSError:
        time.sleep(0.1)
"""
