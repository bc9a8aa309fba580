"""An ACME server that a node reaches, and that reaches the node, as one in the world would."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from harness import CHECKOUT
from servers import Dns, Server, acme_server, dns_server, make_tls
from vps import Vps, run

CA = "/etc/portwright/acme-ca.pem"
GATEWAY = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
# Long enough for the tests, and two thirds of it are longer than Traefik's pause between two looks.
LIFETIME = 3600


@dataclass
class Issuer:
    """For one node. settings: of the node, which make it ask here."""

    node: Vps
    dns: Dns
    production: Server
    staging: Server

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "HTTPS_PORT": 443, "ACME_SERVER": self.production.url,
            "ACME_STAGING": self.staging.url, "ACME_CA": CA, "ACME_HOURS": 1,
        }  # fmt: skip

    def get(self, host: str, path: str, secure: bool) -> httpx.Response:
        """As a visitor of the node does; by TLS only with a certificate of production's."""
        context = ssl.create_default_context(cadata=self.production.root)
        with httpx.Client(verify=context, timeout=20) as client:
            url = f"http{'s' if secure else ''}://{self.node.address}{path}"
            names = {"headers": {"Host": host}, "extensions": {"sni_hostname": host}}
            return client.send(client.build_request("GET", url, **names))


@contextmanager
def issuer(node: Vps, folder: Path) -> Iterator[Issuer]:
    """Every name is the node's, unless DNS is told otherwise."""
    binaries = folder / "bin"
    install = [sys.executable, "-m", "toolchain", "install", "--into", str(binaries)]
    subprocess.run([*install, "pebble", "pebble-challtestsrv"], cwd=CHECKOUT, check=True)
    here = run("docker", "network", "inspect", "--format", GATEWAY, node.name)
    make_tls(folder, here)
    with ExitStack() as stack:
        dns = stack.enter_context(dns_server(binaries, folder))
        dns.tell("set-default-ipv4", ip=node.address)
        production, staging = (
            stack.enter_context(acme_server(name, binaries, folder, dns, (80, 443), LIFETIME, here))
            for name in ("production", "staging")
        )
        node.outside("sh", "-c", f"cat >{CA}", stdin=production.ca.read_bytes())
        yield Issuer(node, dns, production, staging)
