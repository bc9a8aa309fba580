"""Keys for ssh: one of the project's own, and the server's, which a person confirms."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import TimeoutExpired

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from git import GitCommandError

from jobs.source.access import Resolve, unguarded
from jobs.source.address import parse
from jobs.source.command import run
from jobs.source.probe import NOWHERE
from jobs.source.quarantine import environment
from jobs.ssh import alias
from stacks.errors import PortwrightError

TYPES = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")  # fmt: skip


@dataclass(frozen=True)
class HostKey:
    """key: base64. fingerprint: as `ssh-keygen -l` shows it."""

    type: str
    key: str
    fingerprint: str

    def line(self, host: str, port: int = 22) -> str:
        """Its line of known_hosts, sshd(8)."""
        return f"{alias(host, port)} {self.type} {self.key}"


def generate_key() -> tuple[str, str]:
    """A new ed25519 key: (private in OpenSSH's format, public line with its comment)."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return private.decode(), f"{public.decode()} portwright"


def scan_host_key(host: str, port: int = 22, resolve: Resolve = unguarded) -> list[HostKey]:
    """The keys a server shows now. They are nobody's until a person has compared them.

    Raises PortwrightError where the address may not be reached, or shows none.
    """
    address = parse_host(host, port, resolve)
    try:
        said = run(
            ["ssh-keyscan", "-T", "10", "-p", str(port), "--", address], folder=NOWHERE,
            environ=environment("/dev/null"), seconds=40.0, most=1 << 20,
        )  # fmt: skip
    except (GitCommandError, TimeoutExpired):
        said = b""
    found = sorted(
        set(read_keys(said.decode(errors="replace"))), key=lambda key: TYPES.index(key.type)
    )
    if not found:
        raise PortwrightError(
            f"{host} shows no ssh host key on port {port}",
            remedy="check the host and the port, and that its ssh server runs",
            path="repository",
        )
    return found


def read_keys(text: str) -> list[HostKey]:
    """Of known_hosts, or of what ssh-keyscan prints."""
    return [key for line in text.splitlines() if (key := read_key(line))]


def confirmed(
    shown: Sequence[HostKey], fingerprints: Sequence[str], *, who: str, remedy: str, path: str
) -> list[HostKey]:
    """Those whose fingerprints a person has compared. Raises PortwrightError, at this path and with
    this remedy, for one that `who` does not show, and where none was chosen."""
    by_fingerprint = {key.fingerprint: key for key in shown}
    strange = [each for each in fingerprints if each not in by_fingerprint]
    if strange or not fingerprints:
        raise PortwrightError(
            f"{who} does not show {strange[0][:80]!r} now" if strange else "none was chosen",
            remedy=remedy,
            path=path,
        )
    return [by_fingerprint[each] for each in fingerprints]


def read_key(line: str) -> HostKey | None:
    """A line of ssh-keyscan's output."""
    parts = line.split()
    if len(parts) != 3 or parts[1] not in TYPES:
        return None
    try:
        raw = base64.b64decode(parts[2], validate=True)
    except binascii.Error:
        return None
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return HostKey(parts[1], parts[2], f"SHA256:{digest}")


def parse_host(host: str, port: int, resolve: Resolve) -> str:
    name = f"[{host}]" if ":" in host else host
    found = parse(f"ssh://git@{name}:{port}/x", "host")
    return resolve(found.host, found.port)
