"""CAs of registries: which texts are taken, and a real engine that trusts one once it is installed."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import docker
import pytest
from certificate_authority import Authority, authority
from docker.errors import APIError

from stacks.docker.images.certificates import (
    FOLDER,
    LABEL,
    check_certificates,
    install_certificate,
    mounted,
    remove_leftovers,
)
from stacks.errors import PortwrightError


def test_certificates_are_stored_without_what_stands_around_them() -> None:
    one, two = authority("one").pem, authority("two").pem
    text = (
        f"# the CA of our registry\r\n{one}\nsubject=two\n{two.replace(chr(10), chr(13) + chr(10))}"
    )
    assert check_certificates(text) == one + two


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "is not a PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "is not a PEM"),
        ("\ud800", "is not a PEM certificate"),
        (authority().key_pem, "contains a private key"),
        (authority(expires=datetime.now(UTC) - timedelta(days=1)).pem, "expired on"),
        (authority().pem * 1000, "larger than 256 KiB"),
    ],
)
def test_what_is_no_certificate_is_refused_with_the_field(text: str, cause: str) -> None:
    with pytest.raises(PortwrightError, match=cause) as caught:
        check_certificates(text)
    assert caught.value.path == "ca" and caught.value.remedy


class EmptyRegistry(BaseHTTPRequestHandler):
    """A registry over TLS that has no image."""

    def do_GET(self) -> None:
        found = self.path == "/v2/"
        body = b"{}" if found else b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"none"}]}'
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def trusted() -> Authority:
    return authority()


@pytest.fixture
def registry(client: docker.DockerClient, trusted: Authority, tmp_path: Path) -> Iterator[str]:
    """The host of a TLS registry that the engine reaches; not on loopback, where it checks nothing."""
    subnet = client.networks.get("bridge").attrs["IPAM"]["Config"][0]["Subnet"]
    address = str(next(ipaddress.ip_network(subnet).hosts()))
    certificate, key = trusted.server(address, tmp_path)
    server = ThreadingHTTPServer((address, 0), EmptyRegistry)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, daemon=True).start()
    host = f"{address}:{server.server_port}"
    yield host
    server.shutdown()
    server.server_close()
    shutil.rmtree(Path(FOLDER) / host, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path(FOLDER).rmdir()  # stays where the machine's own certificates are


def pull_error(client: docker.DockerClient, host: str) -> str:
    with pytest.raises(APIError) as caught:
        client.api.pull(f"{host}/none", tag="1")
    return str(caught.value)


def ours(client: docker.DockerClient) -> tuple[int, int]:
    """How many containers and images of installations exist."""
    label = {"label": LABEL}
    containers = client.api.containers(all=True, filters=label)
    return len(containers), len(client.api.images(all=True, filters=label))


@pytest.mark.system
def test_the_engine_trusts_the_registry_once_its_ca_is_installed(
    client: docker.DockerClient, registry: str, trusted: Authority
) -> None:
    said: list[str] = []
    assert "x509" in pull_error(client, registry)
    install_certificate(client, registry, authority("another").pem, said.append)
    assert "x509" in pull_error(client, registry)
    install_certificate(client, registry, trusted.pem, said.append)
    after = pull_error(client, registry)
    assert "x509" not in after and "manifest unknown" in after
    assert said == [f"Installed the CA of {registry} on the Docker host"] * 2
    install_certificate(client, registry, trusted.pem, said.append)
    assert len(said) == 2, "nothing to do the second time"
    assert (Path(FOLDER) / registry / "ca.crt").read_text() == trusted.pem
    assert ours(client) == (0, 0)


@pytest.mark.system
def test_what_a_killed_installation_left_is_removed_once_it_is_old(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(client):
        remove_leftovers(client)
        assert ours(client) == (1, 1), "another worker's is at work"
        monkeypatch.setattr("stacks.docker.images.certificates.LEFTOVER_SECONDS", -5)
        remove_leftovers(client)
        assert ours(client) == (0, 0)


@pytest.mark.system
@pytest.mark.parametrize("host", ["../../etc", "a/b", "https://x.example", ""])
def test_a_hostile_host_reaches_no_path(client: docker.DockerClient, host: str) -> None:
    with pytest.raises(PortwrightError):
        install_certificate(client, host, authority().pem, print)
