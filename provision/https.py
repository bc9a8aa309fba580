"""Traefik with HTTPS: entry point, certificates, TLS options, access log."""

from __future__ import annotations

from typing import Any

from jobs import acme
from jobs.domains import ANSWER, CHALLENGES
from jobs.settings import Settings
from provision.environment import listen

# Mozilla's intermediate configuration, https://ssl-config.mozilla.org; TLS 1.3 has its own.
CIPHERS = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
]


def with_https(plain: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The same with `websecure`, certificates, what the worker tells, and an access log.

    `web` gets no TLS, middleware or the like: Traefik would rename each router that is on both.
    """
    home, points = settings.home, plain["entryPoints"]
    web = {**points["web"], "asDefault": True}
    if settings.acme_challenge == "http":
        # A new name's challenge goes to the rehearsal; `base` answers all others.
        web["allowACMEByPass"] = True
    secure = {
        "address": listen(settings.bind, settings.https_port),
        "asDefault": True,
        "transport": points["web"]["transport"],
        "http": {
            "tls": {},
            **({"middlewares": ["hsts@file"]} if settings.hsts_days else {}),
        },
    }
    resolver = acme.resolver(settings, acme.directory(settings), home / "traefik/acme.json")
    return {
        **plain,
        "entryPoints": {"web": web, "websecure": secure, "traefik": points["traefik"]},
        "certificatesResolvers": {acme.RESOLVER: resolver},
        "log": {
            "level": "WARN",
            "format": "json",
            "filePath": str(home / "log/traefik.json.log"),
            "maxSize": 10,
            "maxBackups": 1,
        },
        # The path goes with its query, which may hold secrets: neither is kept, nor any header.
        "accessLog": {
            "filePath": str(home / "log/access.log"),
            "format": "json",
            "fields": {
                "names": {"RequestPath": "drop", "ClientUsername": "drop"},
                "headers": {"defaultMode": "drop"},
            },
        },
    }


def base(settings: Settings) -> dict[str, Any]:
    """What the file provider tells for good."""
    port = {} if settings.https_port == 443 else {"port": str(settings.https_port)}
    middlewares: dict[str, Any] = {"to-https": {"redirectScheme": {"scheme": "https", **port}}}
    if settings.hsts_days:
        seconds = settings.hsts_days * 86_400
        middlewares["hsts"] = {"headers": {"stsSeconds": seconds}}
    routers = {}
    if settings.acme_challenge == "http":
        routers["challenges"] = {
            "rule": CHALLENGES,
            "entryPoints": ["web"],
            "priority": ANSWER,
            "service": "acme-http@internal",
        }
    return {
        "http": {**({"routers": routers} if routers else {}), "middlewares": middlewares},
        "tls": {
            "options": {
                "default": {
                    "minVersion": "VersionTLS12",
                    "sniStrict": True,
                    "cipherSuites": CIPHERS,
                }
            }
        },
    }
