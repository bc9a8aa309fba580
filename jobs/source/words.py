"""What git, ssh and curl say when a repository can't be read, in words that help."""

from __future__ import annotations

import re
from dataclasses import dataclass
from subprocess import TimeoutExpired

from git import GitCommandError

from jobs.redact import Redactor
from jobs.source.access import Access
from jobs.terminal import clean
from stacks.errors import PortwrightError

REMOTE = "check its address and that this server may read it"
KEY = "give its key (or the user and token) read access there, and enter the same one here"


@dataclass(frozen=True)
class Cause:
    """kind: one word for it. pattern: what is said where it is so."""

    kind: str
    pattern: re.Pattern[str]
    message: str
    remedy: str


def cause(kind: str, pattern: str, message: str, remedy: str) -> Cause:
    return Cause(kind, re.compile(pattern, re.I), message, remedy)


# The first that fits.
CAUSES = (
    cause("disk", "No space left on device", "this server's disk is full: no space left on device",
          "free some, or have old images and mirrors pruned"),
    cause("memory", "out of memory|unable to create (async )?thread|mmap failed",
          "it takes more memory than is given to it", "keep large files elsewhere"),
    cause("host-key", "REMOTE HOST IDENTIFICATION HAS CHANGED",
          "the server's host key is not the one that was confirmed: it has changed, or somebody is in between",
          "ask who runs the server; if it has a new key, scan and confirm it again"),
    cause("host-key", "Host key verification failed|host key is known",
          "the server's host key is not confirmed", "scan the host key, compare its fingerprint and confirm it"),
    cause("host", "Could not resolve|Name or service not known|Temporary failure in name resolution",
          "the host is not found", "check the host's name, and this server's DNS"),
    cause("refused", "Connection refused", "the host refuses the connection",
          "check the port, and that the server runs"),
    cause("route", "No route to host|Network is unreachable", "there is no way to the host",
          "check the address, and this server's network"),
    cause("timeout", "timed out|Timeout was reached|Operation too slow",
          "the host does not answer in time", "check the port, and that no firewall is in between"),
    cause("connect", "Failed to connect|Couldn't connect", "the host can't be connected to",
          "check the address and the port, and that no firewall is in between"),
    cause("tls", "certificate|gnutls|SSL|TLS", "the server's certificate is not accepted",
          "renew it there, or have it signed by an authority that this server trusts"),
    cause("key", "error in libcrypto|invalid format|Load key", "the private key can't be read",
          "enter it again as OpenSSH text, without a passphrase, or have one made"),
    cause("authentication", "Permission denied|Authentication failed|could not read (Username|Password)|error: 40[13]|Too many authentication failures",
          "the server does not let this user or key in", KEY),
    cause("redirect", "unable to update url base from redirection|error: 30[1278]",
          "the server sends on to another address, which is not followed",
          "give the repository's present address; some servers want it to end in .git"),
    cause("not-git", "is this a git repository|invalid server response|bad line length|protocol error|bad gateway|error: (400|405|5..)|kex_exchange_identification|Received HTTP/0.9|command not found",
          "what answers there is no git server", "check the address and the port"),
    cause("not-found", "not (be )?found|does not appear to be a git repository|does not exist|No such file|error: 404|dubious ownership",
          "the repository is not found, or may not be seen with these credentials",
          "check its address, and that its key or token may read it"),
    cause("hostile", "error: object [0-9a-f]+: \\w+: |fsck error|invalid path",
          "it holds something that is not let in", "correct the commit that git names"),
    cause("connect", "Connection (closed|reset)", "the server ends the connection",
          "try again; ask who runs the server"),
    cause("shallow", "shallow|dumb http", "the server can't send a single commit",
          "use a server that speaks git's smart protocol"),
)  # fmt: skip
# What another fetch into a new mirror would not change.
CERTAIN = {
    "authentication", "connect", "disk", "memory", "host", "host-key", "hostile", "key", "not-found", "not-git", "redirect",
    "refused", "route", "size", "timeout", "tls",
}  # fmt: skip
# What the library puts around a command's words.
FRAME = re.compile(r"^\s*stderr: '|'$")
QUOTED = re.compile(r"'[^'\n]*'|[a-z]+://\S+")
TOO_LARGE = re.compile(r"File too large|died of signal 25|SIGXFSZ", re.I)
UNKNOWN = Cause("unknown", re.compile(""), "git failed", REMOTE)


def find(text: str) -> Cause:
    """By the words alone: an address may hold any of them (`https://host/ssl-tools`)."""
    text = QUOTED.sub("''", text)
    return next((each for each in CAUSES if each.pattern.search(text)), UNKNOWN)


def explain(
    access: Access, failed: GitCommandError | TimeoutExpired
) -> tuple[str, PortwrightError]:
    """(kind, error) of what a command said on its standard error; secrets are taken out."""
    text = "timed out" if isinstance(failed, TimeoutExpired) else FRAME.sub("", str(failed.stderr))
    if TOO_LARGE.search(text):
        return "size", too_large(access.max_bytes)
    found = find(text)
    hidden = Redactor([access.password, access.private_key])
    lines = [line.strip(" '\r") for line in hidden.redact(clean(text)).splitlines()]
    said = [line for line in lines if line and not line.startswith(("@@", "remote:"))]
    fatal = [line for line in said if line.startswith(("fatal:", "error:", "ssh:"))]
    last = (fatal or said or [""])[0 if fatal else -1][:300]
    return found.kind, PortwrightError(
        f"the repository can't be read: {found.message}" + (f" ({last})" if last else ""),
        remedy=found.remedy,
        path="repository",
    )


def too_large(max_bytes: int) -> PortwrightError:
    return PortwrightError(
        f"it is larger than {max_bytes >> 20} MiB, which is the most",
        remedy="keep large files elsewhere, or have the host's owner raise the limit",
        path="repository",
    )
