"""The library's registry: Debian's `docker-registry` on a folder of the cache.

It only answers this machine and its containers, and it is read-only: what a build or another user
of the machine runs must not replace an image. Images are pushed to a second process with a
password, on a random port, which ends when the push is done.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bcrypt
import docker
import httpx
from docker.errors import APIError, NotFound

from provision.daemons import Daemon, answers
from stacks.errors import PortwrightError
from tools.library.build import LABEL

PROGRAM = "/usr/bin/docker-registry"
LOOPBACK = "127.0.0.1"
# The registry on loopback, and the one that containers reach through Docker's bridge.
NAMES = ("library", "library-bridge")
USER = "library"
PATIENCE = 10.0
SIOCGIFADDR = 0x8915  # netdevice(7)
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Writer:
    """A registry that takes images, and who may push them."""

    address: str
    password: str = field(repr=False)


def config(
    folder: Path, address: str, *, readonly: bool = True, htpasswd: Path | None = None
) -> str:
    """Return a configuration of docker-registry. htpasswd: who may use it; None: everybody."""
    storage: dict[str, Any] = {
        "filesystem": {"rootdirectory": str(folder / "images")},
        "delete": {"enabled": True},
        "maintenance": {
            "uploadpurging": {"enabled": False},
            "readonly": {"enabled": readonly},
        },
    }
    content: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": storage,
        "http": {"addr": address},
    }
    if htpasswd:
        content["auth"] = {"htpasswd": {"realm": "library", "path": str(htpasswd)}}
    return json.dumps(content, indent=1)  # YAML, too


def bridge_address(client: docker.DockerClient) -> str:
    """Return this machine's address on Docker's default bridge, empty if there is none.

    Containers reach it under the name `host-gateway`.
    """
    try:
        options = client.networks.get("bridge").attrs["Options"] or {}
    except NotFound:
        return ""
    name = str(options.get("com.docker.network.bridge.name", "")).encode()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, struct.pack("256s", name[:15]))
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])


def write_reader(folder: Path, name: str, address: str) -> Path:
    """Write the configuration of a read-only registry that answers at HOST:PORT."""
    path = folder / f"{name}.json"
    path.write_text(config(folder, address))
    return path


def readers(folder: Path, port: int, bridge: str) -> list[Daemon]:
    """Return the registry's processes: on loopback, and on Docker's bridge if there is one."""
    found = []
    for name, address in zip(NAMES, (LOOPBACK, bridge), strict=True):
        if address:
            path = write_reader(folder, name, f"{address}:{port}")
            # Another configuration is another fingerprint, so that the process is restarted.
            env = {"LIBRARY_CONFIGURATION": hashlib.sha256(path.read_bytes()).hexdigest()}
            argv = [PROGRAM, "serve", str(path)]
            found.append(Daemon(name, argv, env, ready=f"{address}:{port}"))
    return found


@contextmanager
def writer(folder: Path) -> Iterator[Writer]:
    """Run a registry with a password on the same folder, and end it afterwards."""
    password = secrets.token_urlsafe(24)
    htpasswd, path = folder / "htpasswd", folder / "writer.json"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=5)).decode()
    htpasswd.touch(mode=0o600)
    htpasswd.write_text(f"{USER}:{hashed}\n")
    address = f"{LOOPBACK}:{free_port()}"
    path.write_text(config(folder, address, readonly=False, htpasswd=htpasswd))
    try:
        with running(path, address):
            yield Writer(address, password)
    finally:
        htpasswd.unlink()


@contextmanager
def running(path: Path, address: str) -> Iterator[None]:
    """Run docker-registry with this configuration as a child process."""
    process = subprocess.Popen(
        [PROGRAM, "serve", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(address):
            if process.poll() is not None or time.monotonic() > deadline:
                raise PortwrightError(
                    f"the registry did not start at {address}",
                    remedy=f"run {PROGRAM} serve {path} to see why",
                    path="library",
                )
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def push(
    client: docker.DockerClient, to: Writer, reference: str, repository: str, tag: str
) -> None:
    """Push an image of the engine under this name; the engine does not keep the name."""
    name = f"{to.address}/{repository}"
    client.images.get(reference).tag(name, tag)
    try:
        login = {"username": USER, "password": to.password}
        for line in client.images.push(name, tag, auth_config=login, stream=True, decode=True):
            if "error" in line:
                raise PortwrightError(
                    f"{reference} cannot be pushed to the library: {line['error']}",
                    remedy="check the disk space of the cache folder, then try again",
                    path="library",
                )
    except APIError as error:
        raise PortwrightError(
            f"{reference} cannot be pushed to the library: {error}",
            remedy="check that the Docker engine runs, then try again",
            path="library",
        ) from None
    finally:
        client.images.remove(f"{name}:{tag}", noprune=True)


def collect_garbage(folder: Path) -> None:
    """Delete layers that no image needs any more."""
    path = folder / "writer.json"
    argv = [PROGRAM, "garbage-collect", "--delete-untagged", str(path)]
    subprocess.run(argv, check=True, capture_output=True)


def is_registry(address: str) -> bool:
    """Return whether a registry, and not another program, answers at HOST:PORT."""
    try:
        answer = get(f"http://{address}/v2/")
    except httpx.HTTPError:
        return False
    return "docker-distribution-api-version" in answer.headers


def recipe_key(address: str, repository: str, tag: str) -> str:
    """Return the key of the recipe that the served image was made by, empty where there is none."""
    url = f"http://{address}/v2/{repository}"
    try:
        manifest = get(f"{url}/manifests/{tag}", accept=MANIFEST)
        if manifest.status_code != 200:
            return ""
        digest = str(manifest.json()["config"]["digest"])
        content = get(f"{url}/blobs/{digest}").json()
        return str((content["config"].get("Labels") or {}).get(LABEL, ""))
    except (httpx.HTTPError, ValueError, KeyError):
        return ""


def get(url: str, accept: str = "*/*") -> httpx.Response:
    """Ask a registry of this machine; proxies are for the world outside."""
    with httpx.Client(trust_env=False, timeout=5) as web:
        return web.get(url, headers={"Accept": accept})


def free_port() -> int:
    """Return a port that nothing on this machine's loopback address uses."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
