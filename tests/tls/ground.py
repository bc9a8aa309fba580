"""Where Traefik, as it is provisioned, meets real ACME servers. Everything is on 127.0.0.1."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from processes import running
from servers import Dns, Server, acme_server, dns_provider, dns_server, make_tls

from bench.scratch import free_ports
from jobs import acme
from jobs.settings import Settings
from provision.environment import environment

CHECKOUT = Path(__file__).resolve().parents[2]
# What provision/traefik.py writes; pyinfra is imported in a process of its own.
WRITE = """
import sys, yaml
from pathlib import Path
from jobs.settings import Settings
from provision import https, traefik
settings = Settings.from_environ()
folder = settings.home / "traefik"
(folder / "dynamic").mkdir(parents=True, exist_ok=True)
(folder / "traefik.yaml").write_text(yaml.safe_dump(traefik.config(settings)))
(folder / "dynamic/base.yaml").write_text(yaml.safe_dump(https.base(settings)))
"""


@dataclass
class Ground:
    """folder, bin: scratch, and where the binaries are; web, secure: the ports that Pebble comes to."""

    folder: Path
    bin: Path
    dns: Dns
    production: Server
    staging: Server
    web: int
    secure: int
    dns_api: int

    def settings(self, name: str, **more: Any) -> Settings:
        """Of a home of its own, with everything that a host has before Traefik starts."""
        home = self.folder / name
        api, rehearsal = free_ports(2)
        for each in ("keys/acme-dns", "log", "run", "bin"):
            (home / each).mkdir(parents=True)
        (home / "keys/secret-key").write_text("k" * 40)
        (home / "keys/acme-dns/HTTPREQ_ENDPOINT").write_text(f"http://127.0.0.1:{self.dns_api}")
        (home / "bin/traefik").symlink_to(self.bin / "traefik")
        usual: dict[str, Any] = {
            "home": home,
            "instance": "pwtlstest",
            "http_port": self.web,
            "https_port": self.secure,
            "traefik_port": api,
            "rehearsal_port": rehearsal,
            "acme_server": self.production.url,
            "acme_staging": self.staging.url,
            "acme_ca": str(self.production.ca),
        }
        return replace(Settings(), **{**usual, **more})

    @contextmanager
    def traefik(self, settings: Settings) -> Iterator[None]:
        """Just as it is provisioned."""
        env = environment(settings)
        subprocess.run(
            [sys.executable, "-c", WRITE], cwd=CHECKOUT, check=True, env={**os.environ, **env}
        )
        argv = [
            str(settings.home / "bin/traefik"),
            f"--configFile={settings.home}/traefik/traefik.yaml",
        ]
        log = settings.home / "log/traefik.log"
        with running(argv, log, settings.traefik_port, acme.environment(settings)):
            yield

    def get(self, host: str, path: str = "/", secure: bool = False) -> httpx.Response:
        """A request as a visitor of the host makes it; over TLS only with a certificate of production's."""
        scheme, port = ("https", self.secure) if secure else ("http", self.web)
        context = ssl.create_default_context(cadata=self.production.root)
        with httpx.Client(verify=context) as client:
            request = client.build_request(
                "GET",
                f"{scheme}://127.0.0.1:{port}{path}",
                headers={"Host": host},
                extensions={"sni_hostname": host},
            )
            return client.send(request)

    def certificate(self, host: str) -> x509.Certificate:
        """What a visitor is shown, whoever issued it. Raises ssl.SSLError where there is none."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection(("127.0.0.1", self.secure), 5) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            return x509.load_der_x509_certificate(wrapped.getpeercert(binary_form=True) or b"")

    def handshake(self, host: str, version: str) -> str:
        """What comes of an offer of just this version: the one agreed on, or the server's alert."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        # OpenSSL itself offers the old ones at its lowest level only (SSL_CTX_set_security_level(3)).
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            only = ssl.TLSVersion[version]
            context.minimum_version = context.maximum_version = only
        with socket.create_connection(("127.0.0.1", self.secure), 5) as plain:
            try:
                with context.wrap_socket(plain, server_hostname=host) as wrapped:
                    return str(wrapped.version())
            except ssl.SSLError as error:
                return error.reason or str(error)


@contextmanager
def ground(folder: Path, binaries: Path, lifetime: int) -> Iterator[Ground]:
    """lifetime: seconds that certificates live."""
    make_tls(folder)
    web, secure = free_ports(2)
    with ExitStack() as stack:
        dns = stack.enter_context(dns_server(binaries, folder))
        production, staging = (
            stack.enter_context(acme_server(name, binaries, folder, dns, (web, secure), lifetime))
            for name in ("production", "staging")
        )
        dns_api = stack.enter_context(dns_provider(dns))
        yield Ground(folder, binaries, dns, production, staging, web, secure, dns_api)
