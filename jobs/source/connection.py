"""One way to one server: the address that the guard gave, the credentials that belong there."""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.source.access import Access, Resolve
from jobs.source.address import Address, parse
from jobs.source.papers import Papers
from jobs.source.quarantine import CONFIG, environment
from jobs.source.ssh import ssh_command
from stacks.errors import PortwrightError

PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
                 "fc00::/7", "100.64.0.0/10")
)  # fmt: skip


@dataclass(frozen=True)
class Connection:
    """address: what git is told. ssh: the command up to the host, empty for other schemes."""

    address: Address
    environ: dict[str, str]
    ssh: tuple[str, ...] = ()


@contextmanager
def connect(
    access: Access, resolve: Resolve, address: Address | None = None
) -> Iterator[Connection]:
    """Everything git needs to reach this address (default: the repository's) and nothing else.

    Credentials go along only where scheme, host and port are the repository's own.
    Raises PortwrightError where the guard refuses, or a credential can't be used.
    """
    own = parse(access.url)
    address = address or own
    trusted = address.origin == own.origin
    ip = resolve(address.host, address.port) if address.host else ""
    with Papers() as papers:
        config = CONFIG
        ssh: tuple[str, ...] = ()
        if address.scheme in ("http", "https"):
            config += web(access, address, ip, papers, trusted)
        elif address.scheme == "ssh":
            ssh = ssh_command(access, address, ip, papers, trusted)
        environ = environment(papers.file(config), address.scheme)
        if ssh:
            environ["GIT_SSH_COMMAND"] = shlex.join(ssh)
        yield Connection(address, environ, ssh)


def web(access: Access, address: Address, ip: str, papers: Papers, trusted: bool) -> str:
    """Configuration for https. A helper hands the password over, for this origin only: it is
    in no argument, no URL and no variable (gitcredentials(7))."""
    lines = []
    if ip != address.host:
        there = f"[{ip}]" if ":" in ip else ip
        lines.append(f"[http]\n  curloptResolve = {address.host}:{address.port}:{there}")
    if access.certificates:
        lines.append(f"[http]\n  sslCAInfo = {papers.file(access.certificates)}")
    if access.password and trusted:
        check_secret(access.username, "username")
        check_secret(access.password, "password")
        if address.scheme == "http" and not private(ip):
            raise PortwrightError(
                "a password is not sent over http, where anybody on the way can read it",
                remedy="give the repository's https address",
                path="repository",
            )
        paper = papers.file(f"username={access.username or 'git'}\npassword={access.password}\n")
        host = f"[{address.host}]" if ":" in address.host else address.host
        lines.append(
            f'[credential "{address.scheme}://{host}:{address.port}"]\n'
            f'  helper = "!f() {{ cat {paper}; }}; f"'
        )
    return "\n".join(lines) + "\n"


def check_secret(value: str, path: str) -> None:
    """The helper's answer is made of lines: none may begin within a value (CVE-2020-5260)."""
    if any(character in value for character in "\n\r\0"):
        raise PortwrightError(
            "holds a line's end", remedy="copy it again, without the line's end", path=path
        )


def private(ip: str) -> bool:
    """Loopback, and what RFC 1918, RFC 4193 and RFC 6598 keep for networks of one's own."""
    try:
        return any(ipaddress.ip_address(ip) in network for network in PRIVATE)
    except ValueError:
        return ip == "localhost"
