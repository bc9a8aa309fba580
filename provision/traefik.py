"""Traefik on the host's own network: it reaches every project's bridge network by container address."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Iterable
from io import StringIO
from typing import Any

import yaml
from pyinfra import host
from pyinfra.api import FactBase, deploy
from pyinfra.operations import files

from jobs import acme
from jobs.settings import Settings
from jobs.visits import HOST_RULE
from provision.daemons import Daemon
from provision.environment import listen
from provision.https import base, with_https
from provision.operations import daemon
from provision.where import is_node, managed


@deploy("traefik")
def deploy_component(settings: Settings) -> None:
    home = str(settings.home)
    text = yaml.safe_dump(config(settings), sort_keys=False)
    files.directory(name="traefik folder", path=f"{home}/traefik", mode="700")
    files.put(
        name="traefik.yaml", src=StringIO(text), dest=f"{home}/traefik/traefik.yaml", mode="600"
    )
    files.directory(name="traefik's changing part", path=f"{home}/traefik/dynamic", mode="700")
    previews = f"{home}/traefik/dynamic/previews.yaml"
    if is_node():  # the portal that would wake them is elsewhere
        files.file(name="no previews.yaml", path=previews, present=False)
    else:
        text_of = yaml.safe_dump(asleep(settings), sort_keys=False)
        files.put(name="previews.yaml", src=StringIO(text_of), dest=previews, mode="600")
    if settings.https_port:
        files.put(
            name="base.yaml",
            src=StringIO(yaml.safe_dump(base(settings), sort_keys=False)),
            dest=f"{home}/traefik/dynamic/base.yaml",
            mode="600",
        )
    else:
        path = f"{home}/traefik/dynamic/base.yaml"
        files.file(name="no base.yaml", path=path, present=False)
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
            writes=("log",) if settings.https_port else (),
        ),
    )


class Credentials(FactBase[dict[str, str]]):
    """Names of a DNS provider's credentials on the host -> what changes when one does: no content."""

    default = dict

    def command(self, folder: str) -> str:
        return f"stat --format '%n=%i-%s-%Y' {shlex.quote(folder)}/* 2>/dev/null || true"

    def process(self, output: Iterable[str]) -> dict[str, str]:
        told = (line.rpartition("/")[2].rpartition("=") for line in output)
        return {name: state for name, _, state in told if acme.VARIABLE.fullmatch(name)}


def https_environment(settings: Settings) -> dict[str, str]:
    """With a digest of the credentials, so that new ones restart it."""
    if not managed():
        digest = acme.credentials_digest(settings)
        return {"PORTWRIGHT_ACME_DIGEST": digest, **acme.environment(settings)}
    folder = settings.home / "keys/acme-dns"
    there = host.get_fact(Credentials, folder=str(folder)) if settings.acme_dns else {}
    digest = hashlib.sha256(repr(sorted(there.items())).encode()).hexdigest()[:16]
    files_there = [folder / name for name in sorted(there)]
    return {"PORTWRIGHT_ACME_DIGEST": digest, **acme.environment(settings, files_there)}


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
        # How often a preview is asked for: jobs.previews.sleep.
        "metrics": {"prometheus": {"entryPoint": "traefik", "addEntryPointsLabels": False}},
        "providers": {
            "providersThrottleDuration": "100ms",
            "file": {"directory": str(settings.home / "traefik/dynamic"), "watch": True},
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


def asleep(settings: Settings) -> dict[str, Any]:
    """Names of previews that no container answers to go to the portal, which wakes them."""
    here = settings.bind if settings.bind not in ("0.0.0.0", "::") else "127.0.0.1"
    router = {"rule": HOST_RULE.format(domain=re.escape(settings.domain)), "priority": 1}
    routers = {"asleep": {**router, "entryPoints": ["web"], "service": "portal"}}
    if settings.https_port:
        routers["asleep-tls"] = {
            **router, "entryPoints": ["websecure"], "service": "portal", "tls": {},
        }  # fmt: skip
    url = f"http://{listen(here, settings.portal_port)}"
    services = {"portal": {"loadBalancer": {"servers": [{"url": url}]}}}
    return {"http": {"routers": routers, "services": services}}
