"""Traefik on the host's own network: it reaches every project's bridge network by container address."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

import yaml
from pyinfra.api import deploy
from pyinfra.operations import files

from jobs import acme
from jobs.settings import Settings
from provision.daemons import Daemon
from provision.environment import listen
from provision.https import base, with_https
from provision.operations import daemon


@deploy("traefik")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    text = yaml.safe_dump(config(settings), sort_keys=False)
    files.directory(name="traefik folder", path=f"{home}/traefik", mode="700")
    files.put(
        name="traefik.yaml", src=StringIO(text), dest=f"{home}/traefik/traefik.yaml", mode="600"
    )
    if settings.https_port:
        files.directory(name="traefik's changing part", path=f"{home}/traefik/dynamic", mode="700")
        files.put(
            name="base.yaml",
            src=StringIO(yaml.safe_dump(base(settings), sort_keys=False)),
            dest=f"{home}/traefik/dynamic/base.yaml",
            mode="600",
        )
    daemon(
        name="traefik",
        home=home,
        wanted=Daemon(
            "traefik",
            [f"{home}/bin/traefik", f"--configFile={home}/traefik/traefik.yaml"],
            # The text is here so that a new configuration restarts it.
            env={
                "PORTWRIGHT_TRAEFIK_CONFIG": text,
                "GOMEMLIMIT": "96MiB",
                **(https_environment(settings) if settings.https_port else {}),
            },
            ready=f"127.0.0.1:{settings.traefik_port}",
        ),
    )


def https_environment(settings: Settings) -> dict[str, str]:
    """With a digest of the credentials, so that new ones restart it."""
    digest = acme.credentials_digest(settings)
    return {"PORTWRIGHT_ACME_DIGEST": digest, **acme.environment(settings)}


def config(settings: Settings) -> dict[str, Any]:
    """Traefik's static configuration. Only containers of this instance are seen."""
    engine = os.environ.get("DOCKER_HOST", "")
    plain: dict[str, Any] = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {
                "address": listen(settings.bind, settings.http_port),
                "transport": {"lifeCycle": {"graceTimeOut": "10s"}},
            },
            "traefik": {"address": f"127.0.0.1:{settings.traefik_port}"},
        },
        "api": {"insecure": True, "dashboard": False},
        "ping": {"entryPoint": "traefik"},
        "providers": {
            "providersThrottleDuration": "100ms",
            "docker": {
                "exposedByDefault": False,
                # The same engine as everything else here speaks to.
                **({"endpoint": engine} if engine else {}),
                "constraints": f"Label(`portwright.instance`,`{settings.instance}`)",
            },
        },
        "log": {"level": "WARN"},
    }
    return with_https(plain, settings) if settings.https_port else plain
