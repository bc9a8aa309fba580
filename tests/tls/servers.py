"""ACME servers (Pebble), a DNS server that says what a test wants, and a DNS provider's API."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from processes import running

from bench.scratch import free_ports


@dataclass
class Dns:
    """pebble-challtestsrv: every name is 127.0.0.1 unless told otherwise."""

    port: int
    management: int

    def tell(self, action: str, **what: object) -> None:
        httpx.post(f"http://127.0.0.1:{self.management}/{action}", json=what).raise_for_status()


@dataclass
class Server:
    """One Pebble. orders: what it was asked for, read from its log."""

    url: str
    management: str
    log: Path
    ca: Path

    @cached_property
    def root(self) -> str:
        """The PEM of its root, which it makes anew at each start."""
        context = ssl.create_default_context(cafile=str(self.ca))
        return httpx.get(f"{self.management}/roots/0", verify=context).text

    def issued(self) -> int:
        return self.log.read_text().count("Issued certificate serial")


@contextmanager
def dns_server(binaries: Path, folder: Path) -> Iterator[Dns]:
    port, management = free_ports(2)
    argv = [
        str(binaries / "pebble-challtestsrv"), "-dnsserver", f"127.0.0.1:{port}",
        "-management", f"127.0.0.1:{management}", "-defaultIPv6", "",
        "-http01", "", "-https01", "", "-doh", "", "-tlsalpn01", "",
    ]  # fmt: skip
    with running(argv, folder / "dns.log", management):
        yield Dns(port, management)


@contextmanager
def acme_server(
    name: str,
    binaries: Path,
    folder: Path,
    dns: Dns,
    ports: tuple[int, int],
    lifetime: int,
    address: str = "127.0.0.1",
) -> Iterator[Server]:
    """ports: where it comes to look for HTTP-01 and TLS-ALPN-01; lifetime: of certificates, in
    seconds; address: of this machine, where it is asked."""
    port, management = free_ports(2)
    log = folder / f"{name}.log"
    config = {
        "pebble": {
            "listenAddress": f"{address}:{port}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": ports[0],
            "tlsPort": ports[1],
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "", "validityPeriod": lifetime}},
        }
    }
    (folder / f"{name}.json").write_text(json.dumps(config))
    argv = [
        str(binaries / "pebble"), "-config", str(folder / f"{name}.json"),
        "-dnsserver", f"127.0.0.1:{dns.port}",
    ]  # fmt: skip
    env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0"}
    with running(argv, log, port, env, address):
        host = "localhost" if address == "127.0.0.1" else address
        url, managed = f"https://{host}:{port}/dir", f"https://localhost:{management}"
        yield Server(url, managed, log, folder / "cert.pem")


@contextmanager
def dns_provider(dns: Dns) -> Iterator[int]:
    """A DNS provider's API as lego's `httpreq` speaks it (https://go-acme.github.io/lego/dns/httpreq/)."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/present":
                dns.tell("set-txt", host=asked["fqdn"], value=asked["value"])
            else:
                dns.tell("clear-txt", host=asked["fqdn"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def make_tls(folder: Path, *addresses: str) -> None:
    """A self-signed certificate for the ACME servers' own HTTPS, at further addresses too."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME servers of the tests")])
    at = datetime.now(UTC)
    numbers = [x509.IPAddress(ip_address(each)) for each in ("127.0.0.1", *addresses)]
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), *numbers])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(hours=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(names, False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
