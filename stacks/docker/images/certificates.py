"""Certificates of registries that have a CA of their own."""

from __future__ import annotations

import contextlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import docker
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from docker.errors import APIError, DockerException, NotFound

from stacks.docker.images.registry_host import check_registry_host
from stacks.errors import PortwrightError

FOLDER = "/etc/docker/certs.d"
MOUNT = "/certs.d"
FILE = "ca.crt"
LABEL = "portwright.certificates"
LONGEST = 256 * 1024
LEFTOVER_SECONDS = 600
Say = Callable[[str], None]


def check_certificates(pem: str, path: str = "ca") -> str:
    """Return the certificates of a PEM text in canonical form, without anything around them.

    Raises PortwrightError where there is none, all have expired, or a private key is among them.
    """
    if len(pem) > LONGEST:
        raise PortwrightError(
            "the CA file is larger than 256 KiB",
            remedy="Give only the certificates of this registry's CA.",
            path=path,
        )
    if "PRIVATE KEY" in pem:
        raise PortwrightError(
            "the CA file contains a private key",
            remedy="Give the certificate only; the key must stay on the CA's own machine.",
            path=path,
        )
    try:
        found = x509.load_pem_x509_certificates(pem.encode("utf-8", "replace"))
    except ValueError:
        raise PortwrightError(
            "the CA is not a PEM certificate",
            remedy="Give a file that starts with -----BEGIN CERTIFICATE-----.",
            path=path,
        ) from None
    newest = max(each.not_valid_after_utc for each in found)
    if newest < datetime.now(UTC):
        raise PortwrightError(
            f"the CA certificate expired on {newest:%Y-%m-%d}",
            remedy="Give the current certificate of the registry's CA.",
            path=path,
        )
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in found)


def install_certificate(client: docker.DockerClient, host: str, pem: str, say: Say) -> None:
    """Make the engine trust these certificates for this registry; no-op where it already does.

    Works on remote engines too: only the Docker API is used. The engine reads
    /etc/docker/certs.d on every pull and needs no restart.

    Raises PortwrightError.
    """
    host, pem = check_registry_host(host), check_certificates(pem)
    try:
        remove_leftovers(client)
        with mounted(client) as container:
            if read_file(client, container, f"{MOUNT}/{host}/{FILE}") == pem.encode():
                return
            client.api.put_archive(container, MOUNT, archive(host, pem.encode()))
    except DockerException as error:
        detail = error.explanation if isinstance(error, APIError) else error
        raise PortwrightError(
            f"the CA of {host} could not be installed on the Docker host: {detail}",
            remedy=f"Check the Docker engine, or create {FOLDER}/{host}/{FILE} on its host.",
            path=f"registries.{host}",
        ) from None
    say(f"Installed the CA of {host} on the Docker host")


@contextlib.contextmanager
def mounted(client: docker.DockerClient) -> Iterator[str]:
    """Give a container that has the engine's certificate folder mounted and is never started.

    The engine mounts a container's volumes for archive requests, whether it runs or not.
    """
    answer = client.api.import_image_from_data(empty_image(), changes=[f"LABEL {LABEL}=true"])
    image = str(json.loads(answer.strip().splitlines()[-1])["status"])
    try:
        container = client.api.create_container(
            image=image,
            command=["/never-started"],
            labels={LABEL: "true"},
            host_config=client.api.create_host_config(
                binds=[f"{FOLDER}:{MOUNT}"], network_mode="none"
            ),
        )["Id"]
        try:
            yield str(container)
        finally:
            with contextlib.suppress(NotFound):
                client.api.remove_container(container, force=True)
    finally:
        with contextlib.suppress(NotFound):
            client.api.remove_image(image, force=True)


def remove_leftovers(client: docker.DockerClient) -> None:
    """Remove containers of installations that were killed halfway, with their images."""
    found = client.api.containers(all=True, filters={"label": LABEL, "status": "created"})
    for each in found:
        if each["Created"] < time.time() - LEFTOVER_SECONDS:
            with contextlib.suppress(APIError):
                client.api.remove_container(each["Id"], force=True)
                client.api.remove_image(each["ImageID"])


def read_file(client: docker.DockerClient, container: str, path: str) -> bytes | None:
    """Return the file's content; None where it does not exist or is not a plain file."""
    try:
        chunks, _ = client.api.get_archive(container, path)
        data = b"".join(chunks)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(data)) as found:
        first = found.next()
        content = found.extractfile(first) if first is not None and first.isreg() else None
        return content.read() if content is not None else None


def empty_image() -> bytes:
    """Return a root filesystem that holds the mount point only."""
    return packed((MOUNT.lstrip("/"), None))


def archive(host: str, content: bytes) -> bytes:
    return packed((host, None), (f"{host}/{FILE}", content))


def packed(*entries: tuple[str, bytes | None]) -> bytes:
    """Return a tar archive; an entry without content is a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in entries:
            entry = tarfile.TarInfo(name)
            entry.mtime = int(time.time())
            if content is None:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            else:
                entry.size, entry.mode = len(content), 0o644
            tar.addfile(entry, io.BytesIO(content or b""))
    return out.getvalue()
