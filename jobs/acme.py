"""How Traefik asks for certificates: by which ACME server (RFC 8555) and with which challenge."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.settings import Settings

# https://letsencrypt.org/docs/staging-environment/
DIRECTORIES = {
    "production": "https://acme-v02.api.letsencrypt.org/directory",
    "staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}
RESOLVER = "acme"
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{1,60}")


def directory(settings: Settings) -> str:
    """The URL of the directory that issues what visitors see."""
    return DIRECTORIES.get(settings.acme_server, settings.acme_server)


def staging(settings: Settings) -> str:
    """The URL of the directory where a new name is tried first; empty where there is none.

    TLS-ALPN-01 can't be tried: Traefik gives no other process a host's TLS connections while a
    router of its own answers to that host.
    """
    if settings.acme_staging == "none" or settings.acme_challenge == "tls":
        return ""
    if settings.acme_staging != "auto":
        return settings.acme_staging
    return DIRECTORIES["staging"] if settings.acme_server == "production" else ""


def resolver(settings: Settings, server: str, storage: Path) -> dict[str, Any]:
    """Traefik's certificate resolver, https://doc.traefik.io/traefik/https/acme/."""
    return {
        "acme": {
            "caServer": server,
            "storage": str(storage),
            "keyType": "EC256",
            "certificatesDuration": settings.acme_hours,
            **({"email": settings.acme_email} if settings.acme_email else {}),
            **challenge(settings),
        }
    }


def challenge(settings: Settings) -> dict[str, Any]:
    if settings.acme_challenge == "tls":
        return {"tlsChallenge": {}}
    if settings.acme_challenge == "http":
        return {"httpChallenge": {"entryPoint": "web"}}
    found: dict[str, Any] = {"provider": settings.acme_dns}
    if settings.acme_dns_servers:
        found["resolvers"] = settings.acme_dns_servers.split(",")
        found["propagation"] = {"requireAllRNS": True, "disableANSChecks": True}
    return {"dnsChallenge": found}


def environment(settings: Settings, files: Sequence[Path] | None = None) -> dict[str, str]:
    """What a Traefik process needs beside its configuration: where secrets are, never what they are.
    files: the credentials of another machine than this one.

    Each file in HOME/keys/acme-dns is named like a variable of the DNS provider; lego reads the
    value from the file that NAME_FILE names.
    """
    files = credentials(settings) if files is None else files
    found = {f"{file.name}_FILE": str(file) for file in files}
    if settings.acme_ca:
        found |= {"LEGO_CA_CERTIFICATES": settings.acme_ca, "LEGO_CA_SYSTEM_CERT_POOL": "true"}
    return found


def credentials(settings: Settings) -> list[Path]:
    folder = settings.home / "keys" / "acme-dns"
    files = sorted(folder.iterdir()) if settings.acme_dns and folder.is_dir() else []
    return [file for file in files if VARIABLE.fullmatch(file.name)]


def credentials_digest(settings: Settings) -> str:
    """Changes when a credential does: Traefik reads them once. Tells nothing of them, for it is keyed."""
    files = credentials(settings)
    if not files:
        return ""
    digest = hmac.new(settings.key("secret-key").encode(), digestmod=hashlib.sha256)
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def certificate_name(host: str, settings: Settings) -> str:
    """The name on a host's certificate: with DNS-01, names below the base domain share a wildcard."""
    if settings.acme_challenge == "dns" and host.endswith(f".{settings.domain}"):
        return f"*.{host.partition('.')[2]}"
    return host
