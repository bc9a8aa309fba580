"""What Traefik holds and what it failed to get: read from its acme.json and its log.

Private keys stay in acme.json: only this module reads that file, and takes certificates from it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from jobs.issuing import told

LOG_TAIL = 512 * 1024
OBTAIN = "Unable to obtain ACME certificate for domains"
RENEW = re.compile(r"Error renewing ACME certificate: \{(\S+) \[[^\]]*\]\}")


@dataclass(frozen=True)
class Certificate:
    """names: what it is for, a wildcard among them as `*.example.com`."""

    names: tuple[str, ...]
    issuer: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Failure:
    """An attempt that failed, for one certificate. problem: the last part of the ACME error's type
    (RFC 8555, 6.7), or a word of ours; cause and remedy: for people."""

    name: str
    at: datetime
    problem: str
    cause: str
    remedy: str


def held(storage: Path) -> dict[str, Certificate]:
    """Main name → certificate, of every resolver; nothing where Traefik has not written yet."""
    try:
        resolvers: dict[str, Any] = json.loads(storage.read_text() or "{}")
    except (OSError, ValueError):
        return {}
    found = {}
    for resolver in resolvers.values():
        for entry in (resolver or {}).get("Certificates") or ():
            pem = base64.b64decode(entry["certificate"])
            found[str(entry["domain"]["main"])] = certificate(pem)
    return found


def certificate(pem: bytes) -> Certificate:
    """The first of a chain."""
    read = x509.load_pem_x509_certificates(pem)[0]
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    issuer = read.issuer.get_attributes_for_oid(
        NameOID.ORGANIZATION_NAME
    ) or read.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        names=tuple(names.get_values_for_type(x509.DNSName)),
        issuer=str(issuer[0].value) if issuer else "",
        since=read.not_valid_before_utc,
        until=read.not_valid_after_utc,
    )


def failures(*logs: Path) -> list[Failure]:
    """Oldest first."""
    found = [failure for log in logs for line in lines(log) for failure in failed(line)]
    return sorted(found, key=lambda failure: failure.at)


def lines(log: Path) -> Iterable[str]:
    """The end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return ()


def failed(line: str) -> list[Failure]:
    """A line of Traefik's JSON log → an attempt that failed; nothing for any other line."""
    if "ACME certificate" not in line:
        return []
    try:
        entry = json.loads(line)
        at = datetime.fromisoformat(entry["time"]).astimezone(UTC)
        message, error = str(entry["message"]), str(entry.get("error") or "")
    except (ValueError, KeyError, TypeError):
        return []
    renewing = RENEW.fullmatch(message)
    if renewing:
        names = [renewing[1]]
    elif message.startswith(OBTAIN):
        names = [str(name) for name in entry.get("domains") or ()][:1]
    else:
        return []
    problem, cause, remedy = told(error)
    return [Failure(name, at, problem, cause, remedy) for name in names]
